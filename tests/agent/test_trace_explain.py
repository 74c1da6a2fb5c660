"""A run tells why its prefix moved: while it runs, in one line, and afterwards, in full."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from msgspec import structs

from agentlab.agent import Agent, Hook, RequestPatch, RunResult, Trace
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, Notice
from agentlab.simulator import call
from agentlab.testing import assert_prefix_stable
from tests.agent.bench import Bench, add

pytestmark = pytest.mark.anyio

LONG = "You add numbers, and you say so. " * 60


class Clockwork(Hook):
    """Tells the time at the head of the prompt, from the turn given on."""

    def __init__(self, since: int = 1) -> None:
        self.since = since

    def on_completion_call(self, context: Any, request: Any) -> RequestPatch | None:
        if context.turn < self.since:
            return None
        return RequestPatch(preamble=f"{request.preamble} It is 09:0{context.turn}.")


async def run_of(bench: Bench, vendor: str, *hooks: Hook) -> RunResult:
    turns = [call("add", a=1, b=2), call("add", a=3, b=4), "Seven."]
    return await bench.agent(vendor, turns, tools=[add], preamble=LONG, hooks=hooks).prompt("1+2+4?")


async def test_a_run_that_appends_has_nothing_to_explain(bench: Bench, vendor: str) -> None:
    run = await run_of(bench, vendor)
    assert run.trace.explain() == []
    assert run.trace.explain(2) == []
    assert_prefix_stable(run.trace)


async def test_every_turn_that_moved_is_explained(bench: Bench, vendor: str) -> None:
    trace = (await run_of(bench, vendor, Clockwork())).trace
    found = trace.explain()
    assert [each.turn for each in found] == [2, 3]
    assert {each.cause.part for each in found} == {"preamble"}
    assert {each.cause.character for each in found} == {len(LONG) + len(" It is 09:0")}
    assert str(trace.explain(3)) == str(found[1])
    assert trace.explain(1) == []
    assert str(found[0]).startswith(f"Turn 2: the cached prefix moved at preamble character {len(LONG) + 11}")
    with pytest.raises(AssertionError, match="Turn 2: the cached prefix moved at preamble"):
        assert_prefix_stable(trace)


async def test_only_the_turn_that_moved_is_explained(bench: Bench) -> None:
    trace = (await run_of(bench, "anthropic", Clockwork(since=3))).trace
    assert [each.turn for each in trace.explain()] == [3]
    assert trace.explain()[0].reason == "system_changed"


async def test_the_live_notice_is_the_line_of_the_explanation(bench: Bench, vendor: str) -> None:
    trace = (await run_of(bench, vendor, Clockwork(since=2))).trace
    notices = list(trace.of(Notice))
    assert [notice.kind for notice in notices] == ["prefix_moved", "prefix_moved"]
    assert notices[0].text.startswith(f"the cached prefix moved at preamble character {len(LONG)}")
    assert "tokens of the previous request cannot be read again" in notices[0].text


async def test_a_turn_that_was_never_made_is_refused(bench: Bench) -> None:
    run = await run_of(bench, "openai")
    with pytest.raises(UsageError, match="no turn 9"):
        run.trace.explain(9)


async def test_the_live_notice_counts_as_the_explanation_does(bench: Bench, vendor: str) -> None:
    trace = (await run_of(bench, vendor, Clockwork())).trace
    lines = [structs.replace(each, dollars_lost=math.nan).line for each in trace.explain()]
    assert [notice.text for notice in trace.of(Notice)] == lines
    assert all(not each.estimated for each in trace.explain())
    assert "(estimated)" not in lines[0]


def asked_to_diagnose(bench: Bench, vendor: str, *hooks: Hook, stream: bool = True, **cache: Any) -> Agent:
    turns = [call("add", a=1, b=2), call("add", a=3, b=4), "Seven."]
    options = CacheOptions(diagnose=True, **cache)
    return bench.agent(
        vendor, turns, tools=[add], preamble=LONG * 4, hooks=hooks, cache=options, stream=stream
    )


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("vendor", "word"), [("anthropic", "system_changed"), ("openai", "input_changed")])
async def test_the_provider_is_asked_why_it_missed(
    bench: Bench, vendor: str, word: str, stream: bool
) -> None:
    run = await asked_to_diagnose(bench, vendor, Clockwork(since=3), stream=stream).prompt("1+2+4?")
    verdicts = [turn.cache_diagnosis.verdict if turn.cache_diagnosis else None for turn in run.trace.turns]
    assert verdicts[0] is None
    assert verdicts[1] in {None, "hit", "unavailable"}  # Anthropic says nothing where nothing changed
    assert verdicts[2] == "miss"
    assert run.turns["cache_miss_reason"].iloc[-1] == word
    diagnosis = run.trace.turns[-1].cache_diagnosis
    assert diagnosis is not None
    assert diagnosis.reason == word
    assert diagnosis.missed_tokens
    (explanation,) = run.trace.explain()
    assert explanation.provider_says == diagnosis
    assert f"The provider says: {word} ({diagnosis.missed_tokens:,} tokens)." in str(explanation)
    assert f"The provider says: {word}" in explanation._repr_html_()
    assert Trace.from_json(run.trace.to_json()).turns == run.trace.turns


async def test_each_request_names_the_answer_before_it(bench: Bench) -> None:
    run = await asked_to_diagnose(bench, "anthropic").prompt("1+2+4?")
    ids = [record.response_id for record in run.run.records]
    asked = [msgspec.json.decode(each.body)["diagnostics"] for each in run.trace.calls]
    assert [each["previous_message_id"] for each in asked] == [None, *ids[:-1]]
    run = await asked_to_diagnose(bench, "openai").prompt("1+2+4?")
    ids = [record.response_id for record in run.run.records]
    options = [msgspec.json.decode(each.body).get("prompt_cache_options", {}) for each in run.trace.calls]
    assert [each.get("comparison_response_id") for each in options] == [None, *ids[:-1]]
    assert not list(run.trace.of(Notice))


async def test_an_id_given_by_hand_stands(bench: Bench) -> None:
    run = await asked_to_diagnose(bench, "anthropic", compare_with="msg_unheard_of").prompt("1+2+4?")
    assert list(run.turns["cache_miss_reason"]) == ["previous_message_not_found"] * 3
    assert {turn.cache_diagnosis.verdict for turn in run.trace.turns if turn.cache_diagnosis} == {"not_found"}


async def test_nobody_is_asked_unless_the_option_is_set(bench: Bench, vendor: str) -> None:
    run = await run_of(bench, vendor)
    assert run.turns["cache_miss_reason"].isna().all()
    assert not any("diagnos" in each.body or "comparison" in each.body for each in run.trace.calls)
