"""The widget of a comparison: an anywidget, made of `static/comparison_view.js`, `static/run.css` and `static/comparison.css`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from agentlab.notebook.assets import script, style
from agentlab.notebook.run.token_bar import SEGMENTS

__all__ = ["ComparisonView"]


class ComparisonView(anywidget.AnyWidget):
    """Shows the patches and snapshots it is given, and passes on what the reader clicks.

    Args:
        snapshot: The document to begin with.
        stops_each: Whether each lane has a Stop button of its own, beside the one for all.

    Attributes:
        snapshot: The document a view reads when it mounts or has lost a patch.
        segments: Name, label and colour of each kind of token.
    """

    _esm = script("comparison_view.js")
    _css = style("run.css", "comparison.css")
    snapshot = traitlets.Dict().tag(sync=True)
    segments: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    stops_each = traitlets.Bool(default_value=True).tag(sync=True)

    def __init__(self, snapshot: dict[str, Any], *, stops_each: bool) -> None:
        names = [[segment.name, segment.label, segment.color] for segment in SEGMENTS]
        super().__init__(snapshot=snapshot, segments=names, stops_each=stops_each)
        self._on_request: Callable[[], None] = _nothing
        self._on_stop: Callable[[int | None], None] = _no_lane
        self._on_decide: Callable[[int, str, bool], None] = _undecided
        self._mounted = 0
        self.on_msg(self._take_message)

    @property
    def was_reopened(self) -> bool:
        """Whether a second page has mounted it. A reloaded page cannot replace its output, so it needs the widget on."""
        return self._mounted > 1

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

    def send_patch(self, patch: dict[str, Any]) -> None:
        """Send one numbered patch."""
        self.send(patch)

    def put_snapshot(self, snapshot: dict[str, Any]) -> None:
        """Set the synced snapshot."""
        self.snapshot = snapshot

    def close(self) -> None:
        """Take it off every page. The snapshot goes first: some tools save the last state of a closed widget."""
        self.snapshot = {}
        layout = self.layout
        super().close()
        if layout is not None:
            layout.close()

    def __repr__(self) -> str:
        return "ComparisonView()"

    def _take_message(self, _widget: object, message: object, _buffers: object) -> None:
        if not isinstance(message, dict):
            return
        kind, lane = message.get("type"), message.get("lane")
        self._mounted += kind == "ready"
        if kind in {"ready", "resync"}:
            self._on_request()
        elif kind == "stop" and (lane is None or isinstance(lane, int)):
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
