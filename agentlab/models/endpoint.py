"""One request, one answer: the way to a provider for everything that is no conversation.

Embedding models, rerankers, and models of sound and pictures share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import msgspec

from agentlab.caching.prices import cost_usd
from agentlab.errors import AuthenticationFailed, ConnectionFailed, ModelError, ResponseTimeout, UsageError
from agentlab.http import (
    Clock,
    Failure,
    HttpClient,
    HttpRequest,
    HttpResponse,
    Retry,
    Secret,
    SystemClock,
    parse_retry_after,
    redact,
    resolve_key,
)
from agentlab.messages import Usage
from agentlab.models.model import request_id_of
from agentlab.models.price_loading import loading_prices
from agentlab.models.vendors import base_url_of
from agentlab.models.wire import Vendor, error_for_status

__all__ = ["Answer", "Endpoint", "error_from"]

_ERROR_BODY_LIMIT: Final = 64 * 1024
_LARGEST_ANSWER: Final = 256 * 1024 * 1024  # 2,048 vectors of 3,072 numbers as JSON text are about 75 MB


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful response.

    Attributes:
        body: Its bytes.
        request_id: The provider's id of the request, where it has one.
        attempts: How many requests were made.
        started_at: Unix time of the first request.
    """

    body: bytes = field(repr=False)
    request_id: str | None
    attempts: int
    started_at: float


class Endpoint:
    """Where a model is reached: address, key, retries.

    Args:
        vendor: The vendor's row.
        model_id: The provider's name of the model.
        api_key: The key; else the vendor's environment variable, else the keyring.
        base_url: Another address: a proxy, a gateway, a server of your own.
        http: A client with timeouts of your choice; one of its own where None.
        retry: When a failed request is sent again.
        clock: Time; for tests.
        seed: Seed of the retries' jitter.
        priced_as: The vendor's name in the price table, where it is another one.

    Raises:
        MissingKey: The vendor needs a key and there is none.
        UsageError: The address has a place without a value.
    """

    def __init__(
        self,
        vendor: Vendor,
        model_id: str,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        http: HttpClient | None = None,
        retry: Retry | None = None,
        clock: Clock | None = None,
        seed: int | None = None,
        priced_as: str | None = None,
    ) -> None:
        self.vendor = vendor
        self.model_id = model_id
        self.name = f"{vendor.name}:{model_id}"
        self.base_url = base_url_of(self.vendor, base_url)
        self._key = resolve_key(
            api_key, self.vendor.key_env, service=vendor.name, required=self.vendor.key_required
        )
        self._http = http or HttpClient()
        self._retry = retry or Retry()
        self._clock = clock or SystemClock()
        self._random = Random(seed)
        self._priced_as = priced_as or vendor.name

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r})"

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keep connections open between requests."""
        return self._http

    async def post(
        self, path: str, payload: Mapping[str, Any], *, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Send JSON; arguments and errors as in `send`.

        Raises:
            UsageError: The payload has no UTF-8 form; nothing was sent.
        """
        try:
            body = msgspec.json.encode(payload)
        except UnicodeEncodeError as error:
            raise UsageError(
                f"a text for {self.name} holds a lone surrogate, which has no UTF-8 form: {error.object!r:.80}"
            ) from None
        return await self.send(path, body, "application/json", query=query)

    async def send(
        self, path: str, body: bytes, content_type: str, *, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request until it is answered, or until trying again is no use.

        Args:
            path: Appended to the vendor's base URL.
            body: The body.
            content_type: What the body is.
            query: Added to the vendor's own query.

        Raises:
            ModelError: It failed; the error says after how many attempts.
        """
        request = self._request(path, body, content_type, query)
        started_at, start = self._clock.time(), self._clock.monotonic()
        attempt = 0
        while True:
            attempt += 1
            headers: Mapping[str, str] = {}
            try:
                async with self._http.open(request) as response:
                    headers = response.headers
                    if response.status < 400:
                        body = await response.read(_LARGEST_ANSWER)
                        return Answer(body, request_id_of(response), attempt, started_at)
                    failure = await self._failure(response)
            except ModelError as error:
                failure = error
            failure.attempts = attempt
            delay = self._delay(failure, attempt, headers, self._clock.monotonic() - start)
            if delay is None:
                raise self.redacted(failure)
            await self._clock.sleep(delay)

    async def cost(self, usage: Usage, at: float) -> float | None:
        """The price of a request in US dollars; None where usage or price is unknown."""
        if usage.reported_cost_usd is None and usage.input_tokens is not None:
            await loading_prices()
        return cost_usd(self._priced_as, self.model_id, usage, at=at)

    def redacted(self, error: ModelError) -> ModelError:
        """The error with the model's name before it and keys masked, without the frames behind it."""
        secrets = (self._key,) if self._key else ()
        error.args = (redact(f"{self.name}: {error}", secrets),)
        for name in ("body", "code", "request_id"):
            said = getattr(error, name)
            setattr(error, name, redact(said, secrets) if said else None)
        error.__context__ = None
        return error.with_traceback(None)

    def found_in(self, answer: Answer, error: ModelError) -> ModelError:
        """An error that was found in an answer, with what is known of the answer, and keys masked."""
        error.request_id, error.attempts = answer.request_id, answer.attempts
        return self.redacted(error)

    async def _failure(self, response: HttpResponse) -> ModelError:
        """What an error response says; its body stays out of the frames that a traceback shows."""
        error = error_from(response.status, await response.read(_ERROR_BODY_LIMIT, truncate=True))
        error.request_id = request_id_of(response)
        error.retry_after = parse_retry_after(response.headers, self._clock.time())
        return error

    def _request(
        self, path: str, body: bytes, content_type: str, query: Mapping[str, str] | None
    ) -> HttpRequest:
        vendor = self.vendor
        return HttpRequest(
            "POST",
            self.base_url + path,
            {"content-type": content_type, **vendor.headers},
            body,
            (vendor.key_header, vendor.key_prefix, self._key) if self._key else None,
            {**vendor.query, **(query or {})} or None,
        )

    def _delay(
        self, error: ModelError, attempt: int, headers: Mapping[str, str], elapsed: float
    ) -> float | None:
        """Seconds until the next attempt; None where there is none."""
        outcome: int | Failure
        if error.status is not None:
            outcome = error.status
        elif isinstance(error, ConnectionFailed | ResponseTimeout):
            outcome = Failure(error.code)
        else:
            return None
        return self._retry.delay(
            attempt, outcome, headers=headers, elapsed=elapsed, now=self._clock.time(), rng=self._random
        )


def error_from(status: int, body: bytes) -> ModelError:
    """The error an error response stands for, on any of the wires of this room.

    They say it as `{"error": {"message", "code" | "status" | "type"}}` (OpenAI, Gemini, llama.cpp), `{"error": "..."}`
    (Ollama), `{"message": "..."}` (Cohere) or `{"detail": ...}` (Voyage, Mistral).
    """
    text = body.decode("utf-8", "replace")
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError):
        return error_for_status(status, text.strip(), body=text)
    if isinstance(payload, list) and payload:
        payload = payload[0]
    said = payload
    if isinstance(payload, dict):
        said = next((payload[key] for key in ("error", "detail", "message") if payload.get(key)), payload)
    code: str | None = None
    details: Any = ()
    if isinstance(said, dict):
        code = next(
            (str(said[key]) for key in ("status", "code", "type") if isinstance(said.get(key), str)), None
        )
        details = said.get("details") or ()
        said = said.get("message") or said
    message = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    error = error_for_status(status, message, code=code, body=text)
    for entry in details if isinstance(details, list) else ():
        if isinstance(entry, dict) and entry.get("reason") == "API_KEY_INVALID":  # Google answers 400 then
            return AuthenticationFailed(str(error), status=status, code="API_KEY_INVALID", body=text)
    return error
