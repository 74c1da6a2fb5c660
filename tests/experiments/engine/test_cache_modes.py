"""Caches prepared before they are measured, at the simulator: every provider's rule, every mode, every call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import agentlab as al
from agentlab.experiments.plan.cells import CacheMode
from agentlab.experiments.results import Results
from agentlab.experiments.sweep import sweep
from agentlab.experiments.sweep_plan import Plan
from agentlab.http import ManualClock
from agentlab.messages import CacheOptions
from agentlab.simulator import Latency, Simulator, serve
from tests.experiments.simulated import GUIDE, MARKED, at, questions

FAMILIES: dict[str, tuple[str, CacheOptions | None]] = {
    "openai, implicit": ("openai:gpt-5.6", None),
    "openai, marked": ("openai:gpt-5.6", MARKED),
    "openai before 5.6": ("openai:gpt-4.1", None),
    "anthropic, marked": ("anthropic:claude-sonnet-5", MARKED),
    "anthropic, unmarked": ("anthropic:claude-sonnet-5", None),
    "gemini": ("gemini:gemini-2.5-flash", None),
    "deepseek": ("deepseek:deepseek-chat", None),
}
READABLE = [name for name in FAMILIES if name not in {"openai, implicit", "anthropic, unmarked"}]
"""Where one prompt can read what another one with the same system prompt left."""
AT_ONCE = {"gemini", "deepseek"}
"""Where a call can read what another one leaves that was sent in the same moment."""
MODES: list[CacheMode] = ["natural", "warm", "controlled", "off"]


def plan_for(
    sim: Simulator, family: str, mode: CacheMode, *, samples: int = 4, repeats: int = 2, **options: Any
) -> Plan:
    name, cache = FAMILIES[family]
    made = sweep(
        al.Agent(at(sim, name), preamble=GUIDE, cache=cache),
        over={"preamble": {"old": GUIDE, "new": f"{GUIDE}\nBe brief."}},
        data=questions(samples),
        repeats=repeats,
        cache=mode,
        progress=False,
        **options,
    )
    made.settings = replace(made.settings, clock=ManualClock())
    return made


def reads(results: Results) -> list[int]:
    return [int(read) for read in results.turns["cache_read_input_tokens"].fillna(0)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_call_should_read_is_what_the_provider_says_it_read(
    sim: Simulator, family: str, mode: CacheMode
) -> None:
    turns = plan_for(sim, family, mode, samples=2, concurrency=1).run_sync().turns
    reported = turns["cache_read_input_tokens"].fillna(0)
    assert len(turns) == 8
    assert turns["cache_expected_tokens"].tolist() == reported.tolist()
    assert turns["cache_gap_tokens"].fillna(0).tolist() == [0] * 8


@pytest.mark.parametrize("mode", ["natural", "controlled"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_calls_side_by_side_should_read_is_what_the_provider_says_they_read(
    family: str, mode: CacheMode
) -> None:
    # Answers take their time: what is sent meanwhile cannot read what they leave. No prompt is asked twice, because whether
    # the second one comes before or after the first one's first byte is then told apart by milliseconds.
    with serve(realtime=True, latency=Latency(first_token_s=0.15, tokens_per_s=100)) as slow:
        plan = plan_for(slow, family, mode, samples=4, repeats=1, concurrency=16)
        turns = plan.run_sync().turns
    reported = turns["cache_read_input_tokens"].fillna(0).tolist()
    expected = turns["cache_expected_tokens"].tolist()
    if family not in AT_ONCE:
        assert expected == reported
        return
    # Which of two calls of one moment came first is for the provider to say; their questions are alike.
    pairs = zip(sorted(expected), sorted(reported), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= 16


@pytest.mark.parametrize("family", READABLE)
def test_a_controlled_run_reads_its_prefix_from_the_first_call_on(sim: Simulator, family: str) -> None:
    results = plan_for(sim, family, "controlled").run_sync()
    table = results.df
    assert set(table["cache_state"]) == {"primed"}
    assert not table["cache_contaminated"].any()
    assert min(reads(results)) >= 0.8 * table["input_tokens"].max()
    assert len(sim.requests) > 16  # the calls that prime; four groups: two arms, two repeats
    assert results.primed_usd > 0


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in READABLE])
def test_a_prefix_that_no_other_prompt_can_read_is_not_primed_and_called_cold(
    sim: Simulator, family: str
) -> None:
    results = plan_for(sim, family, "controlled").run_sync()
    assert set(results.df["cache_state"]) == {"cold"}
    assert len(sim.requests) == 16
    assert reads(results) == [0] * 16


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_read_where_caches_are_off(sim: Simulator, family: str) -> None:
    results = plan_for(sim, family, "off").run_sync()
    assert reads(results) == [0] * 16
    assert set(results.df["cache_state"]) == {"cold"}


@pytest.mark.parametrize(
    ("family", "mode"), [*((family, "controlled") for family in FAMILIES), ("gemini", "off")]
)
def test_a_salt_changes_nothing_but_the_cache(
    sim: Simulator, family: str, mode: CacheMode, tmp_path: Path
) -> None:
    plain = plan_for(sim, family, "natural", store=tmp_path / "a.db").run_sync()
    salted = plan_for(sim, family, mode, store=tmp_path / "a.db").run_sync()
    more = (salted.df["input_tokens"] - plain.df["input_tokens"]).unique().tolist()
    assert 0 < max(more) < 25
    assert max(more) - min(more) <= 1  # the provider rounds
    for _, arm in salted.df.groupby("preamble", observed=True):
        assert arm.groupby("sample_id")["input_tokens"].nunique().max() == 1
    one, other = plain.trace(plain.df["run_id"][0]), salted.trace(salted.df["run_id"][0])
    before, after = one.requests[0].blocks, other.requests[0].blocks
    assert len(before) == len(after)
    changed = [place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert len(changed) == 1
    assert before[changed[0]].part == "preamble"
    assert GUIDE[-100:] in after[changed[0]].text or "houses" in after[changed[0]].text


@pytest.mark.parametrize("family", READABLE)
def test_a_controlled_run_reads_nothing_that_another_execution_or_repeat_left(
    sim: Simulator, family: str, tmp_path: Path
) -> None:
    calls = [len(sim.requests)]
    for number in range(2):
        plan_for(sim, family, "controlled", store=tmp_path / f"{number}.db").run_sync()
        calls.append(len(sim.requests))
    texts = [entry.body.decode() for entry in sim.requests]
    salts = [text.partition("[ref ")[2].partition("]")[0] for text in texts]
    first, second = set(salts[calls[0] : calls[1]]), set(salts[calls[1] : calls[2]])
    assert len(first) == len(second) == 4  # two arms, two repeats
    assert not first & second


@pytest.mark.parametrize("family", READABLE)
def test_a_warm_run_sends_the_prompts_as_they_are_and_the_first_one_reads(
    sim: Simulator, family: str
) -> None:
    results = plan_for(sim, family, "warm").run_sync()
    assert set(results.df["cache_state"]) == {"warm"}
    assert min(reads(results)) > 0
    assert not any(b"[ref " in entry.body for entry in sim.requests)


class Shared(ManualClock):
    """Time that passes at the simulator as well."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__()
        self._sim = sim

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._sim.advance(seconds)


def idle_between_rows(plan: Plan, sim: Simulator, seconds: float) -> Plan:
    """Let so much time pass after every row."""
    clock = Shared(sim)

    def wait(_output: str, _sample: object) -> float:
        clock.advance(seconds)
        return 1.0

    plan.scorers = sweep(plan.arms[0].agent, data=questions(1), score=wait).scorers
    plan.settings = replace(plan.settings, clock=clock)
    return plan


@pytest.mark.parametrize("family", ["anthropic, marked", "openai, marked"])
def test_a_prefix_that_was_idle_for_most_of_its_lifetime_is_primed_again(sim: Simulator, family: str) -> None:
    lifetime = 300 if family.startswith("anthropic") else 1800
    plan = plan_for(sim, family, "controlled", samples=3, repeats=1, concurrency=1)
    results = idle_between_rows(plan, sim, 1.1 * lifetime).run_sync()
    assert min(reads(results)) > 0
    assert len(sim.requests) == 6 + 6 * 2  # every run is primed, by a call and one that looks


def test_a_prefix_in_use_is_primed_once(sim: Simulator) -> None:
    plan = plan_for(sim, "anthropic, marked", "controlled", samples=3, repeats=1, concurrency=1)
    results = idle_between_rows(plan, sim, 10).run_sync()
    assert len(sim.requests) == 6 + 2 * 2
    assert results.df["since_prefix_s"].max() <= 30


def test_a_run_whose_prefix_was_lost_is_flagged_as_contaminated(sim: Simulator) -> None:
    plan = plan_for(sim, "anthropic, marked", "controlled", samples=3, repeats=1, concurrency=1)
    clock = ManualClock()  # the provider forgets faster than it says

    def forget(_output: str, _sample: object) -> float:
        sim.advance("6m")
        return 1.0

    plan.scorers = sweep(plan.arms[0].agent, data=questions(1), score=forget).scorers
    plan.settings = replace(plan.settings, clock=clock)
    table = plan.run_sync().df
    lost = table["cache_read_input_tokens"] == 0
    assert lost.any()
    assert table["cache_contaminated"].tolist() == lost.tolist()


class Forgetful(ManualClock):
    """Whoever waits finds that the provider has forgotten everything."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__()
        self._sim = sim

    async def sleep(self, seconds: float) -> None:
        self._sim.advance("6m")
        await super().sleep(seconds)


def test_a_prefix_that_never_becomes_readable_is_used_and_flagged(sim: Simulator) -> None:
    plan = plan_for(sim, "anthropic, marked", "controlled", samples=2, repeats=1)
    clock = Forgetful(sim)
    plan.settings = replace(plan.settings, clock=clock)
    table = plan.run_sync().df
    assert set(table["cache_state"]) == {"primed"}
    assert table["cache_contaminated"].all()
    assert (table["status"] == "ok").all()
    assert sum(clock.slept) >= 30  # it waited for half a minute, as providers were seen to take
