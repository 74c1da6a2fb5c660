"""What a vendor is asked besides model calls, such as lists and resources: one request, one JSON answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from agentlab.errors import ModelError, ProtocolError
from agentlab.http import Failure
from agentlab.models.credentials import Secrets
from agentlab.models.model import WireModel
from agentlab.models.wire import EncodedRequest

__all__ = ["Method", "ask"]

Method = Literal["GET", "POST", "PATCH", "DELETE"]

_LARGEST_ANSWER: Final = 64 * 2**20
_ERROR_BODY_LIMIT: Final = 64 * 1024
_NOTHING_DONE: Final = frozenset(
    {Failure.CONNECT, Failure.CONNECT_TIMEOUT, Failure.POOL_TIMEOUT, Failure.WRITE_TIMEOUT}
)


async def ask(
    model: WireModel,
    path: str,
    *,
    method: Method = "GET",
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    url: str | None = None,
) -> dict[str, Any]:
    """Send a request to a model's vendor, again where that may help and does not do a thing twice.

    Args:
        model: A model of the vendor: its address, its key, its headers, its retries.
        path: Behind the model's base URL.
        method: A `POST` makes something, so it is sent again only where the vendor has not done it.
        query: Parameters of the URL.
        body: The JSON body.
        url: In the place of the model's base URL and the path.

    Raises:
        ModelError: It failed; the error says after how many attempts, and shows no key.
    """
    content = b"" if body is None else msgspec.json.encode(body)
    secrets, attempt, began = Secrets(model.credential), 0, model.clock.monotonic()
    while True:
        attempt += 1
        headers: Mapping[str, str] = {}
        try:
            addressed = model.http_request(EncodedRequest(path, content), await secrets.current())
            asked = {**(addressed.query or {}), **(query or {})}
            request = dataclasses.replace(
                addressed, method=method, url=url or addressed.url, query=asked or None
            )
            async with model.http.open(request) as response:
                headers = response.headers
                if response.status >= 400:
                    raise model.error_of(response, await response.read(_ERROR_BODY_LIMIT, truncate=True))
                return _decoded(await response.read(_LARGEST_ANSWER))
        except ModelError as error:
            failure = model.redacted(error)
        failure.attempts = attempt
        delay = 0.0 if await secrets.replaced(failure) else _delay(model, failure, attempt, headers, began)
        headers = {}  # a vendor may repeat the key in them, and a traceback shows locals
        if delay is None or (method == "POST" and not _undone(failure)):
            raise failure
        await model.clock.sleep(delay)


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content or b"{}")
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ProtocolError(
            f"the answer is not JSON: {error}", body=content[:2000].decode("utf-8", "replace")
        ) from None
    return found if isinstance(found, dict) else {"data": found}


def _delay(
    model: WireModel, error: ModelError, attempt: int, headers: Mapping[str, str], began: float
) -> float | None:
    """Seconds until the next attempt; None where there is none."""
    outcome = error.status if error.status is not None else Failure.of(error)
    if outcome is None:
        return None
    return model.retry.delay(
        attempt,
        outcome,
        headers=headers,
        elapsed=model.clock.monotonic() - began,
        now=model.clock.time(),
        rng=model.random,
    )


def _undone(error: ModelError) -> bool:
    """Whether the vendor has surely not done what was asked."""
    if error.status is not None:
        return error.status in {401, 409, 429, 503}
    return Failure.of(error) in _NOTHING_DONE
