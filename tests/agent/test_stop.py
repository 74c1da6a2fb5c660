"""`stop` ends a run at once, from any thread and at any moment, and says why."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from agentlab.agent import Agent, Hook, RunStream
from agentlab.errors import RunStopped
from agentlab.messages import AssistantMessage, RunFinished, TextDelta, ToolResult, ToolStarted, TurnFinished
from agentlab.simulator import Fault, call, reply
from agentlab.tools import tool
from tests.agent.bench import Bench, assert_sendable, results_of
from tests.agent.stepping import assert_nothing_left

pytestmark = pytest.mark.anyio

LONG = "These are a few words that never come to their end."


@tool
async def endless() -> str:
    """Wait for ever."""
    await asyncio.Event().wait()
    return "never"


def stalled(bench: Bench, vendor: str, **options: Any) -> Agent:
    """An agent whose provider falls silent in the middle of its answer."""
    return bench.agent(vendor, [reply(LONG, fault=Fault("stall", at_event=8))], **options)


async def stopped(stream: RunStream, until: type, how: Any) -> RunStopped:
    """Stop a stream once an event of a type was seen and the consumer waits again; how long it took is bounded."""
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def consume() -> None:
        async for event in stream:
            if isinstance(event, until):
                reached.set()

    task = asyncio.ensure_future(consume())
    await reached.wait()
    began = loop.time()
    how()
    with pytest.raises(RunStopped) as caught:
        await task
    assert loop.time() - began < 1.0
    return caught.value


def from_a_thread(stream: RunStream) -> Any:
    def start() -> None:
        thread = threading.Thread(target=stream.stop, args=("enough",))
        thread.start()
        thread.join()

    return start


async def test_stopping_a_stalled_answer_from_a_thread_keeps_what_had_arrived(
    bench: Bench, vendor: str
) -> None:
    stream = stalled(bench, vendor).stream_prompt("go")
    error = await stopped(stream, TextDelta, from_a_thread(stream))
    assert error.reason == "enough"
    assert error.partial is not None
    assert LONG.startswith(error.partial.text)
    assert error.partial.text
    assert error.history[-1] == error.partial
    assert error.partial.interrupted
    assert_sendable(error.history)
    assert (stream.run.stop_reason, stream.run.detail) == ("stopped", "enough")
    (finished,) = stream.trace.of(RunFinished)
    assert (finished.stop_reason, finished.detail, finished.text) == ("stopped", "enough", error.partial.text)
    await assert_nothing_left(bench.sim.port)
    assert bench.requests[0].disconnected


async def test_stopping_a_slow_tool_from_a_thread_answers_its_call(bench: Bench, vendor: str) -> None:
    stream = bench.agent(vendor, [call("endless")], tools=[endless]).stream_prompt("go")
    error = await stopped(stream, ToolStarted, from_a_thread(stream))
    assert error.partial is None
    assert [result.status for result in results_of(error.history)] == ["interrupted"]
    assert_sendable(error.history)
    await assert_nothing_left(bench.sim.port)


async def test_a_stopped_task_goes_on_as_if_never_cancelled(bench: Bench) -> None:
    stream = stalled(bench, "openai").stream_prompt("go")
    await stopped(stream, TextDelta, stream.stop)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@pytest.mark.parametrize(
    "event", ["on_text_delta", "on_completion_call", "on_model_turn_finished", "on_tool_call"]
)
async def test_a_hook_may_stop_the_stream(bench: Bench, vendor: str, event: str) -> None:
    class Stopper(Hook):
        stream: RunStream

    def stop(self: Stopper, *_: Any) -> None:
        self.stream.stop("by the hook")

    setattr(Stopper, event, stop)
    hook = Stopper()
    agent = bench.agent(
        vendor, [reply("Let me see what I can do.", calls=[call("endless")])], tools=[endless], hooks=[hook]
    )
    stream = agent.stream_prompt("go")
    hook.stream = stream
    with pytest.raises(RunStopped, match="by the hook") as caught:
        async for _ in stream:
            pass
    assert_sendable(caught.value.history)
    assert stream.run.stop_reason == "stopped"
    await assert_nothing_left(bench.sim.port)


async def test_a_turn_that_was_complete_when_the_stop_came_is_not_lost(bench: Bench, vendor: str) -> None:
    class Stopper(Hook):
        stream: RunStream

        def on_stream_response_finish(self, context: Any, turn: TurnFinished) -> None:
            self.stream.stop("now")

        async def on_model_turn_finished(self, context: Any, turn: TurnFinished) -> None:
            await asyncio.Event().wait()

    hook = Stopper()
    stream = bench.agent(vendor, ["the whole answer"], hooks=[hook]).stream_prompt("go")
    hook.stream = stream
    with pytest.raises(RunStopped) as caught:
        async for _ in stream:
            pass
    assert caught.value.partial is not None
    assert caught.value.partial.text == stream.run.text == "the whole answer"
    assert stream.run.usage.output_tokens
    assert stream.run.stop_reason == "stopped"


async def test_stopping_before_the_first_step_sends_nothing(bench: Bench) -> None:
    stream = bench.agent("openai", ["x"]).stream_prompt("go")
    stream.stop("changed my mind")
    with pytest.raises(RunStopped, match="changed my mind"):
        async for _ in stream:
            pass
    assert bench.requests == []


async def test_stopping_an_ended_run_does_nothing(bench: Bench) -> None:
    stream = bench.agent("openai", ["x"]).stream_prompt("go")
    async for _ in stream:
        pass
    stream.stop()
    assert (stream.run.stop_reason, stream.run.text) == ("done", "x")


async def test_a_stop_from_the_loop_body_ends_it_at_the_next_event(bench: Bench, vendor: str) -> None:
    stream = bench.agent(vendor, [LONG]).stream_prompt("go")
    seen: list[TextDelta] = []

    async def consume() -> None:
        async for event in stream:
            if isinstance(event, TextDelta):
                seen.append(event)
                stream.stop()

    with pytest.raises(RunStopped):
        await consume()
    assert len(seen) == 1
    assert isinstance(stream.run.messages[-1], AssistantMessage)


async def test_a_cancellation_by_the_caller_wins_over_a_stop(bench: Bench) -> None:
    stream = bench.agent("openai", [call("endless")], tools=[endless]).stream_prompt("go")
    reached = asyncio.Event()

    async def consume() -> None:
        async for event in stream:
            if isinstance(event, ToolStarted):
                reached.set()

    task = asyncio.ensure_future(consume())
    await reached.wait()
    stream.stop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stream.run.stop_reason == "cancelled"
    assert_sendable(stream.run.all_messages)


async def test_results_before_the_stop_are_kept(bench: Bench) -> None:
    @tool
    def quick() -> str:
        """Answer."""
        return "here"

    stream = bench.agent(
        "gemini", [reply(calls=[call("quick"), call("endless")])], tools=[quick, endless]
    ).stream_prompt("go")
    error = await stopped(stream, ToolResult, stream.stop)
    assert [result.status for result in results_of(error.history)] == ["success", "interrupted"]
