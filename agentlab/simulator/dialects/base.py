"""What a dialect is: a provider's wire seen from the provider's side. Pure functions from bytes to bytes.

One file for each wire, and no file knows another. A dialect is as strict as the provider: what the provider would
refuse is `Rejected` with the status and sentence it would use. It knows nothing of sockets, faults, pace or cache: it
is given a `Usage` that is already accounted, and yields complete wire events that the server sends one by one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from agentlab.caching.tokens import pieces
from agentlab.messages import AssistantMessage, Message, ToolCall, ToolResult, Usage, UserMessage
from agentlab.simulator.exchange import ErrorReply, Reply, SimRequest

__all__ = ["Dialect", "Ids", "NamesErrors", "Rejected", "chunks", "json_object", "open_calls", "sse"]


class Rejected(Exception):
    """The provider would refuse this request; `reply` says how."""

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply.message)
        self.reply = reply

    @classmethod
    def because(
        cls, message: str, *, status: int = 400, code: str | None = None, param: str | None = None
    ) -> Rejected:
        """Refuse with a sentence; 400 unless said otherwise."""
        return cls(ErrorReply(status, message, code, param=param))


class Ids:
    """Ids and the time of one answer, the same for the same seed, place in the server's sequence of requests, and history.

    Args:
        seed: Of the server.
        serial: Which of its requests this is.
        created: Seconds since 1970, on its clock.
        said: A digest of a history with turns of a model in it; 0 for none. They may be another server's, of the same seed:
            what goes on from them must not be named as they are.

    Attributes:
        created: Seconds since 1970, on the server's clock.
    """

    def __init__(self, seed: int, serial: int, created: float, said: int = 0) -> None:
        self._seed = seed
        self._serial = serial
        self._said = f"{said:x}/" if said else ""
        self._count = 0
        self.created = created

    def new(self, prefix: str, length: int = 24) -> str:
        """A fresh id such as `call_sim0a1b...`; `prefix` with its underscore, `length` of what follows it."""
        self._count += 1
        text = f"{self._seed}/{self._serial}/{self._said}{self._count}"
        digits = "".join(f"{zlib.crc32(f'{text}/{part}'.encode()):08x}" for part in range(length // 8 + 1))
        return f"{prefix}sim{digits}"[: len(prefix) + length]

    def next(self, prefix: str, length: int = 24) -> str:
        """The id that `new` would give, without taking it."""
        taken = self._count
        found = self.new(prefix, length)
        self._count = taken
        return found

    def of(self, call: ToolCall, prefix: str) -> str:
        """The id a tool call goes out under: its own where the behaviour gave one, else a fresh one."""
        return call.provider_id or call.id or self.new(prefix)


class Dialect(Protocol):
    """A wire, from the provider's side.

    Attributes:
        wire: Its name, as in `agentlab.models`.
        wrong_key: What the provider says to a key it does not know.
    """

    wire: str
    wrong_key: ErrorReply

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is a model call of this wire; `path` is without the vendor (`/v1/chat/completions`)."""
        ...

    def parse(
        self, vendor: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> SimRequest:
        """Understand a request.

        Args:
            vendor: First segment of the URL's path.
            path: The rest of it.
            query: Parameters of the URL, without a key.
            headers: Names in lower case, without the key.
            body: The body.

        Raises:
            Rejected: The provider would not accept it.
        """
        ...

    def content_type(self, request: SimRequest) -> str:
        """Content type of the answer."""
        ...

    def stream(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> Iterator[bytes]:
        """The answer as wire events, framing and terminal event included; text about `reply.chunk_tokens` an event."""
        ...

    def unary(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> bytes:
        """The answer as one body."""
        ...

    def error(self, reply: ErrorReply) -> bytes:
        """The body of an HTTP error."""
        ...

    def error_event(self, reply: ErrorReply) -> bytes:
        """The same error as one event in a stream that has begun, framing included."""
        ...

    def models(self, names: Sequence[str]) -> bytes:
        """The body of the wire's model list."""
        ...


@runtime_checkable
class NamesErrors(Protocol):
    """A wire whose errors are named in a header (AWS)."""

    def error_headers(self, reply: ErrorReply) -> tuple[tuple[str, str], ...]:
        """The headers of an error beside its body."""
        ...


def json_object(
    body: bytes, message: str = "We could not parse the JSON body of your request."
) -> dict[str, Any]:
    """Parse a body that must be a JSON object.

    Raises:
        Rejected: It is not one; 400 with `message`.
    """
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError):
        raise Rejected.because(message) from None
    if not isinstance(parsed, dict):
        raise Rejected.because(message)
    return parsed


def chunks(text: str, chunk_tokens: int = 1) -> Iterator[str]:
    """Cut a text into pieces of about so many tokens; joined they are the text."""
    run: list[str] = []
    for piece in pieces(text):
        run.append(piece)
        if len(run) == chunk_tokens:
            yield "".join(run)
            run = []
    if run:
        yield "".join(run)


def sse(data: Any, event: str | None = None) -> bytes:
    """One server-sent event: `data` as compact JSON, or as is where it is already text."""
    text = data.encode() if isinstance(data, str) else msgspec.json.encode(data)
    head = f"event: {event}\n".encode() if event else b""
    return head + b"data: " + text + b"\n\n"


def open_calls(messages: Sequence[Message]) -> tuple[list[ToolCall], list[ToolResult]]:
    """Which calls have no result in the next user message, and which results answer no call.

    Returns:
        Calls without a result, and results without a call, each in the order of the conversation.
    """
    unanswered: list[ToolCall] = []
    orphans: list[ToolResult] = []
    waiting: dict[str, ToolCall] = {}
    for message in messages:
        if isinstance(message, AssistantMessage):
            unanswered += waiting.values()
            waiting = {call.id: call for call in message.tool_calls}
        elif isinstance(message, UserMessage):
            orphans += [
                result for result in message.tool_results if waiting.pop(result.call_id, None) is None
            ]
            if len(message.tool_results) < len(message.content):
                unanswered += waiting.values()
                waiting = {}
    return unanswered + list(waiting.values()), orphans
