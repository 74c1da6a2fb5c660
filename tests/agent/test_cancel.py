"""A run can end at any moment, and leaves a history that can be sent, and nothing running."""

from __future__ import annotations

import asyncio
import socket
from itertools import count
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from agentlab.agent import Agent, Run, RunStream
from agentlab.errors import ToolError
from agentlab.messages import AssistantMessage, RunFinished, ToolResult, ToolStarted
from agentlab.models import WireModel
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import tool
from tests.agent.bench import Bench, add, assert_sendable, bench_of, results_of
from tests.agent.stepping import Suspended, Trickle, assert_nothing_left, open_connections

pytestmark = pytest.mark.anyio

FIRST = "Let me see what the three tools have to say about this one."
LAST = "One gave three, one failed, and one took its time."


@tool
def broken() -> str:
    """Fail."""
    raise ToolError("it is broken")


@tool
async def slow() -> str:
    """Take some turns of the loop."""
    for _ in range(12):
        await checkpoint()
    return "at last"


def three_tools(request: SimRequest) -> Any:
    last = request.messages[-1]
    if getattr(last, "text", "").endswith("go on"):
        return "Gone on."
    if results_of([last]):
        return reply(LAST, reasoning="They are done.")
    return reply(FIRST, reasoning="Three tools.", calls=[call("add", a=1, b=2), call("broken"), call("slow")])


def trickling(bench: Bench, vendor: str) -> Agent:
    """An agent whose answers come in small pieces."""
    agent = bench.agent(vendor, three_tools, tools=[add, broken, slow], preamble="Use the tools.")
    assert isinstance(agent.model, WireModel)
    agent.model.http = Trickle()
    return agent


async def outcome(stream: RunStream, at: int, later: int) -> str:
    async def consume() -> None:
        async for _ in stream:
            pass

    try:
        await Suspended(consume(), at, later)
    except asyncio.CancelledError:
        return "cancelled"
    return "done"


def assert_partial(run: Run) -> None:
    """What the model had said is the start of what it says in a whole run; nothing is lost or made up."""
    said = [message.text for message in run.messages if isinstance(message, AssistantMessage)]
    for text, whole in zip(said, (FIRST, LAST), strict=False):
        assert whole.startswith(text)
    assert len(said) <= 2
    assert Run.from_json(run.to_json()) == run
    assert_sendable(run.all_messages)


@pytest.mark.parametrize("later", [0, 2])
async def test_a_run_cancelled_at_any_await_is_sendable_and_leaves_nothing(vendor: str, later: int) -> None:
    with bench_of() as bench:
        agent = trickling(bench, vendor)
        for at in count(1, 1 + later):
            stream = agent.stream_prompt("begin")
            task = asyncio.ensure_future(outcome(stream, at, later))
            how = await task
            await assert_nothing_left(bench.sim.port)
            assert_partial(stream.run)
            if how == "done":
                break
            finished = [event.event for event in stream.trace.events if isinstance(event.event, RunFinished)]
            assert len(finished) == 1
            assert stream.run.stop_reason in {"cancelled", "done"}
            if at % 4 == 0:
                again = await agent.prompt("go on", history=stream.run.all_messages)
                assert again.text == "Gone on."
        assert at > 40, "the run was not cut into enough pieces to prove anything"
        assert bench.refused == []
        assert (stream.run.text, stream.run.stop_reason) == (LAST, "done")


async def events_of(bench: Bench, vendor: str) -> int:
    return len([event async for event in trickling(bench, vendor).stream_prompt("begin")])


async def test_leaving_the_loop_at_any_event_ends_the_run(vendor: str) -> None:
    with bench_of() as bench:
        agent = trickling(bench, vendor)
        total = await events_of(bench, vendor)
        for leave_at in range(1, total + 1, 3):
            stream = agent.stream_prompt("begin")
            seen = 0
            async for _ in stream:
                seen += 1
                if seen == leave_at:
                    break
            await stream.aclose()
            await assert_nothing_left(bench.sim.port)
            assert_partial(stream.run)
            assert stream.run.stop_reason == ("done" if len(stream.trace.turns) == 2 else "cancelled")
        assert total > 15


async def test_leaving_the_loop_without_closing_it_ends_the_run_too(bench: Bench, vendor: str) -> None:
    stream = trickling(bench, vendor).stream_prompt("begin")
    async for event in stream:
        if isinstance(event, ToolStarted):
            break
    for _ in range(20):
        await checkpoint()
    assert stream.run.stop_reason == "cancelled"
    await assert_nothing_left(bench.sim.port)
    assert_partial(stream.run)


async def failing(stream: RunStream, at: int) -> None:
    seen = 0
    async for _ in stream:
        seen += 1
        if seen == at:
            raise LookupError("mine")


async def test_an_error_of_the_consumer_ends_the_run_and_is_its_own(vendor: str) -> None:
    with bench_of() as bench:
        agent = trickling(bench, vendor)
        for fail_at in range(1, await events_of(bench, vendor), 5):
            stream = agent.stream_prompt("begin")
            with pytest.raises(LookupError, match="mine"):
                await failing(stream, fail_at)
            await stream.aclose()
            await assert_nothing_left(bench.sim.port)
            assert_partial(stream.run)


async def test_a_cancelled_consumer_ends_the_run(bench: Bench, vendor: str) -> None:
    stream = trickling(bench, vendor).stream_prompt("begin")
    reached = asyncio.Event()

    async def consume() -> None:
        async for event in stream:
            if isinstance(event, ToolStarted):
                reached.set()
                await asyncio.Event().wait()

    task = asyncio.ensure_future(consume())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stream.aclose()
    await assert_nothing_left(bench.sim.port)
    assert_partial(stream.run)
    assert stream.run.stop_reason == "cancelled"


async def test_closing_a_stream_twice_or_before_it_began_is_harmless(bench: Bench) -> None:
    stream = trickling(bench, "openai").stream_prompt("begin")
    await stream.aclose()
    events = aiter(stream)
    await stream.aclose()
    del events
    await stream.aclose()
    stream = trickling(bench, "openai").stream_prompt("begin")
    async for _ in stream:
        break
    await stream.aclose()
    await stream.aclose()
    assert stream.run.stop_reason == "cancelled"


async def test_a_result_that_came_while_the_run_was_closing_is_kept(bench: Bench) -> None:
    tasks: list[asyncio.Task[Any]] = []

    @tool
    async def quick() -> str:
        """Act on the world, just as the caller gives up."""
        tasks[0].cancel()
        return "acted"

    @tool
    async def endless() -> str:
        """Wait."""
        await asyncio.Event().wait()
        return "never"

    agent = bench.agent("openai", [reply(calls=[call("quick"), call("endless")])], tools=[quick, endless])
    stream = agent.stream_prompt("go")
    tasks.append(asyncio.ensure_future(_drain(stream)))
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    done, open_still = results_of(stream.run.messages)
    assert (done.text, done.status) == ("acted", "success")
    assert open_still.status == "interrupted"


def test_a_connection_that_is_left_open_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert open_connections(port) == 1
        assert open_connections(port) == 0


async def _drain(stream: RunStream) -> list[ToolResult]:
    return [event async for event in stream if isinstance(event, ToolResult)]
