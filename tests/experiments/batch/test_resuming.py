"""Batches that outlive their process: resumed, found again, never made twice; lost answers, trouble, cancelling."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from agentlab.errors import (
    ModelError,
    NotFound,
    ResponseTimeout,
    UsageError,
)
from agentlab.experiments.batch import Batch, BatchOutcome, BatchStatus, JsonFileLedger
from agentlab.experiments.batch.ledger import BatchRecord, Records
from agentlab.messages import TurnFinished
from agentlab.simulator import BatchPace, Fault, Simulator
from tests.experiments.batch.conftest import VENDORS, SharedClock, calls_of, made

pytestmark = pytest.mark.anyio
each_vendor = pytest.mark.parametrize("vendor", list(VENDORS))


@each_vendor
async def test_a_run_that_is_interrupted_is_continued_and_nothing_is_made_twice(
    sim: Simulator,
    clock: SharedClock,
    ledger: JsonFileLedger,
    vendor: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = calls_of(sim, vendor, clock, "a", "b", "c")
    started = asyncio.Event()
    first = asyncio.ensure_future(
        Batch(store=ledger, clock=clock).run(calls, on_progress=lambda _: started.set())
    )
    await started.wait()
    first.cancel()
    with caplog.at_level(logging.WARNING), pytest.raises(asyncio.CancelledError):
        await first
    assert "with the same store" in caplog.text
    assert f"{vendor} batch " in caplog.text

    outcomes = await Batch(store=JsonFileLedger(ledger.path), clock=clock).run(calls)
    assert [type(outcomes[each.custom_id]) for each in calls] == [TurnFinished] * 3
    assert made(sim) == 1
    assert Records(ledger).open() == []


async def test_only_what_is_not_in_a_batch_yet_goes_into_another(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    waits = Batch(store=ledger, clock=clock, max_wait_s=10)
    with pytest.raises(
        ResponseTimeout, match="no end of the batches after 10 s: openai batch batch_sim"
    ) as late:
        await waits.run(calls_of(sim, "openai", clock, "a", "b"))
    assert "Run the same again" in str(late.value)
    outcomes = await Batch(store=ledger, clock=clock).run(calls_of(sim, "openai", clock, "b", "c"))
    assert set(outcomes) == {"key b", "key c"}
    assert made(sim) == 2
    (left,) = Records(ledger).open()
    assert left.custom_ids == ("key a",)
    assert set(await Batch(store=ledger, clock=clock).run(calls_of(sim, "openai", clock, "a"))) == {"key a"}
    assert made(sim) == 2
    assert Records(ledger).open() == []


async def test_a_call_whose_outcome_was_handed_out_is_asked_anew(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    for _ in range(2):
        await Batch(store=ledger, clock=clock).run(calls_of(sim, "openai", clock, "a"))
    assert made(sim) == 2


async def test_an_outcome_that_could_not_be_kept_is_handed_out_again(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    kept: list[str] = []

    async def full_disk(custom_id: str, outcome: BatchOutcome) -> None:
        if len(kept) == 1:
            raise OSError("no space left")
        kept.append(custom_id)

    calls = calls_of(sim, "openai", clock, "a", "b")
    with pytest.raises(OSError, match="no space"):
        await Batch(store=ledger, clock=clock).run(calls, on_result=full_disk)
    again = [each for each in calls if each.custom_id not in kept]
    assert set(await Batch(store=ledger, clock=clock).run(again)) == {"key b"}
    assert made(sim) == 1


class Killed(Exception):
    """Stands for the end of the process."""


class DiesBeforeNoting(JsonFileLedger):
    """A ledger of a process that is killed when it would note the id of a batch."""

    def put(self, name: str, text: str) -> None:
        if '"batch_id"' in text:
            raise Killed
        super().put(name, text)


@each_vendor
async def test_a_process_that_dies_before_it_noted_the_id_finds_the_batch_again(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    await Batch(store=ledger, clock=clock).run(calls_of(sim, vendor, clock, "older"))
    calls = calls_of(sim, vendor, clock, "a", "b")
    with pytest.raises(Killed):
        await Batch(store=DiesBeforeNoting(ledger.path), clock=clock).run(calls)
    assert made(sim) == 2
    outcomes = await Batch(store=ledger, clock=clock).run(calls)
    assert [type(outcomes[each.custom_id]) for each in calls] == [TurnFinished] * 2
    assert made(sim) == 2


@each_vendor
async def test_a_process_that_died_before_it_made_the_batch_makes_it_once(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    calls = calls_of(sim, vendor, clock, "a", "b")
    asked = calls[0].model
    planned = BatchRecord(
        key="k",
        vendor=vendor,
        base_url=asked.base_url,
        count=2,
        custom_ids=("key a", "key b"),
        planned_at=0.0,
    )
    Records(ledger).put(planned)
    outcomes = await Batch(store=ledger, clock=clock).run(calls)
    assert [type(each) for each in outcomes.values()] == [TurnFinished] * 2
    assert made(sim) == 1


@each_vendor
async def test_a_batch_that_was_never_made_gives_back_the_calls_that_are_still_wanted(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    (wanted,) = calls_of(sim, vendor, clock, "a")
    planned = BatchRecord(
        key="k",
        vendor=vendor,
        base_url=wanted.model.base_url,
        count=2,
        custom_ids=("key a", "key b"),
        planned_at=0.0,
    )
    Records(ledger).put(planned)
    outcomes = await Batch(store=ledger, clock=clock).run([wanted])
    assert isinstance(outcomes["key a"], TurnFinished)
    assert made(sim) == 1
    assert Records(ledger).open() == []


async def test_a_batch_of_the_same_size_that_is_not_ours_is_told_apart_by_its_results(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, tmp_path: Path
) -> None:
    theirs = JsonFileLedger(tmp_path / "theirs.json")
    with pytest.raises(ResponseTimeout):
        await Batch(store=theirs, clock=clock, max_wait_s=0).run(calls_of(sim, "anthropic", clock, "x", "y"))
    calls = calls_of(sim, "anthropic", clock, "a", "b")
    planned = BatchRecord(
        key="k",
        vendor="anthropic",
        base_url=calls[0].model.base_url,
        count=2,
        custom_ids=("key a", "key b"),
        planned_at=0.0,
    )
    Records(ledger).put(planned)
    outcomes = await Batch(store=ledger, clock=clock).run(calls)
    assert [type(outcomes[each.custom_id]) for each in calls] == [TurnFinished] * 2
    assert made(sim) == 2


@each_vendor
@pytest.mark.parametrize(
    "lost", [Fault("rst", before_headers=True), Fault("fin")], ids=["no answer", "half an answer"]
)
async def test_a_lost_answer_to_the_request_that_makes_a_batch_does_not_make_two(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str, lost: Fault
) -> None:
    class BreaksTheNext(JsonFileLedger):
        def put(self, name: str, text: str) -> None:
            super().put(name, text)
            if name == "batches":
                sim.faults.add(lost)  # the record is noted; what is sent next makes the batch

    calls = calls_of(sim, vendor, clock, "a", "b")
    outcomes = await Batch(store=BreaksTheNext(ledger.path), clock=clock).run(calls)
    assert [type(outcomes[each.custom_id]) for each in calls] == [TurnFinished] * 2
    assert made(sim) == 1


@each_vendor
async def test_trouble_on_the_way_is_waited_out(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    def trouble(status: BatchStatus) -> None:
        if status.status in {"validating", "in_progress"}:
            sim.faults.add(Fault("status", status=503, times=9))
        elif status.status in {"completed", "ended"}:
            sim.faults.add(Fault("rst", at_byte=100))

    calls = calls_of(sim, vendor, clock, "a", "b")
    handed: list[str] = []

    async def keep(custom_id: str, outcome: BatchOutcome) -> None:
        handed.append(custom_id)

    outcomes = await Batch(store=ledger, clock=clock).run(calls, on_result=keep, on_progress=trouble)
    assert [type(outcomes[each.custom_id]) for each in calls] == [TurnFinished] * 2
    assert sorted(handed) == ["key a", "key b"]
    assert made(sim) == 1


@each_vendor
async def test_cancelling_keeps_what_is_answered(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    sim.batches.pace = BatchPace(request_s=100)
    calls = calls_of(sim, vendor, clock, "a", "b")
    batch = Batch(store=ledger, clock=clock, max_wait_s=130, poll_s=120)
    with pytest.raises(ResponseTimeout):
        await batch.run(calls)
    (cancelled,) = await batch.cancel()
    outcomes = await batch.run(calls)
    assert isinstance(outcomes["key a"], TurnFinished)
    stopped = outcomes["key b"]
    assert isinstance(stopped, ModelError)
    assert "cancel" in str(stopped)
    assert stopped.code in {"batch_cancelled", "canceled"}
    assert cancelled in {
        request.path.split("/")[-2] for request in sim.requests if request.path.endswith("/cancel")
    }
    assert await batch.cancel() == ()


async def test_another_process_cancels_with_a_model_of_the_account(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    calls = calls_of(sim, "openai", clock, "a")
    with pytest.raises(ResponseTimeout):
        await Batch(store=ledger, clock=clock, max_wait_s=1).run(calls)
    other = Batch(store=ledger, clock=clock)
    with pytest.raises(UsageError, match=r"is in an account of `openai` .*batch\.cancel\(\[al\.model"):
        await other.cancel()
    assert len(await other.cancel([calls[0].model])) == 1


async def test_cancelling_what_has_ended_does_nothing(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    batch = Batch(store=ledger, clock=clock, max_wait_s=1)
    with pytest.raises(ResponseTimeout):
        await batch.run(calls_of(sim, "anthropic", clock, "a"))
    sim.advance("1h")
    assert await batch.cancel() == ()


@each_vendor
async def test_results_that_are_gone_are_errors_and_the_calls_can_be_asked_again(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    calls = calls_of(sim, vendor, clock, "a")
    gone = BatchRecord(
        key="k",
        vendor=vendor,
        base_url=calls[0].model.base_url,
        count=1,
        custom_ids=("key a",),
        planned_at=0.0,
        batch_id="batch_of_last_year",
    )
    Records(ledger).put(gone)
    batch = Batch(store=ledger, clock=clock)
    outcomes = await batch.run(calls)
    assert isinstance(outcomes["key a"], NotFound)
    assert "no longer has the batch batch_of_last_year" in str(outcomes["key a"])
    assert isinstance((await batch.run(calls))["key a"], TurnFinished)
