"""`Batch` against the simulated interfaces: outcomes, prices, progress, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    RateLimited,
    ResponseTimeout,
    UnsupportedCapability,
    UsageError,
)
from agentlab.experiments.batch import Batch, BatchCall, BatchStatus, JsonFileLedger, openai
from agentlab.experiments.batch.ledger import Records
from agentlab.messages import CacheOptions, ToolDefinition, TurnFinished
from agentlab.models.registry import model
from agentlab.simulator import BatchPace, ErrorReply, Fault, SimRequest, Simulator, Turn, call, reply
from agentlab.simulator.behaviours import Function
from tests.experiments.batch.conftest import VENDORS, SharedClock, asking, calls_of, made, model_of

pytestmark = pytest.mark.anyio
each_vendor = pytest.mark.parametrize("vendor", list(VENDORS))


@each_vendor
async def test_a_call_gets_what_it_would_have_got_alone_at_half_the_price(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    asked = model_of(sim, vendor, clock)
    request = asking("What is 12 + 30?", asked.model_id)
    outcomes = await Batch(store=ledger, clock=clock).run([BatchCall("a", asked, request)])
    turn = outcomes["a"]
    assert isinstance(turn, TurnFinished)
    sim.advance("2h")
    alone = await asked.complete(request)
    assert turn.message.text == alone.message.text
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (
        alone.usage.input_tokens,
        alone.usage.output_tokens,
    )
    assert alone.cost_usd is not None
    assert turn.cost_usd == pytest.approx(alone.cost_usd / 2)
    assert turn.finish_reason == alone.finish_reason == "stop"
    assert turn.timing.duration_s == pytest.approx(121)
    assert made(sim) == 1


@each_vendor
async def test_what_a_batch_reads_from_the_cache_is_reported_and_priced(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    asked = model_of(sim, vendor, clock)
    long = "The archive of the northern light holds every ship that passed. " * 400
    cache = CacheOptions(breakpoints=("preamble",))
    calls = [
        BatchCall(key, asked, asking(key, asked.model_id, preamble=long, cache=cache)) for key in ("a", "b")
    ]
    outcomes = await Batch(store=ledger, clock=clock).run(calls)
    turns = [outcomes["a"], outcomes["b"]]
    assert all(isinstance(turn, TurnFinished) for turn in turns)
    assert turns[1].usage.cache_read_tokens > 1024  # type: ignore[union-attr, operator]
    assert turns[1].cost_usd < turns[0].cost_usd  # type: ignore[union-attr, operator]


async def test_an_unknown_price_stays_unknown(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    calls = calls_of(sim, "openai", clock, "hi", model_id="nobody-knows-1")
    (turn,) = (await Batch(store=ledger, clock=clock).run(calls)).values()
    assert isinstance(turn, TurnFinished)
    assert turn.cost_usd is None


@each_vendor
async def test_a_call_that_fails_is_its_own_error_and_costs_the_others_nothing(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    def answers(request: SimRequest) -> Turn:
        text = request.messages[-1].text
        if text == "slow":
            return ErrorReply(429, "Slow down.")
        return ErrorReply(400, "Not that.") if text == "bad" else reply(f"said {text}")

    sim.behaviour = Function(answers)
    calls = calls_of(sim, vendor, clock, "one", "slow", "bad", "two")
    outcomes = await Batch(store=ledger, clock=clock).run(calls)
    one, slow, bad, two = (outcomes[each.custom_id] for each in calls)
    assert isinstance(one, TurnFinished)
    assert isinstance(two, TurnFinished)
    assert (one.message.text, two.message.text) == ("said one", "said two")
    assert isinstance(slow, RateLimited)
    assert isinstance(bad, BadRequest)
    assert (slow.status, bad.status) == (429, 400)
    assert str(bad).startswith(f"{calls[0].model.name}: HTTP 400: Not that.")


@each_vendor
async def test_tool_calls_of_the_only_turn_come_through(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    sim.behaviour = Function(lambda _: call("add", a=1, b=2))
    asked = model_of(sim, vendor, clock)
    request = asking("1 + 2", asked.model_id, tools=(ToolDefinition("add"),))
    (turn,) = (await Batch(store=ledger, clock=clock).run([BatchCall("a", asked, request)])).values()
    assert isinstance(turn, TurnFinished)
    assert [(each.name, each.arguments) for each in turn.message.tool_calls] == [("add", {"a": 1, "b": 2})]


async def test_vendors_and_models_are_divided_as_each_interface_wants(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    calls = [
        *calls_of(sim, "openai", clock, "a", "b"),
        *calls_of(sim, "openai", clock, "c", model_id="gpt-4o"),
        *calls_of(sim, "openai-chat", clock, "d"),
        *calls_of(sim, "anthropic", clock, "e"),
        *calls_of(sim, "anthropic", clock, "f", model_id="claude-haiku-4-5"),
    ]
    seen: list[BatchStatus] = []
    outcomes = await Batch(store=ledger, clock=clock).run(calls, on_progress=seen.append)
    assert {each for each, turn in outcomes.items() if isinstance(turn, TurnFinished)} == {
        each.custom_id for each in calls
    }
    assert made(sim) == 4  # gpt-5.6, gpt-4o, the chat wire, and both of Anthropic's models together
    ended = {each.batch_id: (each.vendor, each.total, each.succeeded) for each in seen}
    assert sorted(ended.values()) == [
        ("anthropic", 2, 2),
        ("openai", 1, 1),
        ("openai", 2, 2),
        ("openai-chat", 1, 1),
    ]


async def test_progress_is_told_at_every_look(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    seen: list[BatchStatus] = []
    await Batch(store=ledger, clock=clock, poll_s=30).run(
        calls_of(sim, "openai", clock, "a", "b"), on_progress=seen.append
    )
    words = [each.status for each in seen]
    assert words == [
        "validating",
        "validating",
        "validating",
        "in_progress",
        "finalizing",
        "finalizing",
        "completed",
    ]
    assert clock.slept == [30.0] * 5
    assert {each.total for each in seen} == {2}


@each_vendor
async def test_calls_that_expire_say_so_and_can_be_asked_again(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    sim.batches.pace = BatchPace(request_s=50_000)
    calls = calls_of(sim, vendor, clock, "a", "b")
    outcomes = await Batch(store=ledger, clock=clock, poll_s=3600).run(calls)
    assert isinstance(outcomes["key a"], TurnFinished)
    late = outcomes["key b"]
    assert isinstance(late, ResponseTimeout)
    assert "not billed" in str(late)
    sim.batches.pace = BatchPace()
    again = await Batch(store=ledger, clock=clock).run(calls[1:])
    assert isinstance(again["key b"], TurnFinished)


async def test_a_batch_the_provider_refuses_as_a_whole_is_an_error_of_each_call(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "_line", lambda _: b"{not json}\n")
    outcomes = await Batch(store=ledger, clock=clock).run(calls_of(sim, "openai", clock, "a", "b"))
    for outcome in outcomes.values():
        assert isinstance(outcome, BadRequest)
        assert outcome.code == "invalid_json_line"
        assert "line 1: This line is not parseable as valid JSON.; line 2:" in str(outcome)
    assert len(outcomes) == 2
    assert Records(ledger).open() == []


@each_vendor
async def test_a_wrong_key_ends_the_run_before_anything_is_made(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    wrong = model(f"{vendor}:{VENDORS[vendor]}", base_url=sim.base_url(vendor), api_key="wrong", clock=clock)
    with pytest.raises(AuthenticationFailed):
        await Batch(store=ledger, clock=clock).run([BatchCall("a", wrong, asking("hi", wrong.model_id))])
    assert Records(ledger).open() == []


async def test_a_provider_that_takes_no_more_batches_is_asked_again_and_then_believed(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    sim.faults.add(Fault("status", status=429, message="Too many batches.", retry_after=2))
    assert await Batch(store=ledger, clock=clock).run(calls_of(sim, "openai", clock, "a"))
    sim.faults.add(Fault("status", status=429, message="Too many batches.", times=99))
    with pytest.raises(RateLimited, match="Too many batches"):
        await Batch(store=ledger, clock=clock).run(calls_of(sim, "openai", clock, "b"))


async def test_a_vendor_without_a_batch_interface_is_refused_with_those_that_have_one(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    other = model("deepseek:deepseek-chat", base_url=sim.base_url("deepseek"), api_key=sim.token)
    with pytest.raises(
        UnsupportedCapability, match=r"`deepseek:deepseek-chat` cannot .*`openai:`, .*`anthropic:`"
    ):
        await Batch(store=ledger, clock=clock).run([BatchCall("a", other, asking("hi", "deepseek-chat"))])
    assert list(sim.requests) == []


async def test_wrong_use_is_refused_before_anything_is_sent(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    (one,) = calls_of(sim, "openai", clock, "a")
    with pytest.raises(UsageError, match="two calls of the batch have the id 'key a'"):
        await Batch(store=ledger, clock=clock).run([one, one])
    with pytest.raises(UsageError, match=r'give `Batch\(store="batches.json"\)`'):
        await Batch(clock=clock).run([one])
    with pytest.raises(UsageError, match="poll_s must be positive"):
        Batch(poll_s=0)
    with pytest.raises(UsageError, match="max_wait_s must not be negative"):
        Batch(max_wait_s=-1)
    ledger.path.write_text("[1, 2]")
    with pytest.raises(UsageError, match="does not hold what is known of batches"):
        await Batch(store=ledger, clock=clock).run([one])
    assert list(sim.requests) == []


async def test_no_calls_are_no_batch(sim: Simulator, clock: SharedClock, ledger: JsonFileLedger) -> None:
    assert await Batch(store=ledger, clock=clock).run([]) == {}
    assert list(sim.requests) == []


async def test_the_simulator_behind_sim_names_answers_batches_at_once(tmp_path: Path) -> None:
    asked = model("sim:openai/gpt-5.6")
    outcomes = await Batch(store=tmp_path / "b.json").run(
        [BatchCall("a", asked, asking("What is 2 + 3?", "gpt-5.6"))]
    )
    turn = outcomes["a"]
    assert isinstance(turn, TurnFinished)
    assert turn.message.text == (await asked.complete(asking("What is 2 + 3?", "gpt-5.6"))).message.text
