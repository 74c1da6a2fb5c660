"""Calls of Cloudflare's REST interface of Vectorize.

Source: https://developers.cloudflare.com/api/resources/vectorize/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from agentlab.errors import StoreUnusable
from agentlab.http import Clock, HttpRequest, Secret
from agentlab.retrieval.stores.http_service import HttpService

__all__ = ["VectorizeApi"]

_NOT_FOUND: Final = 404
_GONE: Final = 410  # an index that was deleted
_PATIENCE: Final = 60.0
_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0


class VectorizeApi:
    """One index of an account. Calls block, and come from one thread at a time.

    Args:
        url: The address of the indexes, `.../accounts/ID/vectorize/v2/indexes`.
        index: Name of the index.
        token: The API token.
        clock: Time.
    """

    def __init__(self, url: str, index: str, token: Secret | None, clock: Clock | None = None) -> None:
        self._url = url
        self._index = index
        self._token = token
        self._service = HttpService("Vectorize", clock)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def definition(self) -> dict[str, Any] | None:
        """The index; None where there is none."""
        found: dict[str, Any] | None = self._call("GET", f"/{self._index}", missing=True)
        return found

    def create(self, dimensions: int) -> None:
        """Make the index."""
        body = {"name": self._index, "config": {"dimensions": dimensions, "metric": "cosine"}}
        self._call("POST", "", body)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What the index answers to a question."""
        return self._call("GET", f"/{self._index}{path}", query=query)

    def post(self, path: str, body: Any) -> Any:
        """What the index answers to an order; a list goes as lines of JSON."""
        return self._call("POST", f"/{self._index}{path}", body)

    def change(self, path: str, body: Any) -> None:
        """Order a change and wait, a minute at most, until the index has taken it up: it does so a little later."""
        wanted = self.post(path, body).get("mutationId")
        latest, pause = self._service.clock.monotonic() + _PATIENCE, _PAUSE
        while self.get("/info").get("processedUpToMutation") != wanted:
            if self._service.clock.monotonic() > latest:
                return
            self._service.pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        missing: bool = False,
    ) -> Any:
        lines = isinstance(body, list)
        encoded = b"\n".join(map(msgspec.json.encode, body)) if lines else msgspec.json.encode(body)
        kind = "application/x-ndjson" if lines else "application/json"
        request = HttpRequest(
            method,
            self._url + path,
            {} if body is None else {"content-type": kind},
            b"" if body is None else encoded,
            None if self._token is None else ("authorization", "Bearer ", self._token),
            query,
        )
        status, answer = self._service.ask(request)
        if missing and status in {_NOT_FOUND, _GONE}:
            return None
        try:
            read = msgspec.json.decode(answer, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError):
            read = {}
        if status >= 400 or not read.get("success"):
            said = "; ".join(str(each.get("message")) for each in read.get("errors") or []) or answer[:200]
            raise StoreUnusable(f"Vectorize answered {status} to {path or 'the new index'}: {said!s}")
        return read.get("result")
