"""The table of vendors with a batch interface: which one, at what price, with which limits."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct

from agentlab.errors import UnsupportedCapability
from agentlab.models.model import WireModel

__all__ = ["BatchVendor", "batch_price_multiplier", "batch_vendor", "batch_vendors"]


class BatchVendor(Struct, frozen=True, forbid_unknown_fields=True):
    """What a vendor's batch interface is.

    Attributes:
        api: Which interface: a file of this room.
        price_multiplier: What a request costs in a batch, as a share of its price alone; None where it is not known.
        max_requests: Requests in a batch, at most.
        max_bytes: Bytes of its body or its input file, at most.
        one_model: Whether all requests of a batch must be for one model.
        endpoints: The paths of model calls that it takes, behind the model's base URL.
        prefix: What stands before such a path in a request's line.
    """

    api: Literal["openai", "anthropic"]
    price_multiplier: float | None
    max_requests: int
    max_bytes: int
    one_model: bool
    endpoints: tuple[str, ...]
    prefix: str = ""


@cache
def batch_vendors() -> Mapping[str, BatchVendor]:
    """All of them, by the vendor's name; read-only."""
    text = resources.files("agentlab.experiments.batch").joinpath("vendors.toml").read_text(encoding="utf-8")
    return MappingProxyType(msgspec.convert(tomllib.loads(text), dict[str, BatchVendor]))


def batch_price_multiplier(vendor: str) -> float | None:
    """What a request costs in a vendor's batch, as a share of its price alone; None where that is not known."""
    found = batch_vendors().get(vendor)
    return None if found is None else found.price_multiplier


def batch_vendor(model: object) -> BatchVendor:
    """The batch interface a model can be asked through.

    Raises:
        UnsupportedCapability: There is none; the message names the vendors that have one.
    """
    known = ", ".join(f"`{name}:`" for name in batch_vendors())
    if not isinstance(model, WireModel):
        raise UnsupportedCapability(
            f"`Batch()` sends requests of models behind a wire, and {type(model).__name__} is none; use a model named "
            f"{known}, or leave the executor out"
        )
    found = batch_vendors().get(model.vendor.name)
    if found is None:
        raise UnsupportedCapability(
            f"`{model.name}` cannot be asked through a batch interface here; those that can are {known} (and the same "
            "behind `sim:`). Use one of them, or leave the executor out"
        )
    return found
