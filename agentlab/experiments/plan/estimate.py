"""What a plan will cost and take, before it costs anything.

Prompt tokens are counted (estimated from the very requests that would be sent); how much a model will write, and how
often it will call tools, is not known before. Where the store holds runs of an arm, they say it; else a range does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Final

from msgspec import Struct

from agentlab.agent.frames import provider_and_model
from agentlab.caching.blocks.splitting import blocks_of
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.policies.policy import Prompt
from agentlab.caching.prices import Rates, rates
from agentlab.caching.profiles.registry import Profile, profile_for
from agentlab.experiments.plan.axes import Arm
from agentlab.experiments.plan.cells import CacheMode, Cell
from agentlab.experiments.rows import RunRow

__all__ = ["Estimate", "estimated"]

_SAMPLED: Final = 12
"""Prompts of an arm that are counted; more would say the same."""

_PILOT: Final = 3
"""Stored runs of an arm from which on they are believed instead of the range."""

_DEVIATIONS: Final = 2.5
_UNSEEN: Final = 0.02
"""Half the width of a piloted interval: standard errors, and a share for rows unlike any that was made."""

_OUTPUT: Final = (40, 250, 1200)
_TURNS_WITH_TOOLS: Final = (1, 2, 5)
_SECONDS: Final = (1.0, 3.0, 12.0)
"""Low, likely and high where nothing is known: generated tokens a call, calls a run, seconds a call."""


class Estimate(Struct, frozen=True, kw_only=True):
    """What is ahead.

    Attributes:
        cells: Cells to run.
        usd: Low, likely and high cost in US dollars; NaN where a price is unknown.
        seconds: Low, likely and high duration.
        saved_usd: What sharing prefixes saves of the likely cost, against cells in random order that never meet.
        unpriced: Models without a price, and so without a place in `usd`.
        piloted: Arms whose estimate comes from stored runs.
    """

    cells: int
    usd: tuple[float, float, float]
    seconds: tuple[float, float, float]
    saved_usd: float
    unpriced: tuple[str, ...]
    piloted: int


class _ArmEstimate(Struct, frozen=True):
    usd: tuple[float, float, float]
    seconds: tuple[float, float, float]
    saved_usd: float
    piloted: bool


def estimated(
    cells: Sequence[Cell],
    stored: Mapping[str, RunRow],
    readable: Mapping[int, int],
    *,
    cache: CacheMode,
    concurrency: int,
) -> Estimate:
    """Estimate the cells of a plan that are not stored yet.

    Args:
        cells: All cells of the plan.
        stored: Key to row of those that are done.
        readable: By `id` of the arm, the tokens of its shared prefix that can be read, in the provider's tokens.
        cache: How the cache is prepared.
        concurrency: Calls in flight at most.
    """
    by_arm: dict[int, list[Cell]] = {}
    for cell in cells:
        by_arm.setdefault(id(cell.arm), []).append(cell)
    found, unpriced, ahead = [], [], 0
    for number, mine in by_arm.items():
        todo = [cell for cell in mine if cell.key not in stored]
        if not todo:
            continue
        ahead += len(todo)
        done = [stored[cell.key] for cell in mine if cell.key in stored]
        arm = _arm(todo[0].arm, todo, done, readable.get(number, 0), cache)
        found.append(arm)
        if math.isnan(arm.usd[1]):
            unpriced.append(todo[0].arm.agent.model.name)
    return Estimate(
        cells=ahead,
        usd=_added([arm.usd for arm in found]),
        seconds=_divided(_added([arm.seconds for arm in found]), min(concurrency, max(1, ahead))),
        saved_usd=sum(arm.saved_usd for arm in found if not math.isnan(arm.saved_usd)),
        unpriced=tuple(dict.fromkeys(unpriced)),
        piloted=sum(arm.piloted for arm in found),
    )


def _arm(
    arm: Arm, todo: Sequence[Cell], done: Sequence[RunRow], prefix: int, cache: CacheMode
) -> _ArmEstimate:
    vendor, model = provider_and_model(arm.agent.model.name)
    price = rates(vendor, model, arm.agent.clock.time())
    profile = profile_for(vendor, model)
    prompt = _prompt_tokens(arm, todo, profile)
    shared = _spared(price, prefix, len(todo), cache)
    preparing = _preparing(price, prefix, todo, cache)
    if len(done) >= _PILOT:
        usd, seconds = _from_rows(done, len(todo))
        usd = _plus(_times(usd, len(todo)), preparing)
        return _ArmEstimate(usd, _times(seconds, len(todo)), max(0.0, shared), piloted=True)
    limit = arm.agent.settings.max_tokens or _OUTPUT[2]
    turns = _TURNS_WITH_TOOLS if len(arm.agent.tools) else (1, 1, 1)
    low, likely, high = (
        turn * (prompt * price.uncached + min(written, limit) * price.output + price.request)
        + _again(turn, min(written, limit)) * price.uncached
        for turn, written in zip(turns, _OUTPUT, strict=True)
    )
    spared = min(max(0.0, shared), likely * len(todo))
    usd = (max(0.0, low * len(todo) - spared), likely * len(todo) - spared, high * len(todo))
    seconds = _times((_SECONDS[0] * turns[0], _SECONDS[1] * turns[1], _SECONDS[2] * turns[2]), len(todo))
    return _ArmEstimate(_plus(usd, preparing), seconds, spared, piloted=False)


def _prompt_tokens(arm: Arm, todo: Sequence[Cell], profile: Profile) -> float:
    """Mean length of a first prompt, in the provider's tokens."""
    step = max(1, len(todo) // _SAMPLED)
    return fmean(
        profile.counts.ends(Prompt(blocks_of(arrange(arm.agent.completion(cell.prompt)))))[-1]
        for cell in todo[::step][:_SAMPLED]
    )


def _spared(price: Rates, prefix: int, cells: int, cache: CacheMode) -> float:
    """What reading a shared prefix saves over `cells` runs, the write that the first one pays taken off."""
    if cache == "off" or cells < 2:
        return 0.0
    read = price.read if not math.isnan(price.read) else price.uncached
    write = price.write_5m if not math.isnan(price.write_5m) else price.uncached
    return prefix * ((cells - 1) * (price.uncached - read) - (write - price.uncached))


def _preparing(price: Rates, prefix: int, todo: Sequence[Cell], cache: CacheMode) -> float:
    """What the calls that prime a prefix cost: in a controlled run each repeat has one of its own."""
    if cache not in {"warm", "controlled"} or not prefix:
        return 0.0
    groups = len({cell.repeat for cell in todo}) if cache == "controlled" else 1
    read = price.read if not math.isnan(price.read) else price.uncached
    write = price.write_5m if not math.isnan(price.write_5m) else price.uncached
    return groups * prefix * (write + read)


def _from_rows(
    rows: Sequence[RunRow], ahead: int
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    costs = [math.nan if row.cost_usd is None else row.cost_usd for row in rows]
    return _range(costs, ahead), _range([row.model_time_s + row.tool_time_s for row in rows], ahead)


def _range(values: Sequence[float], ahead: int) -> tuple[float, float, float]:
    """The mean of so many runs like these: where it likely lies, from the spread of the few that were made."""
    mean = fmean(values)
    if math.isnan(mean):
        return (math.nan, math.nan, math.nan)
    spread = _DEVIATIONS * stdev(values) * math.sqrt(1 / len(values) + 1 / ahead) + _UNSEEN * mean
    return (max(0.0, mean - spread), mean, mean + spread)


def _again(turns: int, written: int) -> float:
    """Tokens of its own answers that a run sends again: each call carries all answers before it."""
    return written * turns * (turns - 1) / 2


def _times(values: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return (values[0] * factor, values[1] * factor, values[2] * factor)


def _plus(values: tuple[float, float, float], more: float) -> tuple[float, float, float]:
    return (values[0] + more, values[1] + more, values[2] + more)


def _divided(values: tuple[float, float, float], by: float) -> tuple[float, float, float]:
    return _times(values, 1 / by)


def _added(values: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    known = [value for value in values if not math.isnan(value[1])]
    if not known and values:
        return (math.nan, math.nan, math.nan)
    return (sum(v[0] for v in known), sum(v[1] for v in known), sum(v[2] for v in known))
