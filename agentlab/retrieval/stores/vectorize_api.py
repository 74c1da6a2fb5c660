"""Calls of Cloudflare's REST interface of Vectorize; retries are those of `agentlab.http`.

Source: https://developers.cloudflare.com/api/resources/vectorize/
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import msgspec

from agentlab.errors import ConnectionFailed, ModelError, ResponseTimeout, StoreUnusable
from agentlab.http import Clock, Failure, HttpClient, HttpRequest, Retry, Secret, SystemClock

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
        self._clock = clock or SystemClock()
        self._retry = Retry()
        self._random = Random()
        self._http = HttpClient()
        self._runner = asyncio.Runner()
        self._runner.run(self._http.__aenter__())

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._http.__aexit__(None, None, None))
        self._runner.close()

    def definition(self) -> dict[str, Any] | None:
        """The index; None where there is none."""
        found: dict[str, Any] | None = self._runner.run(self._call("GET", f"/{self._index}", missing=True))
        return found

    def create(self, dimensions: int) -> None:
        """Make the index."""
        body = {"name": self._index, "config": {"dimensions": dimensions, "metric": "cosine"}}
        self._runner.run(self._call("POST", "", body))

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What the index answers to a question."""
        return self._runner.run(self._call("GET", f"/{self._index}{path}", query=query))

    def post(self, path: str, body: Any) -> Any:
        """What the index answers to an order; a list goes as lines of JSON."""
        return self._runner.run(self._call("POST", f"/{self._index}{path}", body))

    def change(self, path: str, body: Any) -> None:
        """Order a change and wait, a minute at most, until the index has taken it up: it does so a little later."""
        wanted = self.post(path, body).get("mutationId")
        latest, pause = self._clock.monotonic() + _PATIENCE, _PAUSE
        while self.get("/info").get("processedUpToMutation") != wanted:
            if self._clock.monotonic() > latest:
                return
            self._runner.run(self._clock.sleep(pause))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _call(
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
        status, answer = await self._answered(request)
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

    async def _answered(self, request: HttpRequest) -> tuple[int, bytes]:
        start, attempt = self._clock.monotonic(), 0
        while True:
            attempt += 1
            headers: Mapping[str, str] = {}
            outcome: int | Failure
            failure: ModelError | None = None
            try:
                async with self._http.open(request) as response:
                    headers, outcome = response.headers, response.status
                    body = await response.read()
            except (ConnectionFailed, ResponseTimeout) as error:
                failure, outcome, body = error, Failure(error.code), b""
            delay = self._retry.delay(
                attempt,
                outcome,
                headers=headers,
                elapsed=self._clock.monotonic() - start,
                now=self._clock.time(),
                rng=self._random,
            )
            if delay is None and failure is not None:
                raise StoreUnusable(f"Vectorize cannot be reached: {failure}") from failure
            if delay is None and isinstance(outcome, int):
                return outcome, body
            await self._clock.sleep(delay or 0.0)
