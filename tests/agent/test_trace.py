"""The trace is the one record of a run: exact, complete, and the same after a trip through JSON."""

from __future__ import annotations

import msgspec
import pytest

from agentlab.agent import Trace
from agentlab.messages import (
    ReasoningDelta,
    RequestSent,
    RunFinished,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from agentlab.simulator import Fault, call, reply
from tests.agent.bench import Bench, add

pytestmark = pytest.mark.anyio


async def traced(bench: Bench, vendor: str) -> Trace:
    turns = [
        reply("Let me add.", reasoning="Hm.", calls=[call("add", a=1, b=2), call("add", a="x", b=1)]),
        "Three.",
    ]
    run = await bench.agent(vendor, turns, tools=[add], preamble="You add.", context=["a fact"]).prompt(
        "1+2?"
    )
    return run.trace


async def test_a_trace_comes_back_from_json_as_it_was(bench: Bench, vendor: str) -> None:
    trace = await traced(bench, vendor)
    again = Trace.from_json(trace.to_json())
    assert again == trace
    assert again.requests == trace.requests
    with pytest.raises(msgspec.ValidationError):
        Trace.from_json('{"events": 3}')


async def test_events_come_in_the_order_of_the_grammar(bench: Bench, vendor: str) -> None:
    trace = await traced(bench, vendor)
    kinds = [type(each.event) for each in trace.events]
    first_turn = kinds[: kinds.index(TurnFinished) + 1]
    assert first_turn[:2] == [TurnStarted, RequestSent]
    assert set(first_turn[2:-1]) >= {TextDelta, ToolCall}
    after = kinds[len(first_turn) : kinds.index(TurnStarted, 1)]
    assert sorted(kind.__name__ for kind in after) == [
        "ToolResult",
        "ToolResult",
        "ToolStarted",
        "ToolStarted",
    ]
    assert kinds[-1] is RunFinished
    assert kinds.count(RunFinished) == 1
    times = [each.at_s for each in trace.events]
    assert times == sorted(times)
    assert ReasoningDelta in kinds or vendor in {"openai", "gemini"}  # those two reason aloud only when asked
    assert ToolStarted in kinds
    assert ToolResult in kinds


async def test_requests_are_the_bytes_that_were_sent(bench: Bench, vendor: str) -> None:
    trace = await traced(bench, vendor)
    assert [request.sent.body.encode() for request in trace.requests] == [
        each.body for each in bench.requests
    ]
    assert [request.turn for request in trace.requests] == [1, 2]
    assert trace.requests[0].prefix is None
    second = trace.requests[1].prefix
    assert second is not None
    assert second.is_prefix
    assert second.blocks == len(trace.requests[0].blocks)
    kinds = [block.kind for block in trace.requests[0].blocks if block.kind != "setting"]
    assert kinds[:2] == ["tool", "system"]


async def test_frames_have_a_row_for_each_call_and_block(bench: Bench, vendor: str) -> None:
    trace = await traced(bench, vendor)
    calls = trace.tool_calls
    assert list(calls["tool"]) == ["add", "add"]
    assert list(calls["turn"]) == [1, 1]
    assert list(calls["status"]) == ["success", "failed"]
    assert calls["result"][0] == "3"
    assert (calls["duration_s"] >= 0).all()
    blocks = trace.blocks
    assert set(blocks["turn"]) == {1, 2}
    assert (blocks["tokens"] > 0).all()
    second = blocks[blocks["turn"] == 2]
    assert second["in_shared_prefix"].sum() == len(trace.requests[0].blocks)


async def test_of_a_call_that_was_retried_the_last_attempt_counts(bench: Bench) -> None:
    bench.sim.faults.add(Fault("status", status=503))
    run = await bench.agent("openai", ["fine"]).prompt("go")
    assert [sent.attempt for sent in run.trace.of(RequestSent)] == [1, 2]
    assert [request.sent.attempt for request in run.trace.requests] == [2]


def test_a_request_of_an_unknown_wire_has_no_blocks() -> None:
    trace = Trace("r")
    trace.add(TurnStarted(1, "mine:x"), 0.0)
    trace.add(RequestSent("my-own-wire", "http://x", "{}"), 0.0)
    assert [request.blocks for request in trace.requests] == [()]


def test_an_empty_trace_has_empty_frames() -> None:
    trace = Trace("r")
    assert trace.requests == ()
    assert trace.tool_calls.empty
    assert trace.blocks.empty
    assert "events=0" in repr(trace)


def test_the_repr_of_two_runs_of_one_prompt_is_the_same_and_short() -> None:
    first, second = (Trace(run_id, model="sim:openai/gpt-5.6", title="long " * 50) for run_id in ("r1", "r2"))
    assert repr(first) == repr(second)
    assert len(repr(first)) < 150
