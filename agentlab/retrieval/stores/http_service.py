"""A store's service over HTTP, asked from a thread; retries are those of `agentlab.http`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random

from agentlab.errors import ConnectionFailed, ModelError, ResponseTimeout, StoreUnusable
from agentlab.http import Clock, Failure, HttpClient, HttpRequest, Retry, SystemClock

__all__ = ["HttpService"]


class HttpService:
    """Requests to one service. Calls block, and come from one thread at a time.

    Args:
        name: What errors call the service.
        clock: Time.
    """

    def __init__(self, name: str, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self._name = name
        self._retry = Retry()
        self._random = Random()
        self._http = HttpClient()
        self._runner = asyncio.Runner()
        self._runner.run(self._http.__aenter__())

    def ask(self, request: HttpRequest) -> tuple[int, bytes]:
        """The status and the body of the answer, once trying again is of no more use.

        Raises:
            StoreUnusable: The service cannot be reached.
        """
        return self._runner.run(self._answered(request))

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._runner.run(self.clock.sleep(seconds))

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._http.__aexit__(None, None, None))
        self._runner.close()

    async def _answered(self, request: HttpRequest) -> tuple[int, bytes]:
        start, attempt = self.clock.monotonic(), 0
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
                elapsed=self.clock.monotonic() - start,
                now=self.clock.time(),
                rng=self._random,
            )
            if delay is None and failure is not None:
                raise StoreUnusable(f"{self._name} cannot be reached: {failure}") from failure
            if delay is None and isinstance(outcome, int):
                return outcome, body
            await self.clock.sleep(delay or 0.0)
