"""The widget of a comparison: an anywidget, made of `static/comparison_view.js`, `static/run.css` and `static/comparison.css`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from agentlab.notebook.assets import script, style
from agentlab.notebook.run.document_view import DocumentView

__all__ = ["ComparisonView"]


class ComparisonView(DocumentView):
    """Shows a comparison, and passes on what the reader clicks.

    Args:
        snapshot: The document to begin with.
        stops_each: Whether each lane has a Stop button of its own, beside the one for all.
    """

    _esm = script("comparison_view.js")
    _css = style("run.css", "comparison.css")
    stops_each = traitlets.Bool(default_value=True).tag(sync=True)

    def __init__(self, snapshot: dict[str, Any], *, stops_each: bool) -> None:
        self._on_request: Callable[[], None] = _nothing
        self._on_stop: Callable[[int | None], None] = _no_lane
        self._on_decide: Callable[[int, str, bool], None] = _undecided
        super().__init__(snapshot, stops_each=stops_each)

    def listen(
        self,
        *,
        on_request: Callable[[], None],
        on_stop: Callable[[int | None], None],
        on_decide: Callable[[int, str, bool], None],
    ) -> None:
        """Say who answers a view; each may be called on any thread.

        Args:
            on_request: A view has mounted or lost a patch, and wants a snapshot.
            on_stop: The reader pressed Stop: the number of the lane, or None for all.
            on_decide: The reader has decided whether a tool may run: the lane, the id of the call, and whether.
        """
        self._on_request, self._on_stop, self._on_decide = on_request, on_stop, on_decide

    def asked_for_snapshot(self) -> None:
        """Pass it on."""
        self._on_request()

    def heard(self, message: dict[str, Any]) -> None:
        """Pass on Stop and decisions with their lane; that a Stop was heard goes back at once."""
        kind, lane = message.get("type"), message.get("lane")
        if kind == "stop" and (lane is None or isinstance(lane, int)):
            self.send({"type": "stopping"})
            self._on_stop(lane)
        elif kind == "decide" and isinstance(lane, int):
            self._on_decide(lane, str(message.get("call_id")), message.get("approved") is True)


def _nothing() -> None:
    """Nobody listens yet."""


def _no_lane(lane: int | None) -> None:
    """Nobody listens yet."""


def _undecided(lane: int, call_id: str, approved: bool) -> None:
    """Nobody listens yet."""
