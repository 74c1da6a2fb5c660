"""Whether each request of a run still begins with the one before it, at no cost for the length of the history.

A wire gives the bytes of each rendered item (`EncodedRequest.pieces`), and a message once sent is the same object in
every later request: comparing two requests is comparing pointers. Only where the prefix moved are the bodies
compared, to say what moved.
"""

from __future__ import annotations

from agentlab.agent.trace import prefix_notice
from agentlab.messages import Notice, RequestSent

__all__ = ["PrefixCheck"]


class PrefixCheck:
    """Compares each request of one run with the request before it."""

    def __init__(self) -> None:
        self._sent: RequestSent | None = None
        self._pieces: tuple[bytes, ...] = ()

    def notice(self, sent: RequestSent, pieces: tuple[bytes, ...] = ()) -> Notice | None:
        """What to tell of a request that no longer begins with the one before it; None where it does.

        Args:
            sent: The request.
            pieces: Its rendered items, see `EncodedRequest.pieces`; empty where the model does not give them, then the
                bodies are compared.
        """
        before, self._sent = self._sent, sent
        known, self._pieces = self._pieces, pieces
        # Equal tuples are found by the identity of their items first, so no byte of the history is read.
        if before is None or (known and pieces[: len(known)] == known):
            return None
        text = prefix_notice(before, sent)
        return Notice("prefix_moved", text) if text else None
