"""The live view of one run: an anywidget, made of `static/run_view.js` and `static/run.css`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from agentlab.notebook.assets import script, style
from agentlab.notebook.run.document_view import DocumentView

__all__ = ["RunView"]


class RunView(DocumentView):
    """Shows a run, and passes on what the reader clicks.

    Attributes:
        can_stop: Whether there is a Stop button while the run goes on.
        can_decide: Whether a tool that asks has buttons to approve and to deny it.
    """

    _esm = script("run_view.js")
    _css = style("run.css")
    can_stop = traitlets.Bool(default_value=False).tag(sync=True)
    can_decide = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, snapshot: dict[str, Any], *, can_stop: bool, can_decide: bool = False) -> None:
        self._on_request: Callable[[], None] = _nothing
        self._on_stop: Callable[[], None] = _nothing
        self._on_decide: Callable[[str, bool], None] = _undecided
        super().__init__(snapshot, can_stop=can_stop, can_decide=can_decide)

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

    def asked_for_snapshot(self) -> None:
        """Pass it on."""
        self._on_request()

    def heard(self, message: dict[str, Any]) -> None:
        """Pass on Stop and decisions; that a Stop was heard goes back at once, on whatever thread it came."""
        if message.get("type") == "stop":
            self.send({"type": "stopping"})
            self._on_stop()
        elif message.get("type") == "decide":
            self._on_decide(str(message.get("call_id")), message.get("approved") is True)


def _undecided(call_id: str, approved: bool) -> None:
    """Nobody listens yet."""


def _nothing() -> None:
    """Nobody listens yet."""
