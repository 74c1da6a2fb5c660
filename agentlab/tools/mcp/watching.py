"""Watches what passes between a client and a server, message by message, in the order of the wire.

The SDK handles notifications in tasks of their own, so an answer may be heard before a notification that was sent before
it. What must hold in the order of the wire is therefore held here, under the SDK: a tool whose definition may have changed is
not called, a flood ends the connection, and a server that asks for more than it may is not answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from agentlab.errors import ToolError
from agentlab.tools.mcp.catalog import Catalog

if TYPE_CHECKING:
    from mcp.types import JSONRPCMessage

__all__ = ["REFUSED", "Flood", "Watch"]

_HEADER_MISMATCH: Final = -32_020
_LIST_CHANGED: Final = "notifications/tools/list_changed"

REFUSED: Final = object()
"""Stands in the data of an error that answers a call which was never sent."""


class Flood(Exception):
    """The server sends more of something than any use of it could need; the text says what."""


class Watch:
    """The rules for one connection. No I/O: it is shown messages and says what becomes of them.

    Args:
        catalog: What may be called.
        changed: Called when the server says that its tools changed.
        most_notifications: Notifications the server may send within `window_s`.
        most_invalid: Messages in a row that may be no JSON-RPC (programs that print to their standard output).
        most_questions: Requests of the server that may be unanswered at a time; further ones are not answered.
        window_s: See `most_notifications`, in seconds.

    Attributes:
        invalid: The first of the messages that were no JSON-RPC.
        unanswered: How many requests of the server were not answered.
    """

    def __init__(
        self,
        catalog: Catalog,
        changed: Callable[[], None] = lambda: None,
        *,
        most_notifications: int = 2_000,
        most_invalid: int = 200,
        most_questions: int = 32,
        window_s: float = 10.0,
    ) -> None:
        self._catalog = catalog
        self._changed = changed
        self._most_notifications = most_notifications
        self._most_invalid = most_invalid
        self._most_questions = most_questions
        self._window_s = window_s
        self._times: deque[float] = deque(maxlen=most_notifications)
        self._invalid_in_a_row = 0
        self._questions: set[Any] = set()
        self.invalid = ""
        self.unanswered = 0

    def invalid_received(self, shown: str) -> None:
        """Take note of a message that is no JSON-RPC.

        Raises:
            Flood: There were too many in a row.
        """
        self.invalid = self.invalid or shown
        self._invalid_in_a_row += 1
        if self._invalid_in_a_row > self._most_invalid:
            raise Flood(
                f"it sent {self._invalid_in_a_row} messages in a row that are no JSON-RPC: {self.invalid!r}"
            )

    def received(self, message: JSONRPCMessage, now: float) -> bool:
        """Whether a message of the server goes on to the session.

        Args:
            message: The message.
            now: The time, in seconds.

        Raises:
            Flood: The server sends too much.
        """
        self._invalid_in_a_row = 0
        method = getattr(message, "method", None)
        if method is None:
            error = getattr(message, "error", None)
            if error is not None and error.code == _HEADER_MISMATCH:
                # The SDK would list the tools and send the call again: to a tool whose schema is another one now.
                self._catalog.announce_change()
            return True
        if (asked := getattr(message, "id", None)) is not None:
            if len(self._questions) >= self._most_questions:
                self.unanswered += 1
                if self.unanswered >= self._most_notifications:
                    raise Flood(f"it sent {self.unanswered:,} requests that it may not send")
                return False
            self._questions.add(asked)
            return True
        if method == "notifications/cancelled":
            self._forget((getattr(message, "params", None) or {}).get("requestId"))
        if method == _LIST_CHANGED:
            self._catalog.announce_change()
            self._changed()
        self._times.append(now)
        if len(self._times) == self._most_notifications and now - self._times[0] < self._window_s:
            raise Flood(f"it sent {self._most_notifications:,} notifications within {self._window_s:g} s")
        return True

    def sending(self, message: JSONRPCMessage) -> str | None:
        """Why a message must not be sent, or None where it may go: the last look before a call leaves.

        Args:
            message: The message.
        """
        if getattr(message, "method", None) is None:
            self._forget(getattr(message, "id", None))
            return None
        if message.method != "tools/call":  # type: ignore[union-attr]
            return None
        if self._catalog.stale:
            return "the definitions of the tools may have changed"
        try:
            self._catalog.check(str((message.params or {}).get("name")))  # type: ignore[union-attr]
        except ToolError as error:
            return str(error)
        return None

    def _forget(self, question: object) -> None:
        if isinstance(question, str | int):
            self._questions.discard(question)
