"""A run shown on a plain page through `Live`, the same code that shows it in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from agentlab.messages import Event, StopReason
from agentlab.notebook.run import show
from tests.notebook.page import WidgetPage

STEP_S = 0.05


class ShownRun:
    """A live run on a page. Its clock goes on by a twentieth of a second with each look, so each event is told at once."""

    def __init__(self, page: WidgetPage, live: show.Live, published: list[dict[str, Any]]) -> None:
        self.page = page
        self.live = live
        self._published = published

    def tell(self, events: Iterable[Event], *, paints: bool = True) -> None:
        """Let these events happen, and the page show them."""
        for event in events:
            self.live.apply(event)
        if self.live._publisher is not None:
            with self.live._publisher._lock:
                self.live._publisher._wake()
        self.page.pump(paints=paints)

    def finish(self, reason: StopReason = "cancelled", detail: str | None = None) -> str:
        """End it; the HTML that stays."""
        self.live.finish(reason, detail)
        self.page.pump()
        return str(self._published[-1]["text/html"])


@contextmanager
def shown(
    page: WidgetPage,
    title: str,
    *,
    stop: Callable[[], None] | None = None,
    decide: Callable[[str, bool], None] | None = None,
) -> Iterator[ShownRun]:
    """Start a live run on a page; it is cancelled at the end if it has not ended."""
    published: list[dict[str, Any]] = []
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += STEP_S
        return now

    def publish(bundle: dict[str, Any], **_where: object) -> None:
        published.append(bundle)

    with patch.object(show, "display_mode", lambda: "live"), patch.object(show, "publish", publish):
        live = show.Live(title, stop=stop, decide=decide, clock=clock)
        live.start()
        assert live._view is not None
        page.mount(live._view)
        try:
            yield ShownRun(page, live, published)
        finally:
            live.finish()
