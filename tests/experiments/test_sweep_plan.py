"""Plans: what they say before they run, and what is kept however a run of them ends."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

import agentlab as al
from agentlab.errors import CellsNotStored, UsageError
from agentlab.experiments.scoring import contains
from agentlab.experiments.sweep import sweep
from agentlab.experiments.sweep_plan import Plan
from agentlab.simulator import ErrorReply, Fault, Function, SimRequest, Simulator, call, reply
from tests.experiments.simulated import GUIDE, at, questions


@al.tool
def broken(number: int) -> int:
    """Add one."""
    raise RuntimeError(f"no such number: {number}")


def plan_for(sim: Simulator, store: Path | None = None, *, samples: int = 6, **options: Any) -> Plan:
    given: dict[str, Any] = {
        "over": {"preamble": {"terse": "Be terse.", "chatty": "Be chatty."}},
        "score": contains("target"),
        "progress": False,
        **options,
    }
    return sweep(al.Agent(at(sim, "openai:gpt-5.6")), data=questions(samples), store=store, **given)


def test_a_plan_sends_nothing_and_says_what_is_ahead(sim: Simulator, tmp_path: Path) -> None:
    plan = plan_for(sim, tmp_path / "a.db", repeats=3, budget_usd=2)
    said = str(plan)
    assert "2 preamble x 6 samples x 3 repeats = 36" in said
    assert "0; 36 to run" in said
    assert "budget $2" in said
    assert "about $" in said
    assert "36 to run" in plan._repr_html_()
    assert len(sim.requests) == 0
    assert not (tmp_path / "a.db").exists()


def test_what_was_run_is_stored_and_not_run_again(sim: Simulator, tmp_path: Path) -> None:
    plan = plan_for(sim, tmp_path / "a.db")
    first = plan.run_sync(limit=2)
    assert (len(first), first.planned, len(sim.requests)) == (4, 12, 4)
    assert "4; 8 to run" in str(plan)
    whole = plan_for(sim, tmp_path / "a.db").run_sync()
    assert (len(whole), len(whole.fresh), len(sim.requests)) == (12, 8, 12)
    again = plan.run_sync()
    assert (len(again), len(again.fresh), len(sim.requests)) == (12, 0, 12)
    assert again.df["score_contains"].tolist() == [1.0] * 12


def test_a_store_answers_for_a_sweep_that_calls_its_levels_otherwise(sim: Simulator, tmp_path: Path) -> None:
    plan_for(sim, tmp_path / "a.db").run_sync()
    asked = len(sim.requests)
    renamed = plan_for(
        sim, tmp_path / "a.db", over={"preamble": {"short": "Be terse.", "long": "Be chatty."}}
    )
    table = renamed.run_sync().df
    assert len(sim.requests) == asked
    assert table["preamble"].cat.categories.tolist() == ["short", "long"]
    assert table["preamble"].tolist() == ["short", "long"] * 6
    assert table["replayed"].all()
    assert (table["cost_spent_usd"] == 0).all()
    assert (table["cost_usd"] > 0).all()


def test_a_budget_ends_a_sweep_in_the_middle_and_more_money_goes_on(sim: Simulator, tmp_path: Path) -> None:
    options = {"samples": 40, "concurrency": 4}
    first = plan_for(sim, tmp_path / "a.db", budget_usd=0.05, **options).run_sync()
    assert 0 < len(first) < 80
    assert first.stopped == "the budget is spent"
    assert "stopped: the budget is spent" in repr(first)
    assert first.df["cost_spent_usd"].sum() <= 0.05
    asked = len(sim.requests)
    rest = plan_for(sim, tmp_path / "a.db", budget_usd=5, **options).run_sync()
    assert (len(rest), rest.stopped) == (80, None)
    assert len(sim.requests) == 80
    assert len(rest.fresh) == 80 - asked


def test_what_goes_wrong_in_a_run_is_a_row_and_never_a_score_of_0(sim: Simulator, tmp_path: Path) -> None:
    def answer(request: SimRequest) -> Any:
        text = str(request.json)
        if "What is 0 + 1?" in text:
            return ErrorReply(400, "That question is refused.")
        if "What is 1 + 1?" in text:
            return call("broken", number=1)
        return reply("No idea.")

    sim.behaviour = Function(answer)
    plan = sweep(
        al.Agent(at(sim, "openai:gpt-5.6"), tools=[broken], max_turns=2),
        data=questions(3),
        score=contains("target"),
        store=tmp_path / "a.db",
        progress=False,
    )
    results = plan.run_sync()
    table = results.df.set_index("sample_id")
    assert table["status"].tolist() == ["error", "limit", "ok"]
    assert table.loc["q0", "error_type"] == "BadRequest"
    assert "That question is refused." in table.loc["q0", "error_message"]
    assert table["score_contains"].isna().tolist() == [True, True, False]
    assert table.loc["q2", "score_contains"] == 0.0
    assert table.loc["q1", "n_turns"] == 2
    assert results.tally.errors == 2

    asked = len(sim.requests)
    assert plan.run_sync().fresh == frozenset()  # an error is a result; it is made again only when asked
    assert len(sim.requests) == asked
    sim.behaviour = Function(lambda _: reply("It is 1."))
    retried = plan.run_sync(retry_errors=True).df.set_index("sample_id")
    assert retried["status"].tolist() == ["ok", "limit", "ok"]
    assert retried["attempt"].tolist() == [2, 1, 1]
    assert retried.loc["q0", "score_contains"] == 1.0


def test_a_server_that_fails_at_times_is_asked_again_and_the_row_says_so(sim: Simulator) -> None:
    for _ in range(3):
        sim.faults.add(Fault("status", status=500))
    results = plan_for(sim, samples=2, concurrency=1, score=()).run_sync()
    assert set(results.df["status"]) == {"ok"}
    assert results.df["n_retries"].sum() == 3
    assert (results.df["retry_s"] > 0).any()


async def run_until(plan: Plan, sim: Simulator, requests: int) -> None:
    """Run a plan and cancel it after so many requests."""
    running = asyncio.create_task(plan.run())
    while len(sim.requests) < requests:  # noqa: ASYNC110 - a thread adds them
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.anyio
async def test_a_cancelled_sweep_keeps_every_finished_row_and_asks_nothing_more(
    sim: Simulator, tmp_path: Path
) -> None:
    plan = plan_for(sim, tmp_path / "a.db", samples=60, concurrency=4)
    await run_until(plan, sim, 30)
    sim.requests.wait_idle()
    asked, stored = len(sim.requests), len(plan.stored())
    assert asked - 4 <= stored <= asked
    results = await plan.run()
    assert (len(results), len(sim.requests)) == (120, asked + 120 - stored)


def test_an_interrupt_of_a_sync_run_keeps_every_finished_row(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(sim, tmp_path / "a.db", samples=60, concurrency=4)
    wait = threading.Event.wait

    def interrupted(event: threading.Event, timeout: float | None = None) -> bool:
        if len(sim.requests) >= 30 and threading.current_thread() is threading.main_thread():
            monkeypatch.setattr(threading.Event, "wait", wait)
            raise KeyboardInterrupt
        return wait(event, 0.001 if timeout is None else min(timeout, 0.001))

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        plan.run_sync()
    sim.requests.wait_idle()
    asked, stored = len(sim.requests), len(plan.stored())
    assert 0 < stored < 120
    assert asked - 4 <= stored <= asked
    assert len(plan.run_sync()) == 120
    assert len(sim.requests) == asked + 120 - stored


def test_strict_replay_answers_from_the_store_and_names_what_changed(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = plan_for(sim, tmp_path / "a.db").run_sync()
    asked = len(sim.requests)
    monkeypatch.setenv("AGENTLAB_REPLAY", "strict")
    replayed = plan_for(sim, tmp_path / "a.db").run_sync()
    assert len(sim.requests) == asked
    assert replayed.df.drop(columns=["replayed", "cost_spent_usd"]).equals(
        recorded.df.drop(columns=["replayed", "cost_spent_usd"])
    )
    changed = plan_for(
        sim, tmp_path / "a.db", over={"preamble": {"terse": "Be very terse.", "chatty": "Be chatty."}}
    )
    with pytest.raises(
        CellsNotStored, match=r"(?s)6 of 12 cells.*preamble: stored 'Be terse\.', now 'Be very"
    ):
        changed.run_sync()
    assert len(sim.requests) == asked


@pytest.mark.parametrize("cache", ["natural", "controlled"])
@pytest.mark.parametrize("name", ["openai:gpt-5.6", "openai:gpt-4.1", "anthropic:claude-sonnet-5"])
def test_the_cost_is_inside_the_estimate_and_a_pilot_sharpens_it(
    sim: Simulator, tmp_path: Path, name: str, cache: Any
) -> None:
    sim.behaviour = Function(
        lambda request: reply("It is so. " * (5 + crc32(str(request.json).encode()) % 40))
    )
    plan = sweep(
        al.Agent(at(sim, name), preamble=GUIDE),
        over={"preamble": {"old": GUIDE, "new": f"{GUIDE}\nBe brief."}},
        data=questions(30),
        cache=cache,
        store=tmp_path / "a.db",
        progress=False,
    )
    before = plan.estimate()
    asyncio.run(plan.pilot(10))
    after = plan.estimate()
    results = plan.run_sync()
    ran = results.df[results.df["cell_key"].isin(results.fresh)]
    paid = ran["cost_usd"].sum() + results.primed_usd
    assert (before.cells, after.cells, len(ran)) == (60, 40, 40)
    assert after.piloted == 2
    assert before.usd[0] <= results.df["cost_usd"].sum() <= before.usd[2]
    assert after.usd[0] <= paid <= after.usd[2]
    assert (after.usd[2] - after.usd[0]) / after.usd[1] < (before.usd[2] - before.usd[0]) / before.usd[1]


def test_a_pilot_of_no_rows_is_refused(sim: Simulator) -> None:
    with pytest.raises(UsageError, match="a pilot needs 1 row or more"):
        plan_for(sim).run_sync(limit=0)
    assert len(sim.requests) == 0
