"""Good text keeps its structure: what protects a reader does not take anything from one."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.notebook.safety.markdown import StreamingMarkdown, render_markdown
from agentlab.notebook.safety.safe_html import join, sanitise
from agentlab.plain_text import terminal_safe
from tests.notebook.hostile import HOSTILE, Contents
from tests.notebook.safety.well_behaved import SAMPLES

_ALL_TEXT = st.text(alphabet=st.characters(exclude_categories=()))


class Skeleton(HTMLParser):
    """The elements of some HTML and how they are nested; spans that only colour code are no part of it."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text = ""
        self._open: list[bool] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        colour = tag == "span" and ("class", "al-image") not in attrs
        if not colour:
            self.text += f" {tag}("
        if tag in {"br", "hr"}:
            self.text += ")"
        else:
            self._open.append(colour)

    def handle_endtag(self, tag: str) -> None:
        if not self._open.pop():
            self.text += ")"

    @property
    def shape(self) -> str:
        """Elements in order, nested ones in brackets."""
        return self.text.replace("( ", "(").replace("()", "").strip()


def test_there_are_two_hundred_samples() -> None:
    assert len({text for text, _ in SAMPLES}) == len(SAMPLES) >= 200


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_good_markdown_keeps_its_structure(way: str) -> None:
    changed = []
    for text, skeleton in SAMPLES:
        if way == "whole":
            shown = render_markdown(text)
        else:
            stream = StreamingMarkdown()
            for start in range(0, len(text), 3):
                stream.feed(text[start : start + 3])
                stream.tail  # noqa: B018 - reading it renders
            stream.finish()
            shown = join(stream.blocks)
        shape = Skeleton(shown.html).shape
        if shape != skeleton:
            changed.append((text, skeleton, shape))
    assert changed == []


def test_no_letter_of_good_markdown_is_lost() -> None:
    for text, _ in SAMPLES:
        shown = Contents(render_markdown(text).html).text
        words = {
            word for word in ("words", "stressed", "strong", "code", "link", "chart", "中文") if word in text
        }
        assert {word for word in words if word not in shown} == set()


@given(_ALL_TEXT | st.sampled_from(HOSTILE))
def test_text_made_safe_twice_is_text_made_safe_once(text: str) -> None:
    assert sanitise(sanitise(text).html) == sanitise(text)
    assert terminal_safe(terminal_safe(text)) == terminal_safe(text)


@given(st.lists(st.sampled_from(HOSTILE) | _ALL_TEXT, max_size=4).map("".join))
def test_no_forbidden_substring_outlives_being_made_safe(text: str) -> None:
    for made in (sanitise(text), render_markdown(text)):
        lowered = made.html.lower()
        tags = [piece.split(">", 1)[0] for piece in lowered.split("<")[1:]]
        for forbidden in (
            "<script",
            "<img",
            "<svg",
            "<style",
            "<iframe",
            "<input",
            "<form",
            "<!--",
            " style=",
            " id=",
            " data-",
        ):
            assert not [tag for tag in tags if forbidden in f"<{tag}"], (forbidden, text)
    assert not set(terminal_safe(text)) & set("\x00\x07\x08\x0b\x1b\x7f\x9b\u202e\u2066")
