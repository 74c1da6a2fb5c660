"""What a wire format is: three pure functions and a decoder, no I/O.

A wire turns a `Request` into bytes and the provider's frames into events. Which vendor speaks it, where, with which
key and in which dialect, is data (`vendors.toml`). Policy - retries, truncation, unknown and corrupt frames - belongs
to `models/model.py`, so that it is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec
from msgspec import Struct, field

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ContextTooLong,
    ModelError,
    NotFound,
    RateLimited,
    ServerError,
)
from agentlab.http import Frame
from agentlab.messages import ModelEvent, Request
from agentlab.models.assembly import Assembly
from agentlab.short_repr import ShortRepr

__all__ = [
    "Decoder",
    "Dialect",
    "EncodedRequest",
    "Framing",
    "Place",
    "RefusesTools",
    "Vendor",
    "Wire",
    "error_for_status",
    "merge_params",
]

Framing = Literal["sse", "ndjson", "event-stream"]
Dialect = Mapping[str, Any]
Capability = Literal[
    "tools",
    "tool_choice_required",
    "tool_choice_specific",
    "structured_output",
    "structured_output_with_tools",
    "images",
    "documents",
    "audio",
    "video",
    "reasoning",
    "image_tool_results",
    "streaming",
]


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """How a place in a vendor's address, such as `{location}`, is filled.

    Attributes:
        env: Environment variables that may hold it, in order, behind the vendor's own.
        default: What it is where nothing says; may hold other places. None makes it required.
        of: Another place that decides it, by `values`.
        values: What it is for values of that place; `default` for all others.
        pattern: What it looks like, a regular expression; None takes anything.
    """

    env: tuple[str, ...] = ()
    default: str | None = None
    of: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    pattern: str | None = None


class Vendor(ShortRepr, Struct, frozen=True, kw_only=True):
    """A row of `vendors.toml`: who speaks a wire, where, and how it differs.

    Attributes:
        name: What stands before the colon in `"vendor:model"`.
        title: Its name for readers.
        wire: The wire format it speaks.
        default_model: The model asked where only the vendor is named; None where one has to be named.
        base_url: Where, without trailing slash; `{name}` places are filled from the environment or `base_url=`.
        base_url_env: Environment variable that overrides `base_url`.
        key_env: Environment variables that may hold the key, in order; empty where none is needed.
        key_header: Header that carries the key.
        key_prefix: What stands before the key in the header.
        key_required: Whether a call without a key is refused.
        tokens: The login of its cloud that gives tokens where there is no key; None where there is no such login.
        signed_as: The AWS service its requests are signed for where there is no key; None where they are not signed.
        places: How places in `base_url` are filled; by default from the vendor's own variable (`AZURE_RESOURCE`).
        headers: Sent with every request.
        query: Sent with every request, in the URL.
        lacks: Capabilities it does not have; asking for one is refused before any I/O.
        lacks_by_model: More of them, by model-name prefix.
        dialect: Flags read by the wire's own file.
    """

    name: str
    wire: str
    base_url: str
    title: str = ""
    default_model: str | None = None
    base_url_env: str | None = None
    key_env: tuple[str, ...] = ()
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    key_required: bool = True
    tokens: Literal["google"] | None = None
    signed_as: str | None = None
    places: dict[str, Place] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    lacks: tuple[Capability, ...] = ()
    lacks_by_model: dict[str, tuple[Capability, ...]] = field(default_factory=dict)
    dialect: dict[str, Any] = field(default_factory=dict)


class EncodedRequest(ShortRepr, Struct, frozen=True):
    """A request in a wire's form.

    Attributes:
        path: Appended to the vendor's base URL; may hold a query.
        body: The JSON body. Equal requests give equal bytes.
        headers: Headers this request needs beyond the vendor's (betas, affinity).
        pieces: The bytes of each item the provider renders, in its order (settings, tools, system, messages), without
            cache markers. Two requests whose pieces start alike share that prefix; a message once sent is the same
            object in every later request, so comparing costs nothing for its size. Empty where the caller's
            `additional_params` reach into the conversation: then only the body tells.
    """

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    pieces: tuple[bytes, ...] = ()


class Decoder(Protocol):
    """Reads one response. Fed by the model's driver; writes into its assembly; never does I/O."""

    assembly: Assembly

    def frame(self, frame: Frame) -> list[ModelEvent]:
        """Interpret one frame of a stream.

        An event of an unknown type gives `UnknownEvent`. The wire's terminal event sets `assembly.complete`.

        Raises:
            ProtocolError: The frame is not what the wire allows.
            ModelError: The provider reports an error in the stream (any subclass).
        """
        ...

    def body(self, body: bytes) -> list[ModelEvent]:
        """Interpret a whole unary response; gives the events a stream of it would have given."""
        ...

    def end(self) -> list[ModelEvent]:
        """The bytes ended. Wires whose terminal event is the end itself (after a finish reason) complete here."""
        ...


class Wire(Protocol):
    """A wire format."""

    name: str
    framing: Framing
    dispatch_tail: bool
    """Whether an event whose closing blank line is missing at the end of the body still counts."""

    def encode(self, request: Request, vendor: Vendor) -> EncodedRequest:
        """Turn a request into bytes.

        Raises:
            UnsupportedCapability: The wire has no way to say it.
        """
        ...

    def decoder(self, vendor: Vendor, *, mint: Callable[[], str] | None = None) -> Decoder:
        """A decoder for one response; `mint` makes ids for calls that come without."""
        ...

    def error(self, status: int, body: bytes) -> ModelError:
        """What an HTTP error response says, as the error to raise."""
        ...


@runtime_checkable
class RefusesTools(Protocol):
    """A wire whose server may refuse tools for models that cannot call them (Ollama)."""

    def rejects_tools(self, status: int, body: bytes) -> bool:
        """Whether this error response means just that."""
        ...


_TOO_LONG = (
    "context_length_exceeded",
    "context length",
    "context window",
    "context limit",
    "context size",
    "too_many_prompt_tokens",
    "prompt is too long",
    "maximum context",
    "exceeds the maximum number of tokens",
    "input is too long",
)


def error_for_status(
    status: int, message: str, *, code: str | None = None, body: str | None = None
) -> ModelError:
    """The error class an HTTP status stands for, on every wire.

    Args:
        status: HTTP status, or the one an in-stream error corresponds to.
        message: The provider's sentence.
        code: Its error code or type.
        body: The response body.
    """
    text = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    kind: type[ModelError] = ModelError
    if status in {401, 403}:
        kind = AuthenticationFailed
    elif status == 429:
        kind = RateLimited
    elif status == 404:
        kind = NotFound
    elif status >= 500:
        kind = ServerError
    elif status >= 400:
        spoken = f"{code or ''} {message}".lower()
        kind = ContextTooLong if any(hint in spoken for hint in _TOO_LONG) else BadRequest
    return kind(text, status=status, code=code, body=body)


def merge_params(body: dict[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `additional_params` into a body: objects recurse, lists append, everything else replaces.

    Args:
        body: The body so far; values may be `msgspec.Raw`. Not changed.
        params: What to merge in.
    """
    merged = dict(body)
    for key, value in params.items():
        present = merged.get(key)
        if isinstance(present, msgspec.Raw):
            present = msgspec.json.decode(present)
        if isinstance(present, dict) and isinstance(value, Mapping):
            merged[key] = merge_params(present, value)
        elif isinstance(present, list) and isinstance(value, Sequence) and not isinstance(value, str):
            merged[key] = [*present, *value]
        else:
            merged[key] = value
    return merged
