"""The wrapper: the inner model's events unchanged, and slot and money given back on every way out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.agent import Agent
from agentlab.caching import turn_cost
from agentlab.errors import (
    AgentlabError,
    BudgetSpent,
    ConnectionFailed,
    RateLimited,
    ResponseTimeout,
    ServerError,
    StreamInterrupted,
    SweepStopped,
    UsageError,
)
from agentlab.experiments.metering import Budget, CallMeter, Limiters, MeteredModel, StopSignal
from agentlab.messages import (
    AssistantMessage,
    Event,
    Request,
    RequestSent,
    Retrying,
    Text,
    TextDelta,
    TurnFinished,
    Usage,
    UserMessage,
)
from agentlab.models import Model, ModelStream
from agentlab.simulator import Fault, Latency, RateLimit, reply
from tests.experiments.metering.in_process import InProcess
from tests.experiments.metering.virtual_time import LoopClock, run_virtually

NAME = "openai-chat:gpt-4"
WAIT = "wait"  # a step of a told story that is a suspension and no event
TURN = TurnFinished(AssistantMessage((Text("so"),)), Usage(input_tokens=5, output_tokens=7))
SENT, AGAIN = RequestSent("openai-chat", "url", "{}", 1), RequestSent("openai-chat", "url", "{}", 2)


class Told:
    """A model that tells a story: events, waits and at last, perhaps, an error."""

    def __init__(self, *story: Event | str | AgentlabError, name: str = NAME) -> None:
        self.story = story
        self.name = name
        self.model_id = name.partition(":")[2]
        self.closed = 0
        self.told = 0

    async def _events(self) -> AsyncGenerator[Event, None]:
        try:
            for step in self.story:
                if isinstance(step, AgentlabError):
                    raise step
                if isinstance(step, str):
                    await asyncio.sleep(1.0)
                else:
                    self.told += 1
                    yield step
        finally:
            await asyncio.sleep(0)  # closing a connection takes a turn of the loop
            self.closed += 1

    def stream(self, request: Request) -> ModelStream:
        return ModelStream(self._events(), lambda: AssistantMessage((Text("so far"),)), lambda: (b"piece",))

    def session(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    def supports(self, capability: str) -> bool:
        return capability == "tools"


class Desk:
    """One metered model with everything it needs."""

    def __init__(self, inner: Any, *, limit_usd: float | None = 100.0, concurrency: int = 4) -> None:
        self.meters: list[CallMeter] = []
        self.clock = LoopClock()
        self.stop = StopSignal()
        self.limiters = Limiters(concurrency, clock=self.clock)
        self.budget = None if limit_usd is None else Budget(limit_usd)
        self.model = MeteredModel(
            inner,
            limiter=self.limiters.of(inner),
            budget=self.budget,
            stop=self.stop,
            clock=self.clock,
            on_call=self.meters.append,
        )

    async def ask(self, **options: Any) -> list[Event]:
        options = {"max_tokens": 100, **options}
        seen: list[Event] = []
        async with aclosing(self.model.stream(asking(**options)).events) as events:
            async for event in events:
                seen.append(event)
        return seen

    def is_balanced(self) -> bool:
        money = self.budget is None or (self.budget.reserved_usd == 0 and self.budget.in_flight == 0)
        return money and self.limiters.in_flight == 0 and self.limiters._timer is None


def asking(**options: Any) -> Request:
    return Request(model="gpt-4", messages=(UserMessage.of("go"),), **options)


def on(make: Callable[[], Any]) -> Any:
    """Run a coroutine function in virtual time."""
    return run_virtually(make())


def test_it_is_a_model_and_says_of_the_inner_one_what_that_says() -> None:
    async def main() -> None:
        desk = Desk(Told(SENT, TextDelta("so"), TURN))
        model = desk.model
        assert isinstance(model, Model)
        assert (model.name, model.model_id) == (NAME, "gpt-4")
        assert (model.supports("tools"), model.supports("images")) == (True, False)
        stream = model.stream(asking(max_tokens=5))
        assert stream.prefix_pieces() == (b"piece",)
        assert stream.partial() == AssistantMessage((Text("so far"),))
        assert [event async for event in stream.events] == [SENT, TextDelta("so"), TURN]

    on(main)


def test_a_call_is_booked_at_its_price_and_metered() -> None:
    async def main() -> None:
        desk = Desk(Told(SENT, WAIT, TextDelta("so"), TURN))
        await desk.ask()
        assert desk.budget is not None
        price = turn_cost("openai-chat", "gpt-4", TURN.usage).total_usd
        assert desk.budget.spent_usd == pytest.approx(price)
        (meter,) = desk.meters
        assert (meter.model, meter.n_429, meter.is_estimate, meter.queue_s) == (NAME, 0, False, 0)
        assert meter.cost_usd == pytest.approx(price)
        assert meter.reserved_usd > price
        assert desk.is_balanced()

    on(main)


STORIES = [
    (SENT, WAIT, TextDelta("so"), WAIT, TURN),
    (SENT, WAIT, Retrying(1, 1.0, "many", 429, None, 5.0), WAIT, AGAIN, WAIT, TextDelta("so"), TURN),
    (SENT, Retrying(1, 1.0, "broke", None, "connection_broken"), WAIT, AGAIN, TextDelta("so"), WAIT, TURN),
    (SENT, Retrying(1, 1.0, "no way", None, "connect"), AGAIN, ConnectionFailed("no way", code="connect")),
    (SENT, WAIT, RateLimited("many", status=429, retry_after=90.0)),
    (SENT, WAIT, TextDelta("so"), WAIT, StreamInterrupted("cut")),
    (SENT, TextDelta("so"), ServerError("overloaded", status=529)),
]


@settings(max_examples=40)
@given(st.sampled_from(STORIES), st.integers(0, 40), st.sampled_from(["cancel", "close"]), st.booleans())
def test_at_every_suspension_point_a_call_can_end_and_nothing_leaks(
    story: tuple[Any, ...], point: int, way: str, queued: bool
) -> None:
    async def main() -> None:
        desk = Desk(Told(*story), limit_usd=0.1, concurrency=1)
        before = await desk.limiters.of(desk.model.inner).acquire() if queued else None
        stream = desk.model.stream(asking(max_tokens=100))

        async def read() -> None:
            with suppress(AgentlabError):
                count = 0
                async with aclosing(stream.events) as events:
                    async for _ in events:
                        count += 1
                        if way == "close" and count > point:
                            return

        task = asyncio.create_task(read())
        for _ in range(point if way == "cancel" else 0):
            await asyncio.sleep(0.25)
        if before is not None:
            before.release()
        if way == "cancel":
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert desk.is_balanced()
        assert len(desk.meters) <= 1
        assert desk.budget is not None
        assert desk.budget.spent_usd == pytest.approx(sum(meter.cost_usd for meter in desk.meters))

    on(main)


@pytest.mark.parametrize(
    ("story", "charged"),
    [
        ((SENT, ConnectionFailed("no way", code="connect")), False),
        ((SENT, ResponseTimeout("no way", code="connect_timeout")), False),
        ((SENT, RateLimited("many", status=429)), False),
        ((SENT, ServerError("fell", status=500)), False),
        ((SENT, ResponseTimeout("silent", code="read_timeout")), True),
        ((SENT, ConnectionFailed("broke", code="connection_broken")), True),
        ((SENT, TextDelta("so"), ServerError("fell", status=529)), True),
        ((SENT, TextDelta("so"), StreamInterrupted("cut")), True),
        (
            (SENT, Retrying(1, 1.0, "x", None, "connection_broken"), AGAIN, ServerError("fell", status=500)),
            True,
        ),
        ((SENT, Retrying(1, 1.0, "x", None, "connect"), AGAIN, ServerError("fell", status=500)), False),
        ((SENT, Retrying(1, 1.0, "x", 500), AGAIN, ServerError("fell", status=500)), False),
    ],
)
def test_a_call_without_a_bill_is_charged_as_an_estimate_only_where_it_may_have_been_billed(
    story: tuple[Any, ...], charged: bool
) -> None:
    async def main() -> None:
        desk = Desk(Told(*story))
        with pytest.raises(AgentlabError):
            await desk.ask()
        (meter,) = desk.meters
        assert meter.is_estimate == charged
        assert meter.cost_usd == (
            meter.reserved_usd if charged and len(story) < 4 else pytest.approx(meter.cost_usd)
        )
        assert (meter.cost_usd > 0) == charged
        assert desk.is_balanced()

    on(main)


def test_a_lost_attempt_and_the_one_that_answers_are_both_paid() -> None:
    async def main() -> None:
        lost = Retrying(1, 1.0, "broke", None, "connection_broken")
        once, twice = Desk(Told(SENT, TURN)), Desk(Told(SENT, lost, AGAIN, TURN))
        await once.ask()
        await twice.ask()
        assert twice.meters[0].reserved_usd == pytest.approx(2 * once.meters[0].reserved_usd)
        expected = once.meters[0].reserved_usd + once.meters[0].cost_usd
        assert twice.meters[0].cost_usd == pytest.approx(expected)
        assert twice.meters[0].is_estimate

    on(main)


def test_a_call_that_was_refused_waits_with_the_others_and_comes_first() -> None:
    async def main() -> None:
        answer = reply("yes", latency=Latency(first_token_s=0.5, tokens_per_s=1000))
        sim = InProcess(lambda _: answer, rate_limit=RateLimit(1, burst=2, retry_after="exact"))
        desk = Desk(sim.model(NAME), concurrency=8)
        ended: list[int] = []

        async def one(place: int) -> None:
            await desk.ask()
            ended.append(place)

        await asyncio.gather(*(one(place) for place in range(12)))
        starts = [entry.at_s for entry in sim.log]
        assert sum(entry.status == 429 for entry in sim.log) == sum(meter.n_429 for meter in desk.meters)
        assert max(ended.index(place) - place for place in range(12)) <= 8
        assert len(starts) <= 3 * 12  # unwrapped, each of the twelve would ask four times and most would fail
        assert max(starts) <= 13
        assert desk.meters[-1].queue_s > 1
        assert desk.is_balanced()

    on(main)


def test_an_answer_the_budget_has_no_room_for_is_cut_and_what_had_arrived_is_kept() -> None:
    async def main() -> None:
        said = "word " * 5000
        sim = InProcess(lambda _: reply(said, latency=Latency(first_token_s=0.1, tokens_per_s=100)))
        desk = Desk(sim.model(NAME), limit_usd=0.30)
        agent = Agent(desk.model)
        stream = agent.stream_prompt("Tell me everything.")
        with pytest.raises(BudgetSpent, match="the answer was cut") as caught:
            async for _ in stream:
                pass
        assert caught.value.partial is not None
        assert caught.value.partial.text.startswith("word word word")
        assert 1000 < len(stream.run.text.split()) < 5000
        assert stream.run.stop_reason == "stopped"
        assert stream.run.detail == "the budget is spent"
        assert sim.log[0].disconnected
        assert sim.billed_usd() <= 0.30
        assert desk.meters[0].is_estimate
        assert desk.is_balanced()

    on(main)


def test_a_model_that_hides_its_reasoning_is_bounded_by_what_its_bills_have_shown() -> None:
    async def main() -> None:
        usage = Usage(input_tokens=5, output_tokens=50_000, reasoning_tokens=49_993)
        desk = Desk(Told(SENT, TextDelta("so"), TurnFinished(TURN.message, usage)))
        await desk.ask(max_tokens=None)
        await desk.ask(max_tokens=None)
        first, second = desk.meters
        assert first.reserved_usd < first.cost_usd
        assert second.reserved_usd > second.cost_usd

    on(main)


def test_after_a_stop_no_request_leaves_and_an_answer_on_its_way_comes_to_its_end() -> None:
    async def main() -> None:
        sim = InProcess(lambda _: reply("yes " * 20, latency=Latency(first_token_s=1.0, tokens_per_s=10)))
        desk = Desk(sim.model(NAME), concurrency=2)
        tasks = [asyncio.create_task(desk.ask()) for _ in range(6)]
        await asyncio.sleep(0.5)
        desk.stop.set("stopped by the user")
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(result, SweepStopped) for result in results] == [False] * 2 + [True] * 4
        assert len(sim.log) == 2
        assert desk.is_balanced()

    on(main)


def test_after_a_stop_a_refused_request_is_not_sent_again() -> None:
    async def main() -> None:
        sim = InProcess(lambda _: reply("yes"))
        sim.faults.add(Fault("status", status=429, retry_after=10.0))
        desk = Desk(sim.model(NAME))
        task = asyncio.create_task(desk.ask())
        await asyncio.sleep(1.0)
        desk.stop.set()
        with pytest.raises(SweepStopped):
            await task
        assert len(sim.log) == 1
        assert desk.budget is not None
        assert desk.budget.spent_usd == 0
        assert desk.is_balanced()

    on(main)


def test_a_model_without_a_price_is_refused_under_a_budget_unless_that_is_allowed() -> None:
    async def main() -> None:
        unpriced = Told(SENT, TURN, name="ollama:qwen3:4b")
        limiter = Limiters().of(unpriced)
        with pytest.raises(
            UsageError, match=r"cannot hold `ollama:qwen3:4b`: .*no price.*allow_unpriced=True"
        ):
            MeteredModel(unpriced, limiter=limiter, budget=Budget(1.0))
        allowed = MeteredModel(unpriced, limiter=limiter, budget=Budget(1.0), allow_unpriced=True)
        assert [event async for event in allowed.stream(asking()).events] == [SENT, TURN]
        MeteredModel(unpriced, limiter=limiter)

    on(main)


def test_an_answer_that_nothing_bounds_is_refused_under_a_budget_before_it_is_sent() -> None:
    async def main() -> None:
        desk = Desk(Told(SENT, TURN))
        with pytest.raises(UsageError, match="a budget needs `max_tokens`"):
            await desk.ask(max_tokens=None, stream=False)
        assert desk.model.inner.told == 0  # type: ignore[attr-defined]
        assert desk.is_balanced()
        await desk.ask(max_tokens=None, stream=False, additional_params={"max_completion_tokens": 50})

    on(main)
