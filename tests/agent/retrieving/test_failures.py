"""What happens when an index fails, hangs or is given up: nothing is sent, nothing is lost, nothing goes on running."""

from __future__ import annotations

import asyncio

import pytest

from agentlab.agent import Run
from agentlab.agent.retrieving.entries import DynamicContext
from agentlab.errors import BudgetSpent, RetrievalFailed, RunStopped
from agentlab.messages import (
    AssistantMessage,
    Message,
    RunFinished,
    UserMessage,
)
from agentlab.retrieval import Hit
from tests.agent.bench import Bench, assert_sendable
from tests.agent.shelf import Shelf, hits_of
from tests.agent.stepping import Suspended, assert_nothing_left

pytestmark = pytest.mark.anyio


def failing(error: BaseException) -> Shelf:
    def fail(_query: str) -> list[Hit]:
        raise error

    return Shelf(fail, "broken")


async def test_an_index_that_fails_ends_the_run_before_anything_is_sent_and_nothing_is_lost(
    bench: Bench,
) -> None:
    history: list[Message] = [UserMessage.of("Before."), AssistantMessage.of("Said.")]
    other = Shelf(hits_of("A page."), turns=10_000)
    stream = bench.agent(
        "openai-chat", ["x"], dynamic_context=[other, failing(OSError("no disk"))]
    ).stream_prompt("Now?", history=history)
    with pytest.raises(RetrievalFailed, match="the index `broken` failed: OSError: no disk") as caught:
        async for _ in stream:
            pass
    error = caught.value
    assert isinstance(error.__cause__, OSError)
    assert error.index == "broken"
    assert error.history == (*history, UserMessage.of("Now?"))
    assert_sendable(error.history)
    assert bench.requests == []
    finished = stream.trace.events[-1].event
    assert isinstance(finished, RunFinished)
    assert finished.stop_reason == "error"
    assert set(stream.trace.spans["status"]) == {"failed"}
    await assert_nothing_left(bench.sim.port)


async def test_an_index_that_does_not_answer_in_time_is_an_error_and_not_a_hung_run(bench: Bench) -> None:
    async def never(_query: str) -> list[Hit]:
        await asyncio.Event().wait()
        return []

    entry = DynamicContext(Shelf(never, "deaf"), timeout_s=0.01)
    with pytest.raises(RetrievalFailed, match=r"`deaf` did not answer within 0\.01 s"):
        await bench.agent("openai-chat", ["x"], dynamic_context=entry).prompt("go")
    own = DynamicContext(failing(TimeoutError("mine")), name="deaf")
    with pytest.raises(RetrievalFailed, match="`deaf` failed: TimeoutError: mine"):
        await bench.agent("openai-chat", ["x"], dynamic_context=own).prompt("go")
    assert bench.requests == []


async def test_an_index_that_cancels_itself_is_an_error_and_the_caller_is_not_cancelled(bench: Bench) -> None:
    with pytest.raises(RetrievalFailed, match="cancelled itself"):
        await bench.agent("openai-chat", ["x"], dynamic_context=failing(asyncio.CancelledError())).prompt(
            "go"
        )


async def test_a_budget_spent_in_an_index_stops_the_run_as_what_it_is(bench: Bench) -> None:
    spent = BudgetSpent("no money for embeddings", reason="budget")
    with pytest.raises(BudgetSpent):
        await bench.agent("openai-chat", ["x"], dynamic_context=failing(spent)).prompt("go")


async def test_an_index_that_finds_what_is_no_document_fails_as_an_index(bench: Bench) -> None:
    odd = Shelf([(0.5, "a")])  # type: ignore[list-item]
    with pytest.raises(RetrievalFailed, match="AttributeError"):
        await bench.agent("openai-chat", ["x"], dynamic_context=odd).prompt("go")


async def test_stopping_while_an_index_is_asked_stops_the_run_there(bench: Bench) -> None:
    asked = asyncio.Event()
    let_go = asyncio.Event()

    async def slow(_query: str) -> list[Hit]:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            let_go.set()
        return []

    stream = bench.agent("openai-chat", ["x"], dynamic_context=Shelf(slow)).stream_prompt("go")

    async def stop() -> None:
        await asked.wait()
        stream.stop("enough")

    stopping = asyncio.create_task(stop())
    with pytest.raises(RunStopped, match="enough") as caught:
        async for _ in stream:
            pass
    await stopping
    assert let_go.is_set()
    assert caught.value.history == (UserMessage.of("go"),)
    assert set(stream.trace.spans["status"]) == {"interrupted"}
    assert bench.requests == []


@pytest.mark.parametrize("at", range(1, 14))
async def test_a_cancellation_at_any_moment_leaves_a_history_that_can_be_sent_and_nothing_running(
    bench: Bench, at: int
) -> None:
    shelf = Shelf(hits_of("A page."), turns=8)
    agent = bench.agent("openai-chat", ["Said."], dynamic_context=[shelf, Shelf(turns=3)])
    stream = agent.stream_prompt("go")

    async def consume() -> None:
        async for _ in stream:
            pass

    try:
        await Suspended(consume(), at)
    except asyncio.CancelledError:
        assert stream.run.stop_reason in {"cancelled", "done"}
    assert_sendable(stream.run.all_messages)
    assert Run.from_json(stream.run.to_json()) == stream.run
    await assert_nothing_left(bench.sim.port)
