"""A model behind a wire: the one driver of model calls, with the policy that is the same for all.

Retries happen only before the first event was handed out. An unknown event is passed through, a corrupt one is an error.
A stream that ends without its terminal event is truncated: `StreamInterrupted` with the partial message, never a success.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from random import Random
from typing import Final

from msgspec import structs

from agentlab.caching import cost_usd
from agentlab.caching.orderings.arrangement import arrange
from agentlab.errors import (
    ConnectionFailed,
    InvalidHistory,
    ModelError,
    ProtocolError,
    ResponseTimeout,
    StreamInterrupted,
)
from agentlab.http import (
    AwsSigner,
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
)
from agentlab.messages import (
    AssistantMessage,
    Event,
    Notice,
    Request,
    RequestSent,
    Retrying,
    TurnFinished,
)
from agentlab.models.capabilities import check_capabilities, needed_by_messages
from agentlab.models.credentials import Credential, Secrets, header_of, secrets_of
from agentlab.models.interface import Model, ModelStream
from agentlab.models.price_loading import loading_prices
from agentlab.models.reading import StreamedAnswer, WholeAnswer
from agentlab.models.timing import Stopwatch
from agentlab.models.wire import Decoder, EncodedRequest, RefusesTools, Vendor, Wire

__all__ = ["Model", "ModelStream", "WireModel"]

_ERROR_BODY_LIMIT: Final = 64 * 1024
_REQUEST_ID_HEADERS: Final = (
    "request-id",
    "x-request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-goog-request-id",
)


class WireModel:
    """A model reached over HTTP.

    Args:
        vendor: Who serves it.
        model_id: The provider's name of the model.
        wire: The wire format, an instance of its own.
        base_url: Where, without trailing slash.
        key: The API key, or a token that is renewed.
        http: The client; one of its own where None.
        retry: When a failed call is sent again.
        clock: Time.
        seed: Seed of the retries' jitter; a random one where None.
    """

    def __init__(
        self,
        vendor: Vendor,
        model_id: str,
        wire: Wire,
        *,
        base_url: str,
        key: Credential | None,
        http: HttpClient | None = None,
        retry: Retry | None = None,
        clock: Clock | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        self.vendor = vendor
        self.model_id = model_id
        self.wire = wire
        self.base_url = base_url
        self.retry = retry or Retry()
        self.http = http or HttpClient()
        self.clock = clock or SystemClock()
        self.name = name or f"{vendor.name}:{model_id}"
        self.random = Random(seed)
        self.credential = key
        self.refuses_tools = False  # known once the server has said so
        self.needed_by_messages = needed_by_messages()

    @property
    def key(self) -> Secret | None:
        """The API key, masked wherever it is shown; None where none is needed or tokens are sent."""
        return self.credential if isinstance(self.credential, Secret) else None

    def stream(self, request: Request) -> ModelStream:
        """Begin a model call.

        The events raise `UnsupportedCapability` before any I/O, and any `ModelError` after.

        Raises:
            UsageError: The request's parts cannot be sent in its ordering on this wire.
        """
        call = _Call(self, arrange(request, wire=self.wire.name))
        return ModelStream(call.events(), call.partial, lambda: call.pieces)

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keep connections open between calls."""
        return self.http

    def supports(self, capability: str) -> bool:
        """Whether the vendor's row does not say that it lacks the capability."""
        lacking = [*self.vendor.lacks]
        for prefix, more in self.vendor.lacks_by_model.items():
            if self.model_id.startswith(prefix):
                lacking += more
        return capability not in lacking

    async def complete(self, request: Request) -> TurnFinished:
        """Make one call and give its turn; `stream` for the events on the way."""
        async with aclosing(self.stream(request).events) as events:
            async for event in events:
                if isinstance(event, TurnFinished):
                    return event
        raise ProtocolError("the call ended without a turn")

    def http_request(self, encoded: EncodedRequest, secret: Secret | None = None) -> HttpRequest:
        """The encoded request, addressed, with the secret given or else the key."""
        return HttpRequest(
            "POST",
            self.base_url + encoded.path,
            {"content-type": "application/json", **self.vendor.headers, **encoded.headers},
            encoded.body,
            header_of(self.vendor, self.credential, secret or self.key),
            dict(self.vendor.query) or None,
            self.credential if isinstance(self.credential, AwsSigner) else None,
        )

    def error_of(self, response: HttpResponse, body: bytes) -> ModelError:
        """What an error response says, redacted."""
        error = self.wire.error(response.status, body)
        error.args = (f"{self.name}: {error}",)
        error.body = body.decode("utf-8", "replace")
        error.status = response.status
        error.request_id = request_id_of(response)
        error.retry_after = parse_retry_after(response.headers, self.clock.time()) or error.retry_after
        return self.redacted(error)

    def redacted(self, error: ModelError) -> ModelError:
        """The error with keys masked, and without the frames behind it: their locals hold what the provider sent."""
        secrets = secrets_of(self.credential)
        error.args = (redact(str(error), secrets),)
        for name in ("body", "code", "request_id"):
            said = getattr(error, name)
            setattr(error, name, redact(said, secrets) if said else None)
        error.__context__ = None
        return error.with_traceback(None)

    def __repr__(self) -> str:
        return f"WireModel({self.name!r})"


def request_id_of(response: HttpResponse) -> str | None:
    """The provider's request id, from whichever header it uses."""
    return next((response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), None)


class _Call:
    """One model call, retries included."""

    def __init__(self, model: WireModel, request: Request) -> None:
        self._model = model
        self._request = request
        self._secrets = Secrets(model.credential)
        self._decoder: Decoder | None = None
        self._watch = Stopwatch(model.clock)
        self._attempt = 0
        self._retries = 0
        self._headers: Mapping[str, str] = {}
        self.pieces: tuple[bytes, ...] = ()

    def partial(self) -> AssistantMessage | None:
        """What has arrived."""
        return self._decoder.assembly.message(interrupted=True) if self._decoder is not None else None

    async def events(self) -> AsyncGenerator[Event, None]:  # noqa: C901 - one generator, and not one in another
        """All events of the call."""
        model = self._model
        check_capabilities(model, self._request, model.needed_by_messages)
        self._watch.start()
        if model.refuses_tools and self._request.tools:
            yield self._without_tools()
        encoded = self._encoded()
        while True:
            self._attempt += 1
            try:
                http_request = model.http_request(encoded, await self._secrets.current())
                yield RequestSent(model.wire.name, http_request.url, encoded.body.decode(), self._attempt)
                self._headers, prices = {}, loading_prices()
                # In this generator and no other: each one more that an event passes through costs as much as decoding it.
                async with model.http.open(http_request) as response:
                    answer = await self._answer(response)
                    async for chunk in response.chunks():
                        for event in answer.feed(chunk):
                            if self._watch.first_token_s is None:
                                self._watch.event(event)
                            yield event
                    for event in answer.finish():
                        self._watch.event(event)
                        yield event
                    await prices
                    yield self._finished(answer.decoder, response)
            except ModelError as error:
                failure = error
                # This frame stays with the error, and no bytes may be seen in it.
                chunk = b""
            else:
                return
            if self._drops_tools(failure):
                model.refuses_tools = True
                yield self._without_tools()
                encoded = self._encoded()
                continue
            delay = 0.0 if await self._secrets.replaced(failure) else self._delay(failure)
            if delay is None:
                raise self._final(failure)
            self._retries += 1
            yield Retrying(
                self._attempt, delay, str(failure), failure.status, failure.code, failure.retry_after
            )
            await self._watch.sleep(delay)

    def _without_tools(self) -> Notice:
        """Take the tools out of the request; gives what the reader is told, once for each call."""
        self._request = structs.replace(self._request, tools=(), tool_choice=None, parallel_tool_calls=None)
        return Notice(
            "tools_dropped", f"{self._model.name} cannot call tools; the request is sent without them"
        )

    def _encoded(self) -> EncodedRequest:
        try:
            encoded = self._model.wire.encode(self._request, self._model.vendor)
        except UnicodeEncodeError as error:
            raise InvalidHistory(
                f"the request holds a lone surrogate, which has no UTF-8 form: {error.object!r:.80}"
            ) from None
        self.pieces = encoded.pieces
        return encoded

    async def _answer(self, response: HttpResponse) -> StreamedAnswer | WholeAnswer:
        """What reads the answer of one attempt.

        Raises:
            ModelError: It is an error.
        """
        model = self._model
        self._headers = response.headers
        if response.status >= 400:
            raise model.error_of(response, await response.read(_ERROR_BODY_LIMIT, truncate=True))
        self._decoder = decoder = model.wire.decoder(model.vendor)
        if not self._request.stream or _is_plain_json(response, model.wire):
            return WholeAnswer(decoder, await response.read(), model.name)
        return StreamedAnswer(model.wire, decoder, model.name)

    def _finished(self, decoder: Decoder, response: HttpResponse) -> TurnFinished:
        assembly = decoder.assembly
        self._decoder = None
        return TurnFinished(
            message=assembly.message(),
            usage=assembly.usage,
            finish_reason=assembly.finish_reason,
            raw_finish_reason=assembly.raw_finish_reason,
            response_id=assembly.response_id,
            request_id=request_id_of(response),
            timing=self._watch.timing(),
            retries=self._retries,
            cache_diagnosis=assembly.cache_diagnosis,
            cost_usd=cost_usd(
                self._model.vendor.name,
                self._model.model_id,
                assembly.usage,
                at=self._watch.started_at,
                ttl=self._request.cache.ttl if self._request.cache is not None else None,
            ),
        )

    def _drops_tools(self, error: ModelError) -> bool:
        wire = self._model.wire
        return (
            bool(self._request.tools)
            and error.status is not None
            and isinstance(wire, RefusesTools)
            and wire.rejects_tools(error.status, (error.body or "").encode())
        )

    def _delay(self, error: ModelError) -> float | None:
        """Seconds until the next attempt; None where there is none."""
        if self._watch.first_event_s is not None:
            return None
        outcome: int | Failure
        if error.status is not None:
            outcome = error.status
        elif isinstance(error, ConnectionFailed | ResponseTimeout):
            outcome = Failure(error.code)
        elif isinstance(error, StreamInterrupted):
            outcome = Failure.BROKEN
        else:
            return None
        clock = self._model.clock
        return self._model.retry.delay(
            self._attempt,
            outcome,
            headers=self._headers,
            elapsed=self._watch.elapsed(),
            now=clock.time(),
            rng=self._model.random,
        )

    def _final(self, error: ModelError) -> ModelError:
        """The error to raise, with what had arrived."""
        partial = self.partial()
        self._decoder = None
        if self._watch.first_event_s is not None and isinstance(error, ConnectionFailed | ResponseTimeout):
            interrupted = StreamInterrupted(
                f"{self._model.name}: the answer broke off: {error}", code=error.code
            )
            interrupted.__cause__ = self._model.redacted(error)
            error = interrupted
        error.partial = partial if partial is not None and not partial.is_empty else None
        error.attempts = self._attempt
        return self._model.redacted(error)


def _is_plain_json(response: HttpResponse, wire: Wire) -> bool:
    """Whether a stream was asked for and a whole body came, as some gateways do."""
    return wire.framing != "ndjson" and response.headers.get("content-type", "").startswith(
        "application/json"
    )
