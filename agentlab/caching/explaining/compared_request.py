"""A request in the one form in which two are compared: blocks, and the settings that only a body has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from agentlab.caching.blocks.sent_blocks import SentBlocks
from agentlab.caching.blocks.splitting import Block, blocks_of
from agentlab.caching.calls import RecordedCall
from agentlab.errors import UsageError
from agentlab.messages import CacheDiagnosis

__all__ = ["ComparedRequest", "Explainable", "as_request", "compared"]

Explainable = Sequence[Block] | tuple[str, str | bytes | Mapping[str, Any]] | RecordedCall
"""A request: its blocks, its wire and JSON body, or a recorded call."""


class ComparedRequest(Struct, frozen=True):
    """A request as it is compared.

    Attributes:
        blocks: In render order.
        wire: Its wire; None where only blocks are known, as is what follows.
        body: Its body, the model in it on every wire.
        provider: Vendor.
        model: The provider's name of the model.
        input_tokens: Tokens of the prompt as reported.
        at: Unix time at which it was sent, in seconds.
        cache_diagnosis: What its provider said of the cache.
    """

    blocks: tuple[Block, ...]
    wire: str | None = None
    body: Mapping[str, Any] | None = None
    provider: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    at: float | None = None
    cache_diagnosis: CacheDiagnosis | None = None


def as_request(given: object) -> Explainable:
    """A request in one of the forms that can be compared, as far as that can be told without reading it.

    Raises:
        UsageError: It is none; the message says which there are.
    """
    if isinstance(given, RecordedCall):
        return given
    if isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[0], str):
        return given[0], given[1]
    if (
        isinstance(given, Sequence)
        and not isinstance(given, str | bytes)
        and all(isinstance(each, Block) for each in given)
    ):
        return given
    raise UsageError(
        "a request is a recorded call (`run.trace.calls[0]`), its blocks, or a pair of wire and body, "
        f"not {type(given).__name__}"
    )


def compared(given: Explainable, provider: str | None, model: str | None, cut: SentBlocks) -> ComparedRequest:
    """Read a request.

    Args:
        given: The request.
        provider: Its vendor; that of the recorded call where None.
        model: Its model; the body's where None.
        cut: What cut the requests before it.

    Raises:
        UsageError: The body is no JSON object, or its wire is not known.
    """
    if isinstance(given, RecordedCall):
        return _recorded(given, provider, model, cut)
    if len(given) == 2 and isinstance(given[0], str):
        wire, raw = given
        assert isinstance(raw, str | bytes | Mapping)
        body = msgspec.json.encode(raw) if isinstance(raw, Mapping) else raw
        read = _from_body(str(wire), body, provider, cut)
        return structs.replace(read, model=model or read.model)
    blocks = tuple(block for block in given if isinstance(block, Block))
    return ComparedRequest(blocks, provider=provider, model=model)


def _recorded(
    call: RecordedCall, provider: str | None, model: str | None, cut: SentBlocks
) -> ComparedRequest:
    vendor = provider or call.vendor or None
    if call.body:
        read = _from_body(call.wire, call.body, vendor, cut)
        if call.model and read.body is not None:
            # Some wires name the model in the address alone.
            read = structs.replace(read, body={**read.body, "model": call.model})
    else:
        read = ComparedRequest(_neutral_blocks(call), provider=vendor)
    reported = call.usage.input_tokens if call.usage is not None else None
    return structs.replace(
        read,
        model=model or call.model,
        input_tokens=reported,
        at=call.at or None,
        cache_diagnosis=call.cache_diagnosis,
    )


def _neutral_blocks(call: RecordedCall) -> tuple[Block, ...]:
    if call.request is None:
        raise UsageError("a recorded call without body and request cannot be compared")
    return blocks_of(call.request)


def _from_body(wire: str, body: str | bytes, provider: str | None, cut: SentBlocks) -> ComparedRequest:
    read = cut.read(wire, body)
    fields = read.fields
    model = fields.get("model")
    return ComparedRequest(read.blocks, wire, fields, provider, model if isinstance(model, str) else None)
