"""What the price table calls the vendors of `"vendor:model"`, and which vendors there are."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from agentlab.caching.profiles.registry import known_vendors

__all__ = ["billed_object", "price_list_of", "vendor_hint", "why_unpriced"]


class _Names(Struct, frozen=True, forbid_unknown_fields=True):
    """The lists of `price_names.toml`."""

    priced_as: dict[str, str]
    billed_by: dict[str, str]
    unpriced: dict[str, str]


@cache
def _names() -> _Names:
    text = resources.files("agentlab.caching").joinpath("price_names.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Names)


def price_list_of(vendor: str) -> str:
    """What the price table calls a vendor."""
    return _names().priced_as.get(vendor, vendor)


def billed_object(vendor: str) -> str | None:
    """The object in a vendor's usage whose counts are billed in the place of its tokens; None where tokens are."""
    return _names().billed_by.get(vendor)


def why_unpriced(vendor: str) -> str | None:
    """Why the price table has no price of a vendor's; None where nothing is to be said but that it lacks the model."""
    return _names().unpriced.get(vendor) or vendor_hint(vendor)


def vendor_hint(vendor: str) -> str | None:
    """A sentence for a name no vendor has, with the names that are like it; None for a vendor's name."""
    names = _names()
    known = {*known_vendors(), *names.priced_as, *names.priced_as.values(), *names.unpriced}
    if vendor in known:
        return None
    near = difflib.get_close_matches(str(vendor), sorted(known), n=3, cutoff=0.6)
    hint = (
        f"did you mean {' or '.join(map(repr, near))}?" if near else f"known are {', '.join(sorted(known))}"
    )
    return f"no vendor is called {vendor!r}; {hint}"
