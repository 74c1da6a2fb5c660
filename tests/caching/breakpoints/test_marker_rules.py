"""The billing of marked prefixes, against recorded bills and the provider's published rules."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.caching.blocks.splitting import Block
from agentlab.caching.breakpoints.marker_rules import Entry, MarkedTurn, MarkerRules, bill
from agentlab.caching.policies.breakpoints import Breakpoints
from agentlab.caching.policies.policy import Prompt
from agentlab.caching.prices import Rates
from agentlab.caching.profiles.registry import Profile

SHORT, LONG = 300.0, 3600.0
LIFETIMES = {"5m": 300.0, "1h": 3600.0}
PRICES = Rates(uncached=1.0, read=0.1, write_5m=1.25, write_1h=2.0, output=5.0)
RULES = MarkerRules(min_tokens=100)


def turn(*tokens: int, at: float = 0.0, start: int = 0) -> MarkedTurn:
    """A request whose blocks have these sizes; prefixes are numbered from `start`."""
    ends = [0]
    for size in tokens:
        ends.append(ends[-1] + size)
    places = range(1, len(tokens) + 1)
    return MarkedTurn(at, tuple(start + place for place in places), tuple(ends), tuple(places), PRICES)


def test_a_recorded_mixed_write_is_split_at_the_last_hour_marker() -> None:
    charged, _ = bill(RULES, turn(4544, 19, 3), {}, [(1, LONG), (2, SHORT)])
    assert (charged.write_long_tokens, charged.write_short_tokens) == (4544, 19)
    assert (charged.read_tokens, charged.uncached_tokens) == (0, 3)
    assert charged.cost_usd == pytest.approx(4544 * 2 + 19 * 1.25 + 3)


def test_a_loop_reads_what_it_read_and_wrote_the_turn_before() -> None:
    sizes = (5169, 101, 99)
    entries: dict[int, Entry] = {}
    read = written = 0
    for count in range(1, 4):
        charged, entries = bill(RULES, turn(*sizes[:count], at=10.0 * count), entries, [(count, SHORT)])
        assert charged.read_tokens == read + written
        read, written = charged.read_tokens, charged.write_short_tokens
    assert (read, written) == (5270, 99)


@pytest.mark.parametrize(("new", "read"), [(19, 500), (20, 500), (21, 0), (22, 0)])
def test_a_marker_looks_twenty_blocks_back_and_no_further(new: int, read: int) -> None:
    _, entries = bill(RULES, turn(500), {}, [(1, SHORT)])
    charged, _ = bill(RULES, turn(500, *[10] * new), entries, [(1 + new, SHORT)])
    assert charged.read_tokens == read


@pytest.mark.parametrize(("pause", "read"), [(299.0, 500), (300.0, 500), (300.5, 0)])
def test_an_entry_lives_from_the_start_of_its_last_use(pause: float, read: int) -> None:
    _, entries = bill(RULES, turn(500), {}, [(1, SHORT)])
    _, entries = bill(RULES, turn(500, at=200.0), entries, [(1, SHORT)])
    charged, _ = bill(RULES, turn(500, at=200.0 + pause), entries, [(1, SHORT)])
    assert charged.read_tokens == read


def test_a_prefix_below_the_minimum_is_silently_not_cached() -> None:
    charged, entries = bill(RULES, turn(99, 500), {}, [(1, SHORT)])
    assert (charged.read_tokens, charged.write_short_tokens, charged.uncached_tokens) == (0, 0, 599)
    assert entries == {}


def test_nothing_is_read_without_a_marker() -> None:
    _, entries = bill(RULES, turn(500), {}, [(1, SHORT)])
    charged, kept = bill(RULES, turn(500, at=1.0), entries, [])
    assert charged.uncached_tokens == 500
    assert kept == entries


def test_a_marker_on_what_is_read_prolongs_no_lifetime() -> None:
    _, entries = bill(RULES, turn(500), {}, [(1, SHORT)])
    charged, entries = bill(RULES, turn(500, at=10.0), entries, [(1, LONG)])
    assert charged.write_long_tokens == 0
    assert entries == {1: Entry(SHORT, 310.0)}


def test_two_prefixes_of_one_length_do_not_meet() -> None:
    _, entries = bill(RULES, turn(500), {}, [(1, SHORT)])
    charged, _ = bill(RULES, turn(500, start=7), entries, [(1, SHORT)])
    assert charged.read_tokens == 0


def test_an_hour_without_a_price_costs_nothing_where_none_is_written() -> None:
    priced = turn(500)
    plain = MarkedTurn(
        priced.at, priced.prefixes, priced.tokens, priced.markable, Rates(1.0, 0.1, 1.25, math.nan, 5.0)
    )
    charged, _ = bill(RULES, plain, {}, [(1, SHORT)])
    assert charged.cost_usd == pytest.approx(625.0)


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[float, list[int], dict[int, str]]]:
    """Requests as sizes of blocks, with lifetimes of markers by place: growing, branching, pausing."""
    found: list[tuple[float, list[int], dict[int, str]]] = []
    blocks: list[int] = []
    at = 0.0
    for _ in range(draw(st.integers(1, 6))):
        kept = draw(st.integers(0, len(blocks))) if draw(st.booleans()) else len(blocks)
        blocks = blocks[:kept] + draw(st.lists(st.integers(50, 53), min_size=1, max_size=6))
        places = sorted(draw(st.sets(st.integers(1, len(blocks)), max_size=4)))
        hourly = draw(st.integers(0, len(places)))
        markers = {place: "1h" if index < hourly else "5m" for index, place in enumerate(places)}
        at += draw(st.sampled_from([1.0, 250.0, 301.0, 3000.0, 4000.0]))
        found.append((at, blocks, markers))
    return found


@settings(max_examples=200, deadline=None)
@given(run=conversations(), minimum=st.sampled_from([0, 120]), lookback=st.sampled_from([1, 3, 20]))
def test_the_bill_is_what_the_simulated_provider_charges(
    run: list[tuple[float, list[int], dict[int, str]]], minimum: int, lookback: int
) -> None:
    profile = Profile(
        name="x",
        family="breakpoints",
        min_tokens=minimum,
        lookback=lookback,
        max_breakpoints=4,
        ttl=LIFETIMES,
        default_ttl="5m",
        visibility="immediate",
    )
    provider = Breakpoints(profile)
    rules = MarkerRules(minimum, lookback)
    numbers: dict[tuple[int, ...], int] = {}
    entries: dict[int, Entry] = {}
    for at, blocks, markers in run:
        prompt = Prompt(
            tuple(
                Block("message", "user", str(size), size, marker=markers.get(place))
                for place, size in enumerate(blocks, 1)
            )
        )
        told = provider.account(prompt, at)
        ends = [sum(blocks[:place]) for place in range(len(blocks) + 1)]
        prefixes = [numbers.setdefault(tuple(blocks[:place]), len(numbers)) for place in range(1, len(ends))]
        asked = MarkedTurn(at, tuple(prefixes), tuple(ends), tuple(range(1, len(ends))), PRICES)
        charged, entries = bill(
            rules, asked, entries, [(place, LIFETIMES[ttl]) for place, ttl in markers.items()]
        )
        assert (charged.read_tokens, charged.write_short_tokens, charged.write_long_tokens) == (
            told.read_tokens,
            told.write_5m_tokens,
            told.write_1h_tokens,
        )
