"""Sends requests to a batch interface through the one door: retries, timeouts, masked keys."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Mapping
from typing import Final

from agentlab.errors import ModelError
from agentlab.experiments.batch.api import ApiRequest
from agentlab.experiments.batch.job import Answer
from agentlab.http import Clock, Failure, HttpRequest, NDJSONFramer
from agentlab.models.credentials import Secrets
from agentlab.models.model import WireModel
from agentlab.models.wire import EncodedRequest

__all__ = ["BatchSender"]

_BODY_LIMIT: Final = 64 * 2**20
_LINE_LIMIT: Final = 64 * 2**20
_ERROR_LIMIT: Final = 64 * 1024
_NEVER_ARRIVED: Final = frozenset(
    {Failure.CONNECT, Failure.CONNECT_TIMEOUT, Failure.POOL_TIMEOUT, Failure.WRITE_TIMEOUT, Failure.MALFORMED}
)


class BatchSender:
    """Speaks with one account's batch interface.

    Args:
        model: A model of the account: its address, its key, its headers, its retries.
        clock: Time.
    """

    def __init__(self, model: WireModel, clock: Clock) -> None:
        self._model = model
        self._clock = clock
        self._headers: Mapping[str, str] = {}

    async def send(self, request: ApiRequest, *, once: bool = False) -> Answer:
        """Send a request, again where that may help.

        Args:
            request: What to send.
            once: Whether it must not be sent again once the provider may have done it.
        """
        attempt, began = 0, self._clock.monotonic()
        while True:
            attempt += 1
            try:
                return Answer(await self._body(request))
            except ModelError as error:
                failure = self._model.redacted(error)
            failure.attempts = attempt
            done = _may_be_done(failure)
            delay = None if once and done else self._delay(failure, attempt, began)
            if delay is None:
                return Answer(error=failure, may_be_done=done)
            await self._clock.sleep(delay)

    async def lines(self, request: ApiRequest) -> AsyncGenerator[bytes, None]:
        """The lines of a body, as they come.

        Raises:
            ModelError: There is none, or it broke off.
        """
        async with self._model.http.open(await self._addressed(request)) as response:
            if response.status >= 400:
                raise self._model.error_of(response, await response.read(_ERROR_LIMIT, truncate=True))
            framer = NDJSONFramer(max_event_bytes=_LINE_LIMIT)
            async for chunk in response.chunks():
                for frame in framer.feed(chunk):
                    yield bytes(frame.data)
            for frame in framer.finish(dispatch_tail=True):
                yield bytes(frame.data)

    async def _body(self, request: ApiRequest) -> bytes:
        self._headers = {}
        async with self._model.http.open(await self._addressed(request)) as response:
            self._headers = response.headers
            if response.status >= 400:
                raise self._model.error_of(response, await response.read(_ERROR_LIMIT, truncate=True))
            return await response.read(_BODY_LIMIT)

    async def _addressed(self, request: ApiRequest) -> HttpRequest:
        addressed = self._model.http_request(
            EncodedRequest(request.path, request.body, dict(request.headers)),
            await Secrets(self._model.credential).current(),
        )
        query = {**(addressed.query or {}), **request.query}
        return dataclasses.replace(addressed, method=request.method, query=query or None)

    def _delay(self, error: ModelError, attempt: int, began: float) -> float | None:
        outcome = error.status if error.status is not None else Failure.of(error)
        if outcome is None:
            return None
        return self._model.retry.delay(
            attempt,
            outcome,
            headers=self._headers,
            elapsed=self._clock.monotonic() - began,
            now=self._clock.time(),
            rng=self._model.random,
        )


def _may_be_done(error: ModelError) -> bool:
    """Whether the provider may have done what was asked although it did not say so."""
    if error.status is not None:
        return error.status in {200, 201, 408} or error.status >= 500
    return Failure.of(error) not in _NEVER_ARRIVED
