"""The widget of a chat: an anywidget, made of `static/chat_view.js`, `static/run.css` and `static/chat.css`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentlab.notebook.assets import script, style
from agentlab.notebook.run.document_view import DocumentView

__all__ = ["ChatView"]


class ChatView(DocumentView):
    """Shows a chat, and passes on what the reader types and clicks.

    Args:
        snapshot: The document to begin with.
        on_message: Takes what the reader did; called on any thread.
        on_request: A view has mounted or lost a patch, and wants a snapshot; called on any thread.
    """

    _esm = script("chat_view.js")
    _css = style("run.css", "chat.css")

    def __init__(
        self,
        snapshot: dict[str, Any],
        *,
        on_message: Callable[[dict[str, Any]], None],
        on_request: Callable[[], None],
    ) -> None:
        self._on_message = on_message
        self._on_request = on_request
        super().__init__(snapshot)

    def asked_for_snapshot(self) -> None:
        """Pass it on."""
        self._on_request()

    def heard(self, message: dict[str, Any]) -> None:
        """Pass it on."""
        self._on_message(message)
