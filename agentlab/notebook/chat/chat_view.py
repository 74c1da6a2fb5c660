"""The widget of a chat: an anywidget, made of `static/chat_view.js`, `static/run.css` and `static/chat.css`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from agentlab.notebook.assets import script, style
from agentlab.notebook.run.token_bar import SEGMENTS

__all__ = ["ChatView"]


class ChatView(anywidget.AnyWidget):
    """Shows the patches and snapshots it is given, and passes on what the reader types and clicks.

    Args:
        snapshot: The document to begin with.
        on_message: Takes what the reader did; called on any thread.
        on_request: A view has mounted or lost a patch, and wants a snapshot; called on any thread.

    Attributes:
        snapshot: The document a view reads when it mounts or has lost a patch.
        segments: Name, label and colour of each kind of token.
    """

    _esm = script("chat_view.js")
    _css = style("run.css", "chat.css")
    snapshot = traitlets.Dict().tag(sync=True)
    segments: traitlets.List[list[str]] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        snapshot: dict[str, Any],
        *,
        on_message: Callable[[dict[str, Any]], None],
        on_request: Callable[[], None],
    ) -> None:
        names = [[segment.name, segment.label, segment.color] for segment in SEGMENTS]
        super().__init__(snapshot=snapshot, segments=names)
        self._on_message = on_message
        self._on_request = on_request
        self.on_msg(self._take_message)

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
        return "ChatView()"

    def _take_message(self, _widget: object, message: object, _buffers: object) -> None:
        if not isinstance(message, dict):
            return
        if message.get("type") in {"ready", "resync"}:
            self._on_request()
        else:
            self._on_message(message)
