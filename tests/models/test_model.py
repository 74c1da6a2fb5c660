"""The driver of model calls: what is retried, what is truncated, what is refused - the same over every wire."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest
from msgspec import structs

from agentlab.agent import Agent, RunStream
from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    InvalidHistory,
    ModelError,
    NotFound,
    ProtocolError,
    RateLimited,
    ResponseTimeout,
    ServerError,
    StreamInterrupted,
    UnsupportedCapability,
)
from agentlab.http import ManualClock, Retry
from agentlab.messages import (
    Event,
    ModelEvent,
    Notice,
    Request,
    RequestSent,
    Retrying,
    SpecificTools,
    TextDelta,
    ToolDefinition,
    TurnFinished,
    UserMessage,
)
from agentlab.models import WireModel, model
from agentlab.simulator import ErrorReply, Fault, Recorded, SimRequest, call, reply
from agentlab.tools import tool
from tests.agent.bench import VENDORS, Bench, bench_of

pytestmark = pytest.mark.anyio

TEXT = "One two three four five six seven."


@pytest.fixture(params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def bench() -> Any:
    with bench_of() as made:
        yield made


def asking(**options: Any) -> Request:
    return Request(model="", messages=(UserMessage.of("go"),), **options)


def request_of(made: WireModel, **options: Any) -> Request:
    return structs.replace(asking(**options), model=made.model_id)


async def events_of(made: WireModel, **options: Any) -> tuple[list[Event], ModelError | None]:
    """All events of a call, and the error it ended with."""
    seen: list[Event] = []
    try:
        async with aclosing(made.stream(request_of(made, **options)).events) as events:
            async for event in events:
                seen.append(event)
    except ModelError as error:
        return seen, error
    return seen, None


def of_the_answer(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, ModelEvent)]


async def count_events(bench: Bench, vendor: str, says: Any) -> int:
    """How many wire events a whole answer has."""
    bench.sim.script([says])
    await bench.model(vendor).complete(request_of(bench.model(vendor)))
    count = bench.requests[-1].events_sent
    bench.sim.requests.clear()
    return count


# ------------------------------------------------------------------ retries


async def test_a_failure_before_the_answer_is_tried_again_in_virtual_time(bench: Bench, vendor: str) -> None:
    bench.sim.faults.add(Fault("status", status=503, times=2))
    bench.sim.script([TEXT])
    events, error = await events_of(bench.model(vendor))
    assert error is None
    assert [type(event) for event in events[:5]] == [
        RequestSent,
        Retrying,
        RequestSent,
        Retrying,
        RequestSent,
    ]
    turn = events[-1]
    assert isinstance(turn, TurnFinished)
    assert (turn.retries, turn.message.text) == (2, TEXT)
    assert len(bench.clock.slept) == 2
    assert turn.timing.waited_s == pytest.approx(sum(bench.clock.slept))
    assert len({request.body for request in bench.requests}) == 1


@pytest.mark.parametrize("kind", ["fin", "rst"])
async def test_a_connection_lost_before_the_headers_is_tried_again(
    bench: Bench, vendor: str, kind: Any
) -> None:
    bench.sim.script([reply(TEXT, fault=Fault(kind, before_headers=True)), TEXT])
    events, error = await events_of(bench.model(vendor))
    assert error is None
    assert len(bench.requests) == 2
    assert isinstance(events[-1], TurnFinished)


@pytest.mark.parametrize("kind", ["fin", "rst", "truncate"])
async def test_a_call_is_tried_again_exactly_where_nothing_was_handed_out(vendor: str, kind: Any) -> None:
    with bench_of() as bench:
        total = await count_events(bench, vendor, TEXT)
        outcomes = []
        for place in range(total):
            bench.sim.requests.clear()
            bench.sim.script([reply(TEXT, fault=Fault(kind, at_event=place)), TEXT])
            events, error = await events_of(bench.model(vendor))
            said = of_the_answer(events)
            asked = len(bench.requests)
            if asked == 2:
                retried = next(index for index, event in enumerate(events) if isinstance(event, Retrying))
                assert not of_the_answer(events[:retried])
                assert error is None
            else:
                assert asked == 1
                assert said
                assert not [event for event in events if isinstance(event, Retrying)]
            if error is None:
                assert isinstance(events[-1], TurnFinished)
                assert events[-1].message.text == TEXT
            outcomes.append(asked)
        assert outcomes == sorted(outcomes, reverse=True)
        assert {1, 2} <= set(outcomes)


async def test_the_wait_a_provider_asks_for_is_kept(bench: Bench, vendor: str) -> None:
    bench.sim.faults.add(Fault("status", status=429, retry_after=7))
    bench.sim.script([TEXT])
    events, error = await events_of(bench.model(vendor))
    assert error is None
    assert 7 <= bench.clock.slept[0] <= 7 * 1.25
    (retrying,) = [event for event in events if isinstance(event, Retrying)]
    assert (retrying.attempt, retrying.status, retrying.delay_s) == (1, 429, bench.clock.slept[0])


async def test_a_wait_that_is_too_long_is_given_to_the_caller(bench: Bench, vendor: str) -> None:
    bench.sim.faults.add(Fault("status", status=429, retry_after=3600))
    _, error = await events_of(bench.model(vendor))
    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.status, error.attempts) == (3600, 429, 1)
    assert bench.clock.slept == []


async def test_attempts_and_the_total_time_are_bounded(bench: Bench, vendor: str) -> None:
    bench.sim.faults.add(Fault("status", status=503, times=99))
    _, error = await events_of(bench.model(vendor))
    assert isinstance(error, ServerError)
    assert (error.attempts, len(bench.requests)) == (4, 4)
    bench.sim.requests.clear()
    slow = bench.model(vendor, retry=Retry(attempts=50, total_s=20.0, base_s=4.0))
    _, error = await events_of(slow)
    assert isinstance(error, ServerError)
    assert sum(bench.clock.slept[3:]) <= 20.0
    assert 2 < len(bench.requests) < 50


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, AuthenticationFailed),
        (403, AuthenticationFailed),
        (404, NotFound),
        (422, BadRequest),
    ],
)
async def test_what_another_attempt_cannot_mend_is_raised_at_once(
    bench: Bench, vendor: str, status: int, kind: type
) -> None:
    bench.sim.faults.add(Fault("status", status=status, message="The reason."))
    _, error = await events_of(bench.model(vendor))
    assert isinstance(error, kind)
    assert (error.status, error.attempts) == (status, 1)  # type: ignore[union-attr]
    assert "The reason." in str(error)
    assert error.request_id  # type: ignore[union-attr]
    assert error.body  # type: ignore[union-attr]
    assert len(bench.requests) == 1


async def test_a_refused_connection_is_tried_again_and_then_raised() -> None:
    clock = ManualClock()
    dead = model("ollama:qwen3:4b", base_url="http://127.0.0.1:9", clock=clock, seed=0)
    events, error = await events_of(dead)
    assert isinstance(error, ConnectionFailed)
    assert error.attempts == 4
    assert len(clock.slept) == 3
    assert sum(isinstance(event, RequestSent) for event in events) == 4


# --------------------------------------------------------------- truncation

KINDS = ["truncate", "fin", "rst", "stall", "corrupt", "error_event"]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_breaks_off_is_never_complete_and_runs_no_tool(vendor: str, kind: Any) -> None:
    ran: list[str] = []

    @tool
    def act(word: str) -> str:
        """Act."""
        ran.append(word)
        return "done"

    said = reply(TEXT, calls=[call("act", word="a"), call("act", word="b")])
    with bench_of() as bench:
        total = await count_events(bench, vendor, said)
        # The `[DONE]` of Chat Completions says nothing that was not said before.
        last = total - (2 if vendor == "openai-chat" else 1)
        for place in sorted({1, total // 3, total // 2, total - 3, last}):
            bench.sim.requests.clear()
            broken = structs.replace(said, fault=Fault(kind, at_event=place, status=400))
            bench.sim.script([broken])
            made = bench.model(vendor, event_gap_s=0.03, retry=Retry(attempts=1))
            stream = Agent(made, tools=[act]).stream_prompt("go")
            with pytest.raises(ModelError) as caught:
                await drained(stream)
            error = caught.value
            assert not stream.trace.turns
            assert ran == []
            assert len(bench.requests) == 1
            deltas = "".join(event.text for event in stream.trace.of(TextDelta))
            assert TEXT.startswith(deltas)
            if of_the_answer([each.event for each in stream.trace.events]):
                assert isinstance(error, _expected(kind)), (place, error)
            if error.partial is not None:
                assert error.partial.interrupted
                assert error.partial.text == deltas
            else:
                assert not deltas
            assert stream.run.text == deltas
            assert error.history == stream.run.all_messages
            assert stream.run.stop_reason == "error"


async def drained(stream: RunStream) -> None:
    async for _ in stream:
        pass


def _expected(kind: str) -> type[ModelError] | tuple[type[ModelError], ...]:
    if kind == "corrupt":
        return (ProtocolError, StreamInterrupted)
    return ModelError if kind == "error_event" else StreamInterrupted


async def test_silence_before_the_first_event_is_a_timeout(bench: Bench, vendor: str) -> None:
    bench.sim.script([reply(TEXT, fault=Fault("stall", at_event=0))])
    _, error = await events_of(bench.model(vendor, event_gap_s=0.03))
    assert isinstance(error, ResponseTimeout)
    assert error.partial is None
    assert len(bench.requests) == 1


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["truncate", "fin"])
async def test_a_cut_in_the_middle_of_a_frame_is_never_complete(vendor: str, kind: Any, cut: float) -> None:
    with bench_of() as bench:
        bench.sim.script([TEXT])
        made = bench.model(vendor, retry=Retry(attempts=1))
        await made.complete(request_of(made))
        size = bench.requests[-1].bytes_sent
        bench.sim.script([reply(TEXT, fault=Fault(kind, at_byte=int(size * cut)))])
        events, error = await events_of(made)
        assert isinstance(error, StreamInterrupted | ConnectionFailed)
        assert TEXT.startswith("".join(event.text for event in events if isinstance(event, TextDelta)))


@pytest.mark.parametrize("kind", ["truncate", "fin", "rst"])
async def test_a_unary_answer_that_breaks_off_is_an_error(bench: Bench, vendor: str, kind: Any) -> None:
    bench.sim.script([reply(TEXT, fault=Fault(kind, at_byte=20))])
    _, error = await events_of(bench.model(vendor, retry=Retry(attempts=1)), stream=False)
    assert isinstance(error, StreamInterrupted | ConnectionFailed | ProtocolError)


# ----------------------------------------------------------- odd providers


async def test_a_whole_json_answer_to_a_stream_request_is_understood(bench: Bench, vendor: str) -> None:
    bench.sim.script([TEXT])
    made = bench.model(vendor)
    body = b""
    async with made.http.open(
        made.http_request(made.wire.encode(request_of(made, stream=False), made.vendor))
    ) as got:
        body = await got.read()
    bench.sim.behaviour = lambda _: Recorded((body,), headers=(("content-type", "application/json"),))
    turn = await made.complete(request_of(made))
    assert turn.message.text == TEXT
    assert turn.finish_reason == "stop"


async def test_ollama_models_without_tools_are_asked_again_without_them(bench: Bench) -> None:
    def says(request: SimRequest) -> Any:
        if request.tools:
            return ErrorReply(400, "registry.ollama.ai/library/qwen3:4b does not support tools")
        return reply(TEXT)

    bench.sim.behaviour = says
    events, error = await events_of(
        bench.model("ollama"), tools=(ToolDefinition("act"),), parallel_tool_calls=True
    )
    assert error is None
    assert [type(event) for event in events[:3]] == [RequestSent, Notice, RequestSent]
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert notice.kind == "tools_dropped"
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].message.text == TEXT
    assert bench.clock.slept == []


async def test_another_refusal_of_ollama_is_raised(bench: Bench) -> None:
    bench.sim.behaviour = lambda _: ErrorReply(400, "bad format")
    _, error = await events_of(bench.model("ollama"), tools=(ToolDefinition("act"),))
    assert isinstance(error, BadRequest)
    assert len(bench.requests) == 1


LACKING: dict[str, dict[str, Any]] = {
    "tools": {"tools": (ToolDefinition("act"),)},
    "tool_choice_required": {"tools": (ToolDefinition("act"),), "tool_choice": "required"},
    "tool_choice_specific": {"tools": (ToolDefinition("act"),), "tool_choice": SpecificTools(("act",))},
    "streaming": {"stream": True},
}


@pytest.mark.parametrize("capability", list(LACKING))
async def test_what_a_vendor_lacks_is_refused_before_any_io(
    bench: Bench, vendor: str, capability: Any
) -> None:
    made = bench.model(vendor)
    made.vendor = structs.replace(made.vendor, lacks=(capability,))
    with pytest.raises(UnsupportedCapability, match=made.name):
        await made.complete(request_of(made, **LACKING[capability]))
    assert bench.requests == []


async def test_text_without_utf8_form_is_refused_before_any_io(bench: Bench, vendor: str) -> None:
    made = bench.model(vendor)
    broken = structs.replace(request_of(made), messages=(UserMessage.of("half \ud83d"),))
    with pytest.raises(InvalidHistory, match="lone surrogate"):
        await made.complete(broken)
    assert bench.requests == []


async def test_a_key_comes_from_the_argument_then_the_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.sim.behaviour = lambda _: reply(TEXT)
    monkeypatch.setenv("OPENAI_API_KEY", bench.sim.token)
    from_environment = model("openai:gpt-5.6", base_url=bench.sim.base_url("openai"))
    assert (await from_environment.complete(request_of(from_environment))).message.text == TEXT
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    given = model("openai:gpt-5.6", base_url=bench.sim.base_url("openai"), api_key=bench.sim.token)
    assert (await given.complete(request_of(given))).message.text == TEXT
