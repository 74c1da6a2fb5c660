"""The live view of one run: an anywidget, made of `static/run_view.js` and `static/run.css`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from agentlab.notebook.assets import script, style
from agentlab.notebook.run.token_bar import SEGMENTS

__all__ = ["RunView"]


class RunView(anywidget.AnyWidget):
    """Shows the patches and snapshots it is given, and passes on what the reader clicks.

    Its state holds the newest snapshot and nothing else of the run, and goes with it when the run is over.

    Attributes:
        snapshot: The document a view reads when it mounts or has lost a patch.
        segments: Name, label and colour of each kind of token.
        can_stop: Whether there is a Stop button while the run goes on.
        can_decide: Whether a tool that asks has buttons to approve and to deny it.
    """

    _esm = script("run_view.js")
    _css = style("run.css")
    snapshot = traitlets.Dict().tag(sync=True)
    segments: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    can_stop = traitlets.Bool(default_value=False).tag(sync=True)
    can_decide = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, snapshot: dict[str, Any], *, can_stop: bool, can_decide: bool = False) -> None:
        names = [[segment.name, segment.label, segment.color] for segment in SEGMENTS]
        super().__init__(snapshot=snapshot, segments=names, can_stop=can_stop, can_decide=can_decide)
        self._on_request: Callable[[], None] = _nothing
        self._on_stop: Callable[[], None] = _nothing
        self._on_decide: Callable[[str, bool], None] = _undecided
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
        on_stop: Callable[[], None],
        on_decide: Callable[[str, bool], None],
    ) -> None:
        """Say who answers a view; each may be called on any thread.

        Args:
            on_request: A view has mounted or lost a patch, and wants a snapshot.
            on_stop: The reader pressed Stop.
            on_decide: The reader has decided whether a tool may run: id of the call, and whether.
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
        return "RunView()"

    def _take_message(self, _widget: object, message: object, _buffers: object) -> None:
        kind = message.get("type") if isinstance(message, dict) else None
        self._mounted += kind == "ready"
        if kind in {"ready", "resync"}:
            self._on_request()
        elif kind == "stop":
            self.send({"type": "stopping"})
            self._on_stop()
        elif kind == "decide" and isinstance(message, dict):
            self._on_decide(str(message.get("call_id")), message.get("approved") is True)


def _undecided(call_id: str, approved: bool) -> None:
    """Nobody listens yet."""


def _nothing() -> None:
    """Nobody listens yet."""
