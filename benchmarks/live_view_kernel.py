"""What `live_view` runs in a kernel: the same tokens, shown in one of several ways."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import ipywidgets
from IPython.display import Markdown, display

from agentlab.messages import Event, TextDelta
from agentlab.notebook import show_run
from agentlab.notebook.run.run_view import RunView
from tests.notebook.synthetic import paced, text_run

PARAGRAPH = 100
LOST = 0.05
HELD_S = 6
taken: dict[str, float] = {}


def tokens(count: int) -> list[str]:
    """Numbered words, in paragraphs."""
    return [f"w{number:05} " + "\n\n" * (number % PARAGRAPH == PARAGRAPH - 1) for number in range(count)]


async def measured(way: Callable[[int, float], Awaitable[None]], count: int, per_second: float) -> None:
    """Show tokens in one way; keeps when the first and the last one were made, and what the kernel worked."""
    began, taken["began_at"] = time.process_time(), time.time()
    try:
        await way(count, per_second)
    finally:
        taken["kernel_s"] = time.process_time() - began


def figures() -> str:
    """What `measured` kept."""
    return json.dumps(taken)


async def events(count: int, per_second: float) -> AsyncIterator[Event]:
    """A run that says the tokens."""
    last = tokens(count)[-1]
    async for event in paced(text_run(tokens(count)), per_second):
        if isinstance(event, TextDelta) and event.text == last:
            taken["last_at"] = time.time()
        yield event


async def agentlab_view(count: int, per_second: float) -> None:
    """The live view."""
    await show_run(events(count, per_second), title="tokens")


async def lossy_view(count: int, per_second: float) -> None:
    """The live view on a channel that loses messages, held for a while at the end: its still picture is no patch."""
    chance = random.Random(7)
    send_patch, put_snapshot = RunView.send_patch, RunView.put_snapshot

    def lose(deliver: Callable[[RunView, dict[str, Any]], None]) -> Callable[[RunView, dict[str, Any]], None]:
        def sent(view: RunView, message: dict[str, Any]) -> None:
            if chance.random() >= LOST:
                deliver(view, message)

        return sent

    async def held() -> AsyncIterator[Event]:
        async for event in events(count, per_second):
            if event.__class__.__name__ == "TurnFinished":
                await asyncio.sleep(HELD_S)
            yield event

    RunView.send_patch, RunView.put_snapshot = lose(send_patch), lose(put_snapshot)  # type: ignore[method-assign, assignment]
    try:
        await show_run(held(), title="tokens")
    finally:
        RunView.send_patch, RunView.put_snapshot = send_patch, put_snapshot  # type: ignore[method-assign]


async def markdown_display(count: int, per_second: float) -> None:
    """The whole text as Markdown, displayed anew with each token."""
    handle, text = display(Markdown(""), display_id=True), ""
    async for event in events(count, per_second):
        if isinstance(event, TextDelta):
            text += event.text
            handle.update(Markdown(text))


async def html_widget(count: int, per_second: float) -> None:
    """The whole text as the value of a widget, set anew with each token."""
    widget, text = ipywidgets.HTML(), ""
    display(widget)
    async for event in events(count, per_second):
        if isinstance(event, TextDelta):
            text += event.text
            widget.value = text
