"""Hostile text through every renderer of ours, in a real browser that touches all of it: nothing runs, nothing leaves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.notebook.hostile import BY_CLASS, HOSTILE
from tests.notebook.painters import PAINTERS
from tests.notebook.renderers import RENDERERS, TERMINAL, all_rendered
from tests.notebook.trapped_page import TrappedPage

ROOT = Path(__file__).parents[2]
BATCH = 45
GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
RENDERED = [text for place, text in enumerate(HOSTILE) if place % 2 or GAUNTLET]
PAINTED_EVERY = 3  # all of them, and the public ones, in the gauntlet
UNSAFE_TO_PRINT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@pytest.fixture(scope="module")
def trap(chromium: Browser) -> Iterator[TrappedPage]:
    """One page for all tests."""
    page = TrappedPage(chromium)
    yield page
    page.close()


def batches(texts: Sequence[str], size: int = BATCH) -> Iterator[list[str]]:
    """The texts, so many at a time."""
    places = iter(texts)
    while batch := list(islice(places, size)):
        yield batch


def assert_harmless(trap: TrappedPage, texts: Sequence[str], rendered: Sequence[str]) -> None:
    """Show what all renderers made of the texts; where anything happens, name the renderer and the text."""
    caught = trap.show(rendered)
    assert caught.characters > len(texts)
    if caught.is_clean:
        return
    for name, render in RENDERERS.items():
        if not trap.show(list(render(texts))).is_clean:
            guilty = [text for text in texts if not trap.show(list(render([text]))).is_clean]
            pytest.fail(f"{name}, with {guilty}: {caught}")
    pytest.fail(f"no renderer alone, but all together: {caught}")


def test_the_trap_catches_what_runs_and_what_leaves(trap: TrappedPage) -> None:
    ran = trap.expose(BY_CLASS["handler"])
    assert len({place for _, place in ran.executions if place is not None}) > 25
    left = trap.expose(BY_CLASS["request"], rest_ms=600)
    assert len([url for url in left.requests if "x.invalid" in url]) > 10


def test_what_runs_as_a_cell_s_output_and_what_is_no_part_of_a_view_are_caught(trap: TrappedPage) -> None:
    assert trap.show(["<p>harmless</p>"]).is_clean
    assert trap.show(["<script>window.__ran = 1</script>"]).executions
    assert trap.show(["<a href='javascript:alert(1)'>x</a>"]).executions
    assert trap.show(["<img src=https://x.invalid/?q>"], rest_ms=100).requests
    for markup in (
        "<p id=x>",
        "<p class=jp-Notebook>",
        "<p style='background:url(x)'>",
        "<b data-x=y>",
        "<!-- x -->",
    ):
        assert trap.show([markup]).foreign


def test_no_renderer_lets_hostile_text_run_or_reach_out(trap: TrappedPage) -> None:
    for texts in batches(RENDERED):
        assert_harmless(trap, texts, all_rendered(texts))


@pytest.mark.parametrize("name", PAINTERS)
def test_no_live_view_lets_hostile_text_run_or_reach_out(trap: TrappedPage, name: str) -> None:
    for texts in batches(HOSTILE[::PAINTED_EVERY]):
        caught = trap.paint(PAINTERS[name](texts))
        assert caught.is_clean, caught
        assert caught.characters > sum(map(len, texts))


@pytest.mark.parametrize("name", TERMINAL)
def test_no_text_for_a_terminal_holds_a_character_that_acts_on_one(name: str) -> None:
    for attack in ("terminal", "direction", "encoding", "script"):
        for text in BY_CLASS[attack]:
            assert not UNSAFE_TO_PRINT.findall(TERMINAL[name](text)), text


def test_every_class_that_shows_itself_as_html_is_among_the_renderers() -> None:
    defined = re.compile(
        r"^class (\w+)|^    def (_repr_(?:html|mimebundle|markdown|latex|svg|javascript|json)_)", re.MULTILINE
    )
    showing = set()
    for file in (ROOT / "agentlab").rglob("*.py"):
        owner = ""
        for name, method in defined.findall(file.read_text(encoding="utf-8")):
            owner = name or owner
            if method:
                showing.add(owner)
                assert method in {"_repr_html_", "_repr_mimebundle_"}, f"{file}: front ends run {method}"
    missing = showing - set(RENDERERS)
    assert not missing, (
        f"say in `RENDERERS` of {Path('tests/notebook/renderers.py')} how these are made: {missing}"
    )


def test_every_script_that_paints_is_among_the_painters() -> None:
    scripts = {file.name for file in (ROOT / "agentlab/notebook/static").glob("*_view.js")}
    missing = scripts - {name.partition(",")[0] for name in PAINTERS}
    assert not missing, (
        f"say in `PAINTERS` of {Path('tests/notebook/painters.py')} how these are made: {missing}"
    )
