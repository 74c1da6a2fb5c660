"""Markdown to safe HTML, whole and growing."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentlab.notebook.safety import markdown
from agentlab.notebook.safety.markdown import StreamingMarkdown, render_markdown
from agentlab.notebook.safety.safe_html import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, join, sanitise
from tests.notebook.hostile import BY_CLASS, Contents

_LINES = [
    "# title",
    "text *with* `code`",
    "more text",
    "- item",
    "  continued",
    "    indented",
    "1. one",
    "2. two",
    "> quote",
    "```python",
    "```",
    "~~~~",
    "| a | b |",
    "|---|:-:|",
    "| 1 | 2 |",
    "===",
    "---",
    "",
    "\t tab",
    "[a]",
    "<div>",
    "a\\",
    "#hash",
    "\x0b\x0c",
    "\u2028",
]
_MARKDOWN = st.lists(st.sampled_from(_LINES), max_size=25).map("\n".join)
_WILD = st.text(alphabet="ab*_`~#>-+|:!()[]<&.1 \t\r\n\\", max_size=120)


def streamed(text: str, cuts: list[int]) -> tuple[StreamingMarkdown, list[str]]:
    """The text fed in pieces, read after each; and what a reader saw each time."""
    stream = StreamingMarkdown()
    seen = []
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, stop in pairwise(places):
        stream.feed(text[start:stop])
        tail = stream.tail
        seen.append(join([*stream.blocks, tail]).html)
    stream.finish()
    return stream, seen


def assert_allowed(markup: str) -> None:
    contents = Contents(markup)
    assert contents.tags <= ALLOWED_TAGS
    for tag, name, value in contents.attributes:
        if (tag, name, value) in {("a", "rel", "noopener noreferrer"), ("a", "target", "_blank")}:
            continue
        assert name in ALLOWED_ATTRIBUTES[tag], (tag, name)
        if name == "href":
            assert re.match(r"(?i)(https?://|mailto:)", value)
        else:
            assert re.fullmatch(r"language-[\w+#.-]+|al-(?:image|[kscnft])|left|center|right|\d+", value)


@pytest.mark.parametrize("attack", BY_CLASS)
def test_hostile_text_yields_only_allowed_elements_and_attributes(attack: str) -> None:
    for text in BY_CLASS[attack]:
        assert_allowed(render_markdown(text).html)
        assert_allowed(sanitise(text).html)


@pytest.mark.parametrize("attack", BY_CLASS)
def test_hostile_markdown_is_safe_at_every_moment_of_its_stream(attack: str) -> None:
    for text in BY_CLASS[attack]:
        stream, seen = streamed(text, list(range(0, len(text), max(3, len(text) // 25))))
        for markup in [*seen, join(stream.blocks).html]:
            assert_allowed(markup)


@pytest.mark.parametrize("attack", BY_CLASS)
def test_cleaning_twice_changes_nothing_more(attack: str) -> None:
    for text in BY_CLASS[attack]:
        for once in (sanitise(text), render_markdown(text)):
            assert sanitise(once.html) == once


@given(st.text() | _WILD)
def test_any_text_renders_to_allowed_html_and_cleaning_is_idempotent(text: str) -> None:
    for once in (sanitise(text), render_markdown(text)):
        assert_allowed(once.html)
        assert sanitise(once.html) == once


@settings(max_examples=400)
@given(_MARKDOWN | _WILD, st.lists(st.integers(0, 500), max_size=12))
@example("- a\n\n  b\n- c\n\nend\n", [3, 4, 9])
@example("para\n#hash\n", [6])
@example("a\r\n\r\nb\r\n", [2, 4])
@example("```\nx\n\n```\ny", [4, 8])
def test_streamed_blocks_joined_equal_the_whole_however_it_is_cut(text: str, cuts: list[int]) -> None:
    stream, _ = streamed(text, cuts)
    assert join(stream.blocks) == render_markdown(text)


@settings(max_examples=200)
@given(_MARKDOWN, st.lists(st.integers(0, 500), max_size=12))
def test_what_a_reader_sees_at_each_moment_is_the_text_so_far_rendered(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})[1:]
    _, seen = streamed(text, cuts)
    assert seen == [render_markdown(text[:place]).html for place in places]


def test_a_link_definition_after_its_use_is_honoured_when_the_text_is_complete() -> None:
    text = "see [a]\n\nmore\n\n[a]: https://a.invalid\n\nend\n"
    stream, seen = streamed(text, list(range(len(text))))
    assert "https://a.invalid" not in seen[20]
    assert join(stream.blocks) == render_markdown(text)


def test_a_link_definition_before_its_use_holds_in_later_blocks() -> None:
    _, seen = streamed("[a]: https://a.invalid\n\nmore\n\nsee [a]\n\nend\n", list(range(60)))
    assert 'href="https://a.invalid"' in seen[-1]


def test_finished_blocks_are_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    genuine = markdown._rendered
    monkeypatch.setattr(markdown, "_rendered", lambda text, env: rendered.append(text) or genuine(text, env))
    stream = StreamingMarkdown()
    for number in range(200):
        stream.feed(f"paragraph {number}\n\n")
        stream.tail  # noqa: B018 - reading it renders
    assert max(len(text) for text in rendered) < 60


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("paragraphs", "some words of a paragraph\n\n"),
        ("fence", "x = 1  # more and more code\n"),
        ("list", "- an item of the usual length\n"),
    ],
)
def test_the_cost_of_a_stream_grows_with_its_length(
    monkeypatch: pytest.MonkeyPatch, name: str, piece: str
) -> None:
    genuine = markdown._rendered

    def cost(pieces: int) -> int:
        characters = 0

        def counted(text: str, env: dict[str, object]) -> object:
            nonlocal characters
            characters += len(text)
            return genuine(text, env)

        monkeypatch.setattr(markdown, "_rendered", counted)
        stream = StreamingMarkdown()
        if name == "fence":
            stream.feed("```python\n")
        for _ in range(pieces):
            stream.feed(piece)
            stream.tail  # noqa: B018 - reading it renders
        stream.finish()
        return characters

    assert cost(480) < 3 * cost(240)


def test_a_long_open_fence_shows_its_newest_text_at_once() -> None:
    stream = StreamingMarkdown()
    stream.feed("```python\n" + "x = 1\n" * 2000)
    stream.tail  # noqa: B018 - reading it renders
    stream.feed("<newest>")
    assert stream.tail.html.rstrip().endswith("&lt;newest&gt;</code></pre>")
    stream.feed("\n```\n\nafter *it*\n")
    assert stream.tail.html == "<p>after <em>it</em></p>\n"


def test_a_long_open_paragraph_shows_its_newest_text_at_once_as_text() -> None:
    stream = StreamingMarkdown()
    stream.feed("word " * 2000)
    stream.tail  # noqa: B018 - reading it renders
    stream.feed("<b>newest")
    assert stream.tail.html.endswith("<span>&lt;b&gt;newest</span>")


def test_images_are_named_and_never_fetched() -> None:
    shown = render_markdown("![a chart](https://x.invalid/?q=1)").html
    assert shown == '<p><span class="al-image">[image: a chart (https://x.invalid/?q=1)]</span></p>\n'


def test_tables_keep_their_alignment_without_style() -> None:
    shown = render_markdown("| a | b |\n|:--|--:|\n| 1 | 2 |\n").html
    assert '<th align="left">a</th>' in shown
    assert '<td align="right">2</td>' in shown
    assert "style" not in shown


def test_links_open_elsewhere_and_tell_nothing() -> None:
    shown = render_markdown("[x](https://a.invalid/?b=1&c=2)").html
    assert shown == (
        '<p><a rel="noopener noreferrer" target="_blank" href="https://a.invalid/?b=1&amp;c=2">x</a></p>\n'
    )
