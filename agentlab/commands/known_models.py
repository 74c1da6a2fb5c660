"""What is known offline of vendors and their models: prices, context windows, how their caches work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from agentlab.caching.price_lists import price_list_of
from agentlab.caching.prices import priced_models, rates
from agentlab.caching.profiles.registry import profile_for
from agentlab.errors import UsageError
from agentlab.http import find_key
from agentlab.models import Vendor, vendor, vendors
from agentlab.models.listing import list_models

__all__ = ["KnownModel", "KnownVendor", "known_models", "known_vendors", "live_models"]

_MILLION = 1_000_000


class KnownVendor(Struct, frozen=True):
    """A vendor.

    Attributes:
        vendor: What stands before the colon in `"vendor:model"`.
        title: Its name for readers.
        wire: The wire format it speaks.
        default_model: The model asked where only the vendor is named; None where one has to be named.
        models: How many of its models the price table knows.
        key: Environment variable of the key; None where it has none.
        key_required: Whether a call needs a key.
        key_set: Whether one of its variables is set, or the file of stored keys holds one; the keyring is not asked.
        address: Environment variable of the address; None where it has none.
    """

    vendor: str
    title: str
    wire: str
    default_model: str | None
    models: int
    key: str | None
    key_required: bool
    key_set: bool
    address: str | None


class KnownModel(Struct, frozen=True):
    """A model.

    Attributes:
        model: `"vendor:model"`.
        context_window: Tokens a prompt and its answer may have together; None where unknown.
        input_usd: Price of a million uncached prompt tokens, in US dollars; None where unknown.
        cache_read_usd: The same for tokens read from the cache.
        cache_write_usd: The same for tokens written to it.
        output_usd: The same for generated tokens.
        cache_family: The rule its provider caches by, see `agentlab.caching`.
        cache_minimum: Tokens below which nothing is cached.
    """

    model: str
    context_window: int | None
    input_usd: float | None
    cache_read_usd: float | None
    cache_write_usd: float | None
    output_usd: float | None
    cache_family: str
    cache_minimum: int


def known_vendors(environment: Mapping[str, str] | None = None) -> list[KnownVendor]:
    """All vendors, in the order of the table.

    Args:
        environment: Read in place of `os.environ`.
    """
    return [
        KnownVendor(
            row.name,
            row.title,
            row.wire,
            row.default_model,
            len(priced_models(row.name)),
            row.key_env[0] if row.key_env else None,
            row.key_required,
            _has_key(row, environment),
            row.base_url_env,
        )
        for row in vendors().values()
    ]


def _has_key(row: Vendor, environment: Mapping[str, str] | None) -> bool:
    """Whether a key is at hand; one that cannot be a key is none."""
    try:
        found = find_key(None, row.key_env, service=row.name, environ=environment, ask_keyring=False)
    except UsageError:
        return False
    return found is not None


def known_models(vendor_name: str) -> list[KnownModel]:
    """The models of a vendor that the price table knows; a vendor may have others.

    Raises:
        UsageError: There is no such vendor.
    """
    name = vendor(vendor_name).name
    windows = _context_windows(name)
    return [_known(name, model, windows.get(model)) for model in priced_models(name)]


async def live_models(vendor_name: str) -> list[KnownModel]:
    """The models a vendor says it has now, with what is known of them; asks the vendor, so a key may be needed.

    Args:
        vendor_name: Its name, or `sim:` and its name.

    Raises:
        UsageError: There is no such vendor, or it has no list.
        MissingKey: The vendor needs a key and there is none.
        ModelError: The list could not be read.
    """
    models = await list_models(vendor_name)
    windows = _context_windows(models[0].vendor) if models else {}
    simulated = vendor_name.startswith("sim:")
    return [
        structs.replace(
            _known(model.vendor, model.id, model.context_window or windows.get(model.id)),
            model=f"sim:{model.vendor}/{model.id}" if simulated else model.name,
        )
        for model in models
    ]


def _known(vendor_name: str, model: str, context_window: int | None) -> KnownModel:
    prices = rates(vendor_name, model)
    profile = profile_for(vendor_name, model)
    return KnownModel(
        f"{vendor_name}:{model}",
        context_window,
        _per_million(prices.uncached),
        _per_million(prices.read),
        _per_million(prices.write_5m),
        _per_million(prices.output),
        profile.family,
        profile.min_tokens,
    )


def _per_million(price: float) -> float | None:
    return None if math.isnan(price) else round(price * _MILLION, 6)


def _context_windows(vendor_name: str) -> dict[str, Any]:
    from genai_prices import data_snapshot  # noqa: PLC0415 - a large table; only this command needs it

    listed = price_list_of(vendor_name)
    found = next((each for each in data_snapshot.get_snapshot().providers if each.id == listed), None)
    return {model.id: model.context_window for model in found.models} if found is not None else {}
