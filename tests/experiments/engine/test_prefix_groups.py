"""Cells that share a prefix wait for the first of them, and never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentlab as al
from agentlab.errors import ServerError
from agentlab.experiments.engine.schedule import lanes
from agentlab.experiments.sweep import sweep
from agentlab.experiments.sweep_plan import Plan
from agentlab.messages import AssistantMessage, Event, Request, TextDelta, TurnFinished, Usage
from agentlab.models import ModelStream
from tests.experiments.simulated import GUIDE

ENDINGS = ["answers", "fails at once", "fails midway", "says nothing"]


class Acting:
    """A model that ends each of its calls as it is told to; it notes who began before whose first token."""

    name = "openai-chat:gpt-4o"
    model_id = "gpt-4o"

    def __init__(self, endings: list[str]) -> None:
        self._endings = endings
        self.begun: list[str] = []
        self.answered: list[str] = []
        self.most_at_once = 0

    def stream(self, request: Request) -> ModelStream:
        return ModelStream(self._events(request), lambda: None, lambda: ())

    def session(self) -> AbstractAsyncContextManager[object]:
        return _session()

    def supports(self, _capability: str) -> bool:
        return True

    async def _events(self, request: Request) -> AsyncGenerator[Event, None]:
        ending = self._endings[len(self.begun) % len(self._endings)]
        self.begun.append(request.preamble or "")
        self.most_at_once = max(self.most_at_once, len(self.begun) - len(self.answered))
        try:
            await asyncio.sleep(0)
            if ending == "fails at once":
                raise ServerError("It failed.")
            if ending != "says nothing":
                yield TextDelta("1")
            await asyncio.sleep(0)
            if ending == "fails midway":
                raise ServerError("It broke.")
            yield TurnFinished(
                message=AssistantMessage.of("1"),
                usage=Usage(input_tokens=5000, output_tokens=1),
                finish_reason="stop",
            )
        finally:
            self.answered.append(request.preamble or "")


def _session() -> AbstractAsyncContextManager[object]:
    class Session(nullcontext[None]):
        pass

    return Session()


def plan_for(model: Acting, *, arms: int, samples: int, repeats: int, concurrency: int) -> Plan:
    return sweep(
        al.Agent(model),
        over={"preamble": {str(arm): f"{GUIDE}\n{arm}" for arm in range(arms)}},
        data=[{"sample_id": str(number), "input": f"{number}?"} for number in range(samples)],
        repeats=repeats,
        concurrency=concurrency,
        progress=False,
    )


@settings(max_examples=10)
@given(
    arms=st.integers(1, 4),
    samples=st.integers(1, 4),
    repeats=st.integers(1, 3),
    concurrency=st.integers(1, 8),
    endings=st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=7),
)
def test_every_cell_ends_however_the_leaders_of_its_groups_do(
    arms: int, samples: int, repeats: int, concurrency: int, endings: list[str]
) -> None:
    model = Acting(endings)
    plan = plan_for(model, arms=arms, samples=samples, repeats=repeats, concurrency=concurrency)

    async def run() -> int:
        return len(await asyncio.wait_for(plan.run(), 30))

    assert asyncio.run(run()) == arms * samples * repeats
    assert model.most_at_once <= concurrency


@pytest.mark.anyio
async def test_the_others_of_a_group_begin_after_the_first_one_s_first_token() -> None:
    model = Acting(["answers"])
    plan = plan_for(model, arms=1, samples=6, repeats=1, concurrency=6)
    seen: list[int] = []
    original = model._events

    async def events(request: Request) -> AsyncGenerator[Event, None]:
        seen.append(len(model.answered))
        async for event in original(request):
            yield event

    model._events = events  # type: ignore[method-assign]
    await plan.run()
    assert len(seen) == 6
    assert model.begun[0] == model.begun[1]


@pytest.mark.anyio
async def test_a_sweep_cancelled_while_its_leader_waits_can_be_run_again() -> None:
    model = Acting(["answers"])
    plan = plan_for(model, arms=2, samples=3, repeats=1, concurrency=3)
    running = asyncio.create_task(plan.run())
    while not model.begun:  # noqa: ASYNC110 - what is waited for is not asked to say so
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(await asyncio.wait_for(plan.run(), 30)) == 6


def test_only_the_first_cell_of_a_prefix_that_can_be_read_leads() -> None:
    plan = plan_for(Acting(["answers"]), arms=2, samples=3, repeats=2, concurrency=4)
    (lane,) = lanes(plan.cells, plan._prefixes, cache="natural")
    assert [each.leads for each in lane.cells] == [True, *[False] * 5] * 2
    assert len({each.group for each in lane.cells}) == 2
    (alone,) = lanes(plan.cells, plan._prefixes, cache="off")
    assert {each.group for each in alone.cells} == {None}


def test_controlled_runs_alternate_the_direction_of_their_arms() -> None:
    plan = plan_for(Acting(["answers"]), arms=3, samples=2, repeats=2, concurrency=4)
    (lane,) = lanes(plan.cells, plan._prefixes, cache="controlled")
    labels = "".join(each.cell.arm.levels["preamble"] for each in lane.cells)
    assert labels == "012210" * 2
    assert len({each.group for each in lane.cells}) == 6  # one for each arm and repeat
