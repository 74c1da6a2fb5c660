"""A run tells why its prefix moved: while it runs, in one line, and afterwards, in full."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.agent import Hook, RequestPatch, RunResult
from agentlab.errors import UsageError
from agentlab.messages import Notice
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
