"""How vendors list their models: data, in `listings.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

import msgspec
from msgspec import Struct, field

from agentlab.models.wire import Vendor

__all__ = ["Listing", "listing_of"]


class Listing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a vendor lists its models. A field with dots between names reaches into objects, and takes the largest of lists.

    Attributes:
        path: Where, behind the base URL; empty where there is no list.
        items: The field of an answer that holds the models.
        id: The field of a model that holds its name; of `models/gemini-2.5-flash` the last part is the name.
        whole_id: Whether a name with slashes is the name as it is.
        one: Where one model is described, with a `{model}`; empty where it is not.
        beside_version: Whether `path` and `one` stand in the place of the base URL's path from its version on.
        query: Parameters of every request for the list.
        next: The field of an answer that tells where the next page begins.
        next_param: The parameter that takes it.
        more: The field that tells whether there is a next page; empty where only `next` tells.
        title: Fields that may hold a name for people, the first that does wins.
        created: Fields that may hold a time: Unix seconds or ISO 8601.
        context_window: Fields that may hold the most tokens of a prompt.
        max_output_tokens: Fields that may hold the most tokens of an answer.
        public: Whether the list can be read without a valid key, so that it proves nothing.
        check: Where a valid key is needed, and nothing is billed; empty where the list does.
        callable_ids: Whether calls name models as the list does.
    """

    path: str
    items: str
    id: str
    whole_id: bool = False
    one: str = ""
    beside_version: bool = False
    query: dict[str, str] = field(default_factory=dict)
    next: str = ""
    next_param: str = ""
    more: str = ""
    title: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    context_window: tuple[str, ...] = ()
    max_output_tokens: tuple[str, ...] = ()
    public: bool = False
    check: str = ""
    callable_ids: bool = True


@cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    text = resources.files("agentlab.models").joinpath("listings.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def listing_of(vendor: Vendor) -> Listing:
    """How a vendor lists its models: as its wire does, with what its own row says."""
    table = _table()
    row = table["wires"].get(vendor.wire, {})
    if "like" in row:
        row = table["wires"][row["like"]]
    described = {"path": "", "items": "", "id": "", **row, **table["vendors"].get(vendor.name, {})}
    return msgspec.convert(described, Listing, strict=True)
