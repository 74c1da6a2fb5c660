"""Thousands of public payloads through every renderer and every live view: nothing runs, nothing leaves, nothing is foreign.

    AGENTLAB_GAUNTLET=1 AGENTLAB_XSS=/path/of/the/copies pytest -s -m gauntlet tests/notebook/gauntlet

See `corpora` for what is looked for there.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.notebook.gauntlet.corpora import collected
from tests.notebook.hostile import HOSTILE
from tests.notebook.painters import PAINTERS
from tests.notebook.renderers import RENDERERS, TERMINAL, all_rendered
from tests.notebook.test_every_renderer import BATCH, UNSAFE_TO_PRINT, assert_harmless, batches
from tests.notebook.trapped_page import TrappedPage

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
FOLDER = os.environ.get("AGENTLAB_XSS", "")
LEAST = 9_000
WORKERS = 2
pytestmark = [
    pytest.mark.gauntlet,
    pytest.mark.skipif(
        not GAUNTLET or not FOLDER, reason="AGENTLAB_GAUNTLET=1 and AGENTLAB_XSS=<folder> run it"
    ),
]


@pytest.fixture(scope="module")
def vectors() -> Mapping[str, list[str]]:
    """Payloads by source."""
    found = {"our own": list(HOSTILE), **collected(Path(FOLDER))}
    print({source: len(texts) for source, texts in found.items()}, "payloads by source")
    return found


@pytest.fixture
def trap(chromium: Browser) -> Iterator[TrappedPage]:
    """A page for one test."""
    page = TrappedPage(chromium)
    yield page
    page.close()


def all_of(vectors: Mapping[str, list[str]]) -> list[str]:
    """The payloads of all sources."""
    return [text for texts in vectors.values() for text in texts]


def rendered_ahead(texts: Iterator[list[str]]) -> Iterator[tuple[list[str], list[str]]]:
    """Each batch and what all renderers make of it, made in other processes while the page is busy with the ones before."""
    waiting: deque[tuple[list[str], Future[list[str]]]] = deque()
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as workers:
        for batch in texts:
            waiting.append((batch, workers.submit(all_rendered, batch)))
            if len(waiting) > 2 * WORKERS:
                ready, rendered = waiting.popleft()
                yield ready, rendered.result()
        while waiting:
            ready, rendered = waiting.popleft()
            yield ready, rendered.result()


def test_there_are_as_many_as_were_promised(vectors: Mapping[str, list[str]]) -> None:
    assert len(set(all_of(vectors))) >= LEAST


def test_no_renderer_lets_one_run_or_reach_out(vectors: Mapping[str, list[str]], trap: TrappedPage) -> None:
    began = time.monotonic()
    for number, (texts, rendered) in enumerate(rendered_ahead(batches(all_of(vectors)))):
        assert_harmless(trap, texts, rendered)
        if number % 20 == 0:
            print(f"{number * BATCH:,} payloads after {time.monotonic() - began:.0f} s", flush=True)
    print(
        f"{len(all_of(vectors)):,} through {len(RENDERERS)} renderers in {time.monotonic() - began:.0f} s: none ran"
    )


@pytest.mark.parametrize("name", PAINTERS)
def test_no_live_view_lets_one_run_or_reach_out(
    vectors: Mapping[str, list[str]], trap: TrappedPage, name: str
) -> None:
    began = time.monotonic()
    for texts in batches(all_of(vectors)):
        caught = trap.paint(PAINTERS[name](texts))
        assert caught.is_clean, caught
        assert caught.characters > sum(map(len, texts))
    print(f"{len(all_of(vectors)):,} through {name} in {time.monotonic() - began:.0f} s: none ran")


def test_no_text_for_a_terminal_holds_a_character_that_acts_on_one(vectors: Mapping[str, list[str]]) -> None:
    for text in all_of(vectors):
        for name, shown in TERMINAL.items():
            assert not UNSAFE_TO_PRINT.findall(shown(text)), (name, text)


def test_shown_as_they_stand_thousands_run(vectors: Mapping[str, list[str]], trap: TrappedPage) -> None:
    """The positive control: the same payloads, the same page, and nothing in between."""
    began = time.monotonic()
    ran: dict[str, int] = {}
    executions = requests = 0
    for source, payloads in vectors.items():
        ran[source] = 0
        for texts in batches(payloads):
            caught = trap.expose(texts, rest_ms=100)
            ran[source] += len({place for _, place in caught.executions if place is not None})
            executions += len(caught.executions)
            requests += len(caught.requests)
        print(
            f"{source}: {ran[source]:,} of {len(payloads):,} ran; {time.monotonic() - began:.0f} s",
            flush=True,
        )
    print(
        f"unsanitised, {ran} ran: {executions:,} executions, {requests:,} requests; {time.monotonic() - began:.0f} s"
    )
    assert sum(ran.values()) > LEAST / 2
    assert requests > LEAST / 20
