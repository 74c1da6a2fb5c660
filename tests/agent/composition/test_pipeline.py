"""Pipelines take a value through their steps, in a row and beside each other, and leave one record of the agents asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from agentlab.agent.composition.outcome import Err, Ok
from agentlab.agent.composition.pipeline import Pipeline, passthrough, pipeline
from agentlab.agent.current_run import current_run
from agentlab.errors import ModelError, UsageError
from agentlab.messages import RunFinished
from agentlab.retrieval.documents import Document
from agentlab.retrieval.index import Hit
from agentlab.retrieval.lexical import LexicalIndex
from agentlab.simulator import ErrorReply, reply
from agentlab.tools import tool
from tests.agent.bench import Bench
from tests.agent.composition.asking import asks, cast, one_of
from tests.agent.stepping import assert_nothing_left

pytestmark = pytest.mark.anyio


async def doubled(n: int) -> int:
    await checkpoint()
    return 2 * n


def whole(text: str) -> int:
    return int(text)


@given(st.lists(st.sampled_from(["map", "then", "chain"]), max_size=6), st.integers(-9, 9))
def test_steps_run_in_their_order_and_a_pipeline_never_changes(steps: list[str], n: int) -> None:
    made, expected = pipeline(int), n
    for place, step in enumerate(steps):
        before = repr(made)
        if step == "map":
            longer, expected = made.map(partial(add, place)), expected + place
        elif step == "then":
            longer, expected = made.then(doubled), 2 * expected
        else:
            longer, expected = (
                made.chain(pipeline(int).map(lambda v: v - 1).then(doubled)),
                2 * (expected - 1),
            )
        assert repr(made) == before
        made = longer
    assert asyncio.run(made.call(n)) == expected


async def test_parallel_gives_all_results_in_order_at_the_same_time() -> None:
    gate = asyncio.Event()

    async def waits(n: int) -> str:
        await gate.wait()
        return f"waited {n}"

    async def opens(n: int) -> int:
        gate.set()
        return n + 1

    pipe = pipeline(int).parallel(waits, opens, passthrough(int), lambda n: n * 10)
    assert await pipe.call(4) == ("waited 4", 5, 4, 40)


async def test_the_first_that_fails_ends_those_beside_it() -> None:
    ended: list[str] = []

    async def slow(_: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")

    async def fails(_: int) -> None:
        await checkpoint()
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        await pipeline(int).parallel(slow, fails).call(1)
    assert ended == ["slow"]


async def test_a_branch_is_chosen_by_its_key() -> None:
    pipe = pipeline(int).conditional(
        lambda n: "even" if n % 2 == 0 else "odd",
        {"even": pipeline(int).then(doubled), "odd": pipeline(int).map(lambda n: -n)},
    )
    assert await pipe.batch([1, 2, 3, 4]) == [-1, 4, -3, 8]
    with pytest.raises(UsageError, match="no branch is for 7"):
        await pipeline(int).conditional(lambda n: n, {1: passthrough(int)}).call(7)
    other = pipeline(int).conditional(lambda n: n, {1: lambda _: "one"}, otherwise=lambda n: f"not one: {n}")
    assert await other.batch([1, 2]) == ["one", "not one: 2"]


# ----------------------------------------------------------- errors as values


async def test_errors_become_values_and_are_led_on_or_mended() -> None:
    def halved(n: int) -> Ok[int] | Err[Exception]:
        return Ok(n // 2) if n % 2 == 0 else Err(ArithmeticError(f"{n} is odd"))

    pipe = (
        pipeline(str)
        .try_map(whole)
        .map_ok(lambda n: n + 1)
        .and_then(halved)
        .map_err(lambda error: type(error).__name__)
    )
    values = await pipe.batch(["3", "4", "x"])
    assert values == [Ok(2), Err("ArithmeticError"), Err("ValueError")]
    mended = pipe.or_else(lambda name: Ok(0) if name == "ValueError" else Err(name))
    assert await mended.batch(["3", "4", "x"]) == [Ok(2), Err("ArithmeticError"), Ok(0)]


async def test_an_outcome_is_unwrapped_or_raised() -> None:
    assert Ok(3).unwrap() == 3
    with pytest.raises(KeyError):
        Err(KeyError("k")).unwrap()
    with pytest.raises(ValueError, match="told"):
        Err("told").unwrap()
    with pytest.raises(UsageError, match="an `Ok` or an `Err` is needed"):
        await pipeline().map_ok(lambda n: n).call(3)


async def test_try_call_and_try_batch_give_errors_as_values_and_let_cancellation_pass() -> None:
    pipe = pipeline(str).map(whole)
    one, two = await pipe.try_batch(["1", "x"])
    assert one == Ok(1)
    assert isinstance(two, Err)
    assert isinstance(two.error, ValueError)
    assert await pipe.try_call("7") == Ok(7)

    async def endless(_: str) -> None:
        await asyncio.Event().wait()

    hanging = pipeline(str).then(endless)
    for work in (hanging.try_call("x"), pipeline(str).try_map(hanging).call("x")):
        task = asyncio.ensure_future(work)
        await checkpoint()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# -------------------------------------------------------------------- batches


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_batch_keeps_its_order_and_its_limit(concurrency: int) -> None:
    running = most = 0

    async def step(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(9 - n):
            await checkpoint()
        running -= 1
        return n * n

    assert await pipeline(int).then(step).batch(range(8), concurrency) == [n * n for n in range(8)]
    assert most == concurrency
    inner = pipeline(int).map(lambda n: list(range(n))).batch_call(pipeline(int).then(step), concurrency)
    assert await inner.call(4) == [0, 1, 4, 9]
    assert await inner.call(0) == []
    with pytest.raises(UsageError, match="1 or more"):
        await pipeline(int).batch([1], 0)


async def test_an_error_in_a_batch_starts_nothing_more() -> None:
    begun: list[int] = []

    async def step(n: int) -> int:
        begun.append(n)
        await checkpoint()
        if n == 1:
            raise ValueError(n)
        return n

    with pytest.raises(ValueError, match="1"):
        await pipeline(int).then(step).batch(range(100), 2)
    assert len(begun) < 6


# ------------------------------------------------------- agents and indexes


async def test_lookup_prompt_and_extract_put_a_retrieval_together(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Answer:
        words: int

    class Counting:
        async def extract(self, text: str) -> Answer:
            return Answer(len(text.split()))

    index = LexicalIndex()
    await index.insert([Document("a", "Ada wrote the first program."), Document("b", "Bees make honey.")])
    cast(bench, writer=lambda request: reply(f"You said: {request.messages[-1].text}"))  # type: ignore[union-attr]

    def lay_out(given: tuple[str, list[Hit]]) -> str:
        question, hits = given
        return f"{question} [{'; '.join(hit.document for hit in hits)}]"

    ask = (
        pipeline(str)
        .parallel(passthrough(str), pipeline(str).lookup(index, 1))
        .map(lay_out)
        .prompt(one_of(bench, "writer"))
    )
    run = await ask.run("Who wrote the program?")
    assert run.value == "You said: Who wrote the program? [Ada wrote the first program.]"
    assert await ask.extract(Counting()).call("Who wrote the program?") == Answer(11)
    assert repr(ask) == "Pipeline(parallel > map > prompt writer)"


async def test_a_call_is_one_tree_with_all_its_agents(bench: Bench) -> None:
    cast(
        bench,
        first=lambda _: reply("one"),
        left=lambda _: reply("left"),
        right=asks("helper", {"prompt": "?"}, then="right, "),
        helper=lambda _: reply("helped"),
    )
    right = one_of(bench, "right", tools=[one_of(bench, "helper").as_tool()])
    sides = pipeline(str).parallel(pipeline(str).prompt(one_of(bench, "left")), pipeline(str).prompt(right))
    run = await pipeline(str).prompt(one_of(bench, "first")).chain(sides).run("go")
    assert run.value == ("left", "right, helped")
    tree = run.trace.tree
    assert sorted(zip(tree["depth"], tree["agent"], strict=True)) == [
        (0, "pipeline"),
        (1, "first"),
        (1, "pipeline"),
        (2, "pipeline"),
        (2, "pipeline"),
        (3, "left"),
        (3, "right"),
        (4, "helper"),
    ]
    assert tree["turns"].sum() == len(bench.requests) == 5
    assert run.trace.total_usage.input_tokens == tree["input_tokens"].sum()
    assert run.trace.usage.input_tokens is None
    assert current_run() is None


async def test_a_pipeline_in_a_tool_is_part_of_its_run(bench: Bench) -> None:
    cast(bench, parent=asks("work", {}), child=lambda _: reply("done"))
    pipe = pipeline(str).prompt(one_of(bench, "child"))

    @tool
    async def work() -> str:
        """Work."""
        return await pipe.call("go")

    run = await one_of(bench, "parent", tools=[work]).prompt("go")
    assert run.trace.tree["agent"].tolist() == ["parent", "pipeline", "child"]


async def test_a_failed_step_says_which_and_leaves_nothing(bench: Bench) -> None:
    cast(bench, broken=lambda _: ErrorReply(400, "no"))
    seen: list[Any] = []
    agent = one_of(bench, "broken")

    async def note(text: str) -> str:
        seen.append(current_run())
        return text

    with pytest.raises(ModelError):
        await pipeline(str).then(note).prompt(agent).run("go")
    (scope,) = seen
    ended = next(scope.trace.of(RunFinished))
    assert ended.stop_reason == "error"
    assert ended.detail.startswith("prompt broken: BadRequest")
    assert scope.trace.tree["stop_reason"].tolist() == ["error", "error"]
    await assert_nothing_left(bench.sim.port)


def test_without_await_and_without_steps() -> None:
    assert pipeline(int).then(doubled).call_sync(4) == 8
    assert pipeline(int).then(doubled).batch_sync([1, 2], 2) == [2, 4]
    assert passthrough(str).call_sync("x") == "x"
    assert repr(Pipeline[int, int]()) == "Pipeline(passthrough)"
    with pytest.raises(UsageError, match="a step is a function or a pipeline"):
        pipeline(int).parallel(3)  # type: ignore[call-overload]
