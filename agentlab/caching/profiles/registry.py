"""How each provider caches prompts: the numbers of `profiles.toml`, and the policy they make.

A profile is data, a policy is a rule; `make_policy` brings them together. Every number has its source and date in the
table, because providers change them: a vendor that changes one changes a row, not code.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from agentlab.caching.policies.block_hash import BlockHash
from agentlab.caching.policies.breakpoints import Breakpoints
from agentlab.caching.policies.intervals import Intervals
from agentlab.caching.policies.longest_prefix import LongestPrefix, NoCache
from agentlab.caching.policies.marked_or_plain import MarkedOrPlain
from agentlab.caching.policies.message_boundaries import MessageBoundaries
from agentlab.caching.policies.policy import CachePolicy
from agentlab.caching.policies.profile import Family, Profile
from agentlab.caching.policies.resource import Resources
from agentlab.caching.policies.slots import Slots
from agentlab.errors import UsageError

__all__ = ["Family", "Profile", "known_vendors", "make_policy", "profile_for", "profile_named", "profiles"]


def profiles() -> tuple[Profile, ...]:
    """All rows of the table as they stand, without what holds for single models."""
    return tuple(_profile(name, row) for name, row in _table().rows.items())


def known_vendors() -> tuple[str, ...]:
    """The vendors that some row is for, and the gateways."""
    table = _table()
    named = (vendor for row in table.rows.values() for vendor in row.get("vendors", ()))
    return tuple(dict.fromkeys((*named, *table.gateways)))


def profile_for(vendor: str, model: str) -> Profile:
    """How a vendor caches a model.

    Args:
        vendor: Its name in `"vendor:model"`; a gateway caches as the vendor of the model behind it does.
        model: The provider's name of the model.

    Returns:
        The first row for both, with the numbers of that very model; `unknown` for a vendor without a row, whose rule is
        the plain longest prefix.
    """
    table = _table()
    spelled = _spelled(model)
    home = _upstream(table, spelled) if vendor in table.gateways else vendor
    for name, row in table.rows.items():
        if home in row.get("vendors", ()) and _matches(row.get("models", ["*"]), spelled):
            return _profile(name, row, spelled)
    return _profile("unknown", table.rows["unknown"], spelled)


def profile_named(name: str, model: str = "") -> Profile:
    """A row by its name, with the numbers of a model.

    Raises:
        UsageError: There is no such row.
    """
    rows = _table().rows
    if name not in rows:
        raise UsageError(f"there is no cache profile {name!r}; one of {sorted(rows)}")
    return _profile(name, rows[name], _spelled(model))


def make_policy(profile: Profile, *, model: str = "", seed: int = 0, strict: bool = False) -> CachePolicy:
    """The cache of one provider, empty.

    Args:
        profile: Its numbers.
        model: Model, where another row is followed for some prompts.
        seed: Source of all chance: lifetimes, machines.
        strict: Whether chance is left out: every draw gives the documented best case.
    """
    made = _made(profile, seed=seed, strict=strict)
    if profile.with_markers is None:
        return made
    marked = _made(profile_named(profile.with_markers, model), seed=seed, strict=strict)
    return MarkedOrPlain(marked, made)


class _Rule(Protocol):
    def __call__(self, profile: Profile, *, seed: int, strict: bool) -> CachePolicy: ...


_FAMILIES: Final[dict[Family, _Rule]] = {
    "breakpoints": Breakpoints,
    "message_boundaries": MessageBoundaries,
    "intervals": Intervals,
    "block_hash": BlockHash,
    "resource": Resources,
    "slots": Slots,
}


def _made(profile: Profile, *, seed: int, strict: bool) -> CachePolicy:
    if profile.family == "none":
        return NoCache()
    if profile.family == "longest_prefix":
        return LongestPrefix(minimum=profile.min_tokens, reports_writes=profile.reports_writes)
    return _FAMILIES[profile.family](profile, seed=seed, strict=strict)


class _Table(Struct, frozen=True):
    rows: dict[str, dict[str, Any]]
    gateways: tuple[str, ...]
    upstreams: dict[str, list[str]]


@cache
def _table() -> _Table:
    text = resources.files("agentlab.caching.profiles").joinpath("profiles.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    gateways = rows.pop("gateways")
    for name, row in rows.items():
        if "like" in row:
            kept = {
                key: value for key, value in rows[row["like"]].items() if key not in {"generations", "models"}
            }
            generations = [*row.get("generations", ()), *rows[row["like"]].get("generations", ())]
            rows[name] = {**kept, **row, "generations": generations}
            del rows[name]["like"]
    return _Table(rows, tuple(gateways["vendors"]), gateways["models"])


def _profile(name: str, row: dict[str, Any], model: str = "") -> Profile:
    numbers = {key: value for key, value in row.items() if key != "generations"}
    for generation in row.get("generations", ()):
        if model and _matches(generation["models"], model):
            numbers |= {key: value for key, value in generation.items() if key != "models"}
            break
    return msgspec.convert({"name": name, **numbers}, Profile)


def _upstream(table: _Table, model: str) -> str:
    """The vendor behind a gateway, from the model's name."""
    return next((vendor for vendor, patterns in table.upstreams.items() if _matches(patterns, model)), "")


def _matches(patterns: list[str], model: str) -> bool:
    short = model.rsplit("/", 1)[-1]
    return any(fnmatchcase(short, _spelled(each)) or fnmatchcase(model, _spelled(each)) for each in patterns)


def _spelled(name: str) -> str:
    """A name as it is compared: gateways write `claude-sonnet-4.6` for `claude-sonnet-4-6`."""
    return name.lower().replace(".", "-")
