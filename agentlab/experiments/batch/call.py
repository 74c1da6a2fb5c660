"""A model call that is to go through a batch, before and after its wire has encoded it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec import structs

from agentlab.caching.orderings.arrangement import arrange
from agentlab.errors import InvalidHistory, ModelError, UnsupportedCapability, UsageError
from agentlab.experiments.batch.vendors import BatchVendor, batch_vendor
from agentlab.http import Secret
from agentlab.messages import Request, TurnFinished
from agentlab.models.capabilities import check_capabilities
from agentlab.models.model import WireModel
from agentlab.models.wire import EncodedRequest

__all__ = ["Account", "BatchCall", "BatchOutcome", "EncodedCall", "encode_call", "encode_calls", "wire_id"]

BatchOutcome: TypeAlias = TurnFinished | ModelError
"""What became of a call: its turn, at the batch price, or why there is none."""

_ACCEPTED: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Ids that every interface takes; Anthropic's is the narrowest."""


@dataclass(frozen=True, slots=True)
class BatchCall:
    """One model call.

    Attributes:
        custom_id: The caller's name for it: the key of a cell. It must determine the call, for the answer that an
            earlier process asked for under this name is given for it.
        model: Who is asked.
        request: What is asked; never streamed, whatever it says.
    """

    custom_id: str
    model: WireModel
    request: Request


@dataclass(frozen=True, slots=True)
class Account:
    """Where a batch is made: one vendor's server, and whose key.

    Attributes:
        vendor: The vendor's name.
        base_url: Its address.
        key: The key.
    """

    vendor: str
    base_url: str
    key: Secret | None

    @classmethod
    def of(cls, model: WireModel) -> Account:
        """The account a model is asked through."""
        auth = model.http_request(EncodedRequest("", b"")).auth
        return cls(model.vendor.name, model.base_url, auth[2] if auth is not None else None)


@dataclass(frozen=True, slots=True)
class EncodedCall:
    """A call in the form its wire gives it.

    Attributes:
        call: The call.
        vendor: The interface it goes through.
        wire_id: What it is called there.
        path: Where it would be sent alone, behind the model's base URL.
        headers: Headers it needs.
        body: The body it would have.
        pieces: See `agentlab.models.wire.EncodedRequest`.
    """

    call: BatchCall
    vendor: BatchVendor
    wire_id: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    pieces: tuple[bytes, ...] = ()


def wire_id(custom_id: str) -> str:
    """The id a call has at the provider: its own where every provider would take it, else a hash of it."""
    if _ACCEPTED.fullmatch(custom_id):
        return custom_id
    return hashlib.sha256(custom_id.encode("utf-8", "surrogatepass")).hexdigest()


def encode_calls(calls: Sequence[BatchCall]) -> list[EncodedCall]:
    """Encode calls, each by its model's own wire.

    Raises:
        UnsupportedCapability: A vendor has no batch interface, or a model lacks what a request needs.
        UsageError: Two calls have one id, or a request cannot be sent.
    """
    seen: set[str] = set()
    encoded: list[EncodedCall] = []
    for call in calls:
        found = encode_call(call)
        if found.wire_id in seen:
            raise UsageError(f"two calls of the batch have the id {call.custom_id!r}; give each its own")
        seen.add(found.wire_id)
        encoded.append(found)
    return encoded


def encode_call(call: BatchCall) -> EncodedCall:
    """Encode a call by its model's own wire.

    Raises:
        UnsupportedCapability: The vendor has no batch interface, or the model lacks what the request needs.
        UsageError: The request cannot be sent.
    """
    vendor = batch_vendor(call.model)
    model = call.model
    request = arrange(structs.replace(call.request, stream=False), wire=model.wire.name)
    check_capabilities(model, request)
    try:
        sent = model.wire.encode(request, model.vendor)
    except UnicodeEncodeError as error:
        raise InvalidHistory(
            f"the request {call.custom_id!r} holds a lone surrogate, which has no UTF-8 form: {error.object!r:.80}"
        ) from None
    if sent.path not in vendor.endpoints:
        raise UnsupportedCapability(
            f"the batch interface of `{model.vendor.name}` takes requests for {', '.join(vendor.endpoints)}, and "
            f"`{model.name}` is asked at {sent.path}"
        )
    headers = tuple(sorted(sent.headers.items()))
    return EncodedCall(call, vendor, wire_id(call.custom_id), sent.path, headers, sent.body, sent.pieces)
