"""Several models as one: the next is asked where it can help, and only there, and the record says who answered and why."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ModelError,
    RateLimited,
    ServerError,
    StreamInterrupted,
    UnsupportedCapability,
    UsageError,
)
from agentlab.experiments.metering import Budget, Limiters, MeteredModel
from agentlab.experiments.metering.bounds import bounding_name
from agentlab.http import ManualClock, Retry
from agentlab.messages import Image, Notice, RequestSent, TextDelta, TurnFinished, UserMessage
from agentlab.models import FallbackModel, Model, fallback
from agentlab.simulator import ErrorReply, Fault, Function, SimRequest, call, reply
from tests.agent.bench import Bench, add, bench_of
from tests.agent.stepping import assert_nothing_left

pytestmark = pytest.mark.anyio

ONCE = Retry(attempts=1)


@pytest.fixture
def bench() -> Any:
    with bench_of() as made:
        yield made


def pair(bench: Bench, first: Any, second: Any = "Claude here.", **options: Any) -> FallbackModel:
    """OpenAI, then Anthropic; each says what is given, an error or an answer."""

    def say(request: SimRequest) -> Any:
        said = first if request.vendor == "openai" else second
        return said(request) if callable(said) else said

    bench.sim.behaviour = Function(say)
    models: list[Model] = [bench.model("openai", retry=ONCE), bench.model("anthropic", retry=ONCE)]
    return FallbackModel(models, clock=bench.clock, **options)


def asked(bench: Bench) -> list[str]:
    return [request.path.split("/")[1] for request in bench.requests]


OVERLOADED = ErrorReply(529, "Overloaded")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
async def test_the_next_model_answers_where_the_first_is_overloaded(bench: Bench, status: int) -> None:
    run = await Agent(pair(bench, ErrorReply(status, "too much"))).prompt("Hi")
    assert run.text == "Claude here."
    assert asked(bench) == ["openai", "anthropic"]
    (notice,) = run.trace.of(Notice)
    assert notice.kind == "fallback"
    assert "too much" in notice.text
    assert "`anthropic:claude-sonnet-4-6` is asked instead of `openai:gpt-5.6`" in notice.text


async def test_the_record_the_price_and_the_cache_are_of_the_model_that_answered(bench: Bench) -> None:
    run = await Agent(pair(bench, OVERLOADED)).prompt("Hi")
    alone = await Agent(bench.model("anthropic")).prompt("Hi")
    assert run.turns["provider"].tolist() == ["anthropic"]
    assert run.turns["model"].tolist() == ["claude-sonnet-4-6"]
    assert run.usage.input_tokens == alone.usage.input_tokens
    assert run.cost_usd == alone.cost_usd
    (recorded,) = run.trace.calls
    assert (recorded.vendor, recorded.model) == ("anthropic", "claude-sonnet-4-6")
    assert recorded.wire == "anthropic-messages"
    assert [sent.model for sent in run.trace.of(RequestSent)] == ["", "anthropic:claude-sonnet-4-6"]
    (turn,) = run.trace.turns
    assert turn.model == "anthropic:claude-sonnet-4-6"


async def test_where_the_first_answers_nothing_tells_of_the_second(bench: Bench) -> None:
    run = await Agent(pair(bench, "GPT here.")).prompt("Hi")
    assert (run.text, asked(bench)) == ("GPT here.", ["openai"])
    assert run.turns["provider"].tolist() == ["openai"]
    assert list(run.trace.of(Notice)) == []
    assert [turn.model for turn in run.trace.turns] == [""]


@pytest.mark.parametrize(
    ("status", "kind"), [(400, BadRequest), (401, AuthenticationFailed), (404, BadRequest), (422, BadRequest)]
)
async def test_a_refused_request_or_key_is_not_sent_elsewhere(
    bench: Bench, status: int, kind: type[ModelError]
) -> None:
    with pytest.raises(kind):
        await Agent(pair(bench, ErrorReply(status, "no"))).prompt("Hi")
    assert asked(bench) == ["openai"]


async def test_which_errors_help_can_be_chosen(bench: Bench) -> None:
    model = pair(bench, ErrorReply(404, "retired"), on=lambda error: isinstance(error, BadRequest))
    assert (await Agent(model).prompt("Hi")).text == "Claude here."


async def test_an_answer_that_had_begun_is_not_begun_again_by_another(bench: Bench) -> None:
    said = reply("One two three four five six.", fault=Fault("fin", at_event=8))
    with pytest.raises(StreamInterrupted) as caught:
        await Agent(pair(bench, said)).prompt("Hi")
    assert asked(bench) == ["openai"]
    assert caught.value.partial is not None
    assert caught.value.partial.text.startswith("One")


@pytest.mark.parametrize("kind", ["fin", "rst"])
async def test_a_connection_that_broke_before_anything_was_shown_falls_back(bench: Bench, kind: Any) -> None:
    said = reply("One two three.", fault=Fault(kind, before_headers=True))
    run = await Agent(pair(bench, said)).prompt("Hi")
    assert run.text == "Claude here."
    assert "".join(delta.text for delta in run.trace.of(TextDelta)) == "Claude here."


async def test_no_connection_falls_back(bench: Bench) -> None:
    model = pair(bench, "never asked")
    model.models[0].base_url = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    assert (await Agent(model).prompt("Hi")).text == "Claude here."


async def test_a_model_retries_itself_before_it_is_given_up(bench: Bench) -> None:
    model = pair(bench, OVERLOADED)
    model.models[0].retry = Retry(attempts=3)  # type: ignore[attr-defined]
    await Agent(model).prompt("Hi")
    assert asked(bench) == ["openai"] * 3 + ["anthropic"]


async def test_where_none_answers_the_error_tells_of_all(bench: Bench) -> None:
    with pytest.raises(RateLimited) as caught:
        await Agent(pair(bench, OVERLOADED, ErrorReply(429, "slow down"))).prompt("Hi")
    assert "slow down" in str(caught.value)
    assert "Overloaded" in str(caught.value)
    assert caught.value.history


async def test_a_conversation_stays_with_the_model_that_answered_until_the_pause_is_over(
    bench: Bench,
) -> None:
    clock = ManualClock()
    model = pair(bench, OVERLOADED, lambda _: reply("Claude."), cooldown_s=30)
    model._clock = clock
    agent = Agent(model)
    await agent.prompt("1")
    await agent.prompt("2")
    assert asked(bench) == ["openai", "anthropic", "anthropic"]
    clock.advance(31) if hasattr(clock, "advance") else await clock.sleep(31)
    await agent.prompt("3")
    assert asked(bench)[3:] == ["openai", "anthropic"]


async def test_what_a_provider_asks_to_wait_is_waited(bench: Bench) -> None:
    model = pair(bench, ErrorReply(429, "later", retry_after=300.0), lambda _: reply("Claude."))
    await Agent(model).prompt("1")
    await bench.clock.sleep(200)
    await Agent(model).prompt("2")
    assert asked(bench) == ["openai", "anthropic", "anthropic"]


async def test_a_run_with_tools_goes_on_at_the_other_model_and_says_why_its_cache_missed(
    bench: Bench,
) -> None:
    turns = iter([reply("Let me.", calls=[call("add", a=1, b=2)]), OVERLOADED])
    run = await Agent(pair(bench, lambda _: next(turns), "It is three."), tools=[add]).prompt("1 + 2?")
    assert run.text == "It is three."
    assert run.turns["provider"].tolist() == ["openai", "anthropic"]
    assert bench.refused == ["Overloaded"]
    kinds = [notice.kind for notice in run.trace.of(Notice)]
    assert kinds == ["fallback", "prefix_moved"]
    assert run.trace.explain()[0].place == "provider"
    spans = run.trace.spans
    failed = spans[(spans["turn"] == 2) & (spans["kind"] == "attempt")]
    assert failed["status"].tolist() == ["failed"]
    await assert_nothing_left(bench.sim.port)


async def test_it_can_what_all_can_and_a_model_that_cannot_is_passed_over(bench: Bench) -> None:
    class Blind:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def supports(self, capability: str) -> bool:
            return capability != "images"

        def stream(self, request: Any) -> Any:
            raise UnsupportedCapability("`blind` cannot take images")

    whole = pair(bench, "GPT here.")
    assert whole.supports("images")
    seeing, other = whole.models
    model = FallbackModel([Blind(other), seeing])
    assert not model.supports("images")
    assert model.supports("tools")
    picture = UserMessage.of("What is this?", Image.from_url("https://example.org/cat.png"))
    run = await Agent(model).prompt(picture)
    assert run.text == "GPT here."
    assert run.turns["provider"].tolist() == ["openai"]


async def test_a_fallback_can_be_metered_and_pays_the_price_of_who_answered(bench: Bench) -> None:
    budget = Budget(1.0)
    inner = pair(bench, OVERLOADED)
    limiter = Limiters(2, clock=bench.clock).of(inner.models[0])
    model = MeteredModel(inner, limiter=limiter, budget=budget, clock=bench.clock, patience_s=0)
    dear, cheap = inner.models
    assert bounding_name(FallbackModel([cheap, dear])) == bounding_name(inner) == dear.name
    assert bounding_name(cheap) == cheap.name
    run = await Agent(model, max_tokens=50).prompt("Hi")
    assert run.cost_usd == pytest.approx(budget.spent_usd)


@pytest.mark.parametrize("names", [[], ["sim:openai/gpt-5.6"], ["sim:openai/gpt-5.6"] * 2])
def test_fewer_than_two_different_models_are_refused(names: list[str]) -> None:
    with pytest.raises(UsageError, match="two models or more"):
        fallback(*names)


async def test_models_are_taken_by_name(bench: Bench) -> None:
    model = fallback("sim:openai/gpt-5.6", bench.model("anthropic"))
    assert repr(model) == "FallbackModel('sim:openai/gpt-5.6', 'anthropic:claude-sonnet-4-6')"
    assert (model.name, model.model_id) == ("sim:openai/gpt-5.6", "gpt-5.6")
    same = model.with_models(lambda each: each)
    assert same.models == model.models
    assert {"model", "place"} <= set(TurnFinished.__struct_fields__)
    assert issubclass(ServerError, ModelError)
