"""A request in the one form in which two are compared: blocks, and the settings that only a body has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from agentlab.caching.blocks.growing_blocks import GrowingBlocks
from agentlab.caching.blocks.splitting import Block, blocks_of
from agentlab.caching.calls import RecordedCall
from agentlab.errors import UsageError

__all__ = ["ComparedRequest", "Explainable", "compared"]

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
    """

    blocks: tuple[Block, ...]
    wire: str | None = None
    body: Mapping[str, Any] | None = None
    provider: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    at: float | None = None


def compared(
    given: Explainable, provider: str | None, model: str | None, cut: GrowingBlocks
) -> ComparedRequest:
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
        body = dict(raw) if isinstance(raw, Mapping) else _object(raw)
        read = _from_body(str(wire), body, provider, cut)
        return structs.replace(read, model=model or read.model)
    blocks = tuple(block for block in given if isinstance(block, Block))
    return ComparedRequest(blocks, provider=provider, model=model)


def _recorded(
    call: RecordedCall, provider: str | None, model: str | None, cut: GrowingBlocks
) -> ComparedRequest:
    vendor = provider or call.vendor or None
    if call.body:
        # Some wires name the model in the address alone.
        named = {"model": call.model} if call.model else {}
        read = _from_body(call.wire, {**_object(call.body), **named}, vendor, cut)
    else:
        read = ComparedRequest(_neutral_blocks(call), provider=vendor)
    reported = call.usage.input_tokens if call.usage is not None else None
    return structs.replace(read, model=model or call.model, input_tokens=reported, at=call.at or None)


def _neutral_blocks(call: RecordedCall) -> tuple[Block, ...]:
    if call.request is None:
        raise UsageError("a recorded call without body and request cannot be compared")
    return blocks_of(call.request)


def _from_body(wire: str, body: dict[str, Any], provider: str | None, cut: GrowingBlocks) -> ComparedRequest:
    model = body.get("model")
    return ComparedRequest(
        cut.of(wire, body),
        wire,
        body,
        provider,
        model if isinstance(model, str) else None,
    )


def _object(body: str | bytes) -> dict[str, Any]:
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    if not isinstance(read, dict):
        raise UsageError("the body is not a JSON object")
    return read
