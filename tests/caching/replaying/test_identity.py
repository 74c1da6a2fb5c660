"""An ordering that is the recorded one changes nothing; and all studies count and price a run alike."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from agentlab.caching import workloads
from agentlab.caching.breakpoints.placement import place_breakpoints
from agentlab.caching.calls import RecordedCall
from agentlab.caching.orderings.presets import PRESETS
from agentlab.caching.policies.policy import Prompt
from agentlab.caching.prices import rates
from agentlab.caching.profiles.registry import profile_for
from agentlab.caching.projection.growth import growth_of
from agentlab.caching.projection.projection import project
from agentlab.caching.replaying.layouts import Layout, layouts
from agentlab.caching.replaying.prompt_ends import PromptEnds, measured_run
from agentlab.caching.replaying.what_if import what_if
from agentlab.messages import CacheOptions, Usage
from tests.caching.encoded import encoded

SIZES = workloads.Sizes(system=1500, tools=1, tool=20, documents=200, few_shots=1, retrieved=150, result=200)
NAMES = ["openai:gpt-5.6", "openai-chat:gpt-5.2", "anthropic:claude-sonnet-4-5"]


def recorded(name: str, ordering: str, *, factor: float, off: int) -> list[RecordedCall]:
    """A chat as it was sent under an ordering, and billed with totals that are no estimate."""
    made = [
        structs.replace(call, request=structs.replace(call.request, ordering=PRESETS[ordering].parts))
        for call in workloads.chat(prompts=2, calls=2, sizes=SIZES)
    ]
    cache = CacheOptions(breakpoints=("last",)) if name.startswith("anthropic") else None
    calls = encoded(made, name, cache, keep_request=True)
    frame = what_if(calls)
    totals = [round(total * factor) + off + 3 * turn for turn, total in enumerate(frame["input_tokens"])]
    counted = [
        structs.replace(call, output_tokens=7, usage=Usage(input_tokens=total, output_tokens=7))
        for call, total in zip(calls, totals, strict=True)
    ]
    billed = what_if(counted)
    usages = [
        Usage(
            input_tokens=int(row["input_tokens"]),
            output_tokens=7,
            cache_read_tokens=int(row["cache_read_tokens"]),
            cache_write_tokens=int(row["cache_write_5m_tokens"]),
        )
        for _, row in billed.iterrows()
    ]
    return [structs.replace(call, usage=usage) for call, usage in zip(counted, usages, strict=True)]


@settings(max_examples=6, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    ordering=st.sampled_from(["stable_first", "docs_last", "query_first"]),
    factor=st.floats(0.7, 1.5),
    off=st.integers(0, 9),
)
def test_the_recorded_ordering_gives_the_recorded_tokens_and_cost(
    name: str, ordering: str, factor: float, off: int
) -> None:
    calls = recorded(name, ordering, factor=factor, off=off)
    frame = what_if(calls, ordering=ordering)
    deltas = [column for column in frame if column.startswith("delta_")]
    assert (frame[deltas].fillna(0) == 0).all().all(), frame[deltas]
    assert list(frame["input_tokens"]) == [call.usage.input_tokens for call in calls if call.usage]


def test_an_ordering_of_parts_that_are_not_there_is_the_recorded_one() -> None:
    loop = encoded(
        workloads.agent_loop(calls=3, sizes=workloads.Sizes(system=1500), volatile=False),
        "openai:gpt-5.2",
        keep_request=True,
    )
    calls = [structs.replace(call, usage=Usage(input_tokens=5000 + n)) for n, call in enumerate(loop)]
    assert list(what_if(calls, ordering="query_first")["input_tokens"]) == [5000, 5001, 5002]


# ------------------------------------------------------------- one count for all


@pytest.mark.parametrize("name", ["anthropic:claude-sonnet-4-5", "anthropic:claude-opus-4-7"])
@pytest.mark.parametrize("counted", [(), (0,), (1, 2), (0, 1, 2, 3)])
def test_what_if_placement_and_projection_count_and_price_a_run_alike(
    name: str, counted: tuple[int, ...]
) -> None:
    loop = workloads.agent_loop(calls=4, sizes=SIZES, system_tokens=6000, volatile=False)
    calls = [
        structs.replace(call, output_tokens=0, usage=Usage(input_tokens=9100 + 517 * turn, output_tokens=0))
        if turn in counted
        else structs.replace(call, output_tokens=0)
        for turn, call in enumerate(encoded(loop, name))
    ]
    frame = what_if(calls, breakpoints=("last",))
    placed = place_breakpoints(calls)
    sent = [
        turn.bill.uncached_tokens
        + turn.bill.read_tokens
        + turn.bill.write_short_tokens
        + turn.bill.write_long_tokens
        for turn in placed.turns
    ]
    assert list(frame["input_tokens"]) == sent
    assert frame["input_cost_usd"].sum() == pytest.approx(placed.last_block_usd, rel=1e-9)
    growth = growth_of(calls)
    assert growth.first_tokens == sent[0]
    assert growth.prompt_tokens(4) == pytest.approx(sent[-1])
    curve = project(calls, 4).curve
    plain = rates(*name.split(":"), calls[0].at).uncached
    assert curve["uncached_usd"].iloc[0] == pytest.approx(sent[0] * plain)


@settings(max_examples=15, deadline=None)
@given(
    totals=st.lists(st.one_of(st.none(), st.integers(0, 20_000)), min_size=4, max_size=4),
    order=st.permutations(range(4)),
    name=st.sampled_from(NAMES),
)
def test_the_ends_of_a_prompt_rise_to_its_known_length(
    totals: list[int | None], order: list[int], name: str
) -> None:
    laid = _laid(name)
    profile = profile_for(*name.split(":"))
    for total, size in zip(totals, measured_run([laid[at] for at in order], totals, profile), strict=True):
        assert list(size.ends) == sorted(size.ends)
        assert size.ends[0] == 0
        assert total is None or size.total == total


@pytest.mark.parametrize("name", NAMES)
def test_without_a_known_length_the_ends_are_the_profile_s_estimate(name: str) -> None:
    profile = profile_for(*name.split(":"))
    positions = PromptEnds(profile)
    for layout in _laid(name):
        size = positions.of(layout.blocks, layout.settings, None)
        counted = profile.counts.counted(Prompt(layout.blocks, body=layout.settings))
        assert counted.ends is not None
        assert size.ends == counted.ends[: len(layout.blocks) + 1]
        assert size.total == counted.total


@cache
def _laid(name: str) -> list[Layout]:
    return list(layouts(encoded(workloads.chat(prompts=2, calls=2, sizes=SIZES), name)))
