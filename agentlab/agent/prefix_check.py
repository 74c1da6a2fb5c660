"""Whether each request of a run still begins with the one before it, at no cost for the length of the history.

A wire gives the bytes of each rendered item (`EncodedRequest.pieces`), and a message once sent is the same object in
every later request: comparing two requests is comparing pointers. Only where the prefix moved are the bodies
compared, to say what moved.
"""

from __future__ import annotations

from msgspec import structs

from agentlab.agent.trace import prefix_notice, recorded
from agentlab.caching.calls import RecordedCall
from agentlab.messages import Notice, RequestSent, Usage

__all__ = ["PrefixCheck"]


class PrefixCheck:
    """Compares each request of one run with the request before it."""

    def __init__(self) -> None:
        self._call: RecordedCall | None = None
        self._pieces: tuple[bytes, ...] = ()
        self._earlier: tuple[RecordedCall | None, tuple[bytes, ...]] = (None, ())

    def given_up(self) -> None:
        """Leave the last request out: it was not answered, and left nothing in a cache."""
        self._call, self._pieces = self._earlier

    def answered(self, usage: Usage) -> None:
        """Take in what the provider reported of the request it was shown last, which makes a later notice exact."""
        if self._call is not None:
            self._call = structs.replace(self._call, usage=usage)

    def notice(self, sent: RequestSent, pieces: tuple[bytes, ...] = (), *, model: str = "") -> Notice | None:
        """What to tell of a request that no longer begins with the one before it; None where it does.

        Args:
            sent: The request.
            pieces: Its rendered items, see `EncodedRequest.pieces`; empty where the model does not give them, then the
                bodies are compared.
            model: `"vendor:model"`, as in `TurnStarted`.
        """
        call = recorded(sent, model)
        self._earlier = (self._call, self._pieces)
        before, self._call = self._call, call
        known, self._pieces = self._pieces, pieces
        # Equal tuples are found by the identity of their items first, so no byte of the history is read.
        if before is None or (known and pieces[: len(known)] == known):
            return None
        text = prefix_notice(before, call)
        return Notice("prefix_moved", text) if text else None
