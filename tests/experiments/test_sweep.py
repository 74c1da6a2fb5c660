"""What is wrong with a comparison is said before a request is sent, and harms nothing that is stored."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import agentlab as al
from agentlab.errors import StoreError, StoreUnusable, UsageError
from agentlab.experiments.rows import ScoreRow
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring import ScoredRun, exact
from agentlab.experiments.sweep import compare, grid, sweep
from agentlab.simulator import Simulator
from tests.experiments.killed_sweep import CONCURRENCY, plan_of
from tests.experiments.simulated import at, questions
from tests.unwritable import as_nobody


def agent(sim: Simulator, **options: Any) -> al.Agent:
    return al.Agent(at(sim, "openai:gpt-5.6"), **options)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no samples": ({"data": []}, "the list of rows is empty"),
    "a missing column": (
        {"data": [{"input": "Why?"}], "score": exact("target")},
        "target",
    ),
    "a dataset that is not there": ({"data": "arithmetic_tool"}, "did you mean `arithmetic_tools`"),
    "one id twice": (
        {"data": [{"sample_id": "a", "input": "1"}, {"sample_id": "a", "input": "2"}]},
        "more than once|twice|double",
    ),
    "no repeats": ({"repeats": 0}, "`repeats` is a number of runs, 1 or more, not 0"),
    "no concurrency": ({"concurrency": 0}, "`concurrency` is a number of calls"),
    "no budget": ({"budget_usd": 0}, "`budget_usd` is an amount above 0"),
    "an unknown cache mode": ({"cache": "cold"}, "`cache` is one of natural, warm, controlled, off"),
    "an axis nearly an option": ({"over": {"temprature": [0, 1]}}, "did you mean `temperature`"),
    "an axis like a column": ({"over": {"status": [1, 2]}}, "the result has a column of that name"),
    "an axis without levels": ({"over": {"temperature": []}}, "axis `temperature` has no values"),
    "an axis of one text": ({"over": {"preamble": "terse"}}, "needs a list of values"),
    "an unknown ordering": (
        {"over": {"ordering": ["stable_first", "docs_lst"]}},
        "axis `ordering`, level `docs_lst`.*did you mean 'docs_last'",
    ),
    "a model of an unknown vendor": ({"over": {"model": ["opnai:gpt-5.6"]}}, "axis `model`.*openai"),
    "one label twice": ({"over": {"temperature": [1, 1]}}, "'1' more than once"),
    "arms that are equal": (
        {"over": {"preamble": {"a": "Be brief.", "b": "Be brief."}}},
        "`a` and `b` would send the same requests",
    ),
    "a template with an unknown column": (
        {"over": {"prompt": ["{input}", "{inptu}"]}},
        r"\{inptu\}.*did you mean \{input\}",
    ),
    "a function that gives no agent": ({"over": {"style": {"a": lambda _: 1}}}, "must give an `Agent`"),
    "two scorers of one name": ({"score": [exact("target"), exact("target")]}, "two scorers are named"),
    "what is no scorer": ({"score": 3}, "score"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_before_there_is_a_plan(sim: Simulator, case: str) -> None:
    options, said = WRONG[case]
    given: dict[str, Any] = {"data": questions(4), **options}
    with pytest.raises(UsageError, match=f"(?s){said}"):
        sweep(agent(sim), **given)
    assert len(sim.requests) == 0


def fails(_output: str, _sample: object) -> float:
    raise KeyError("answer")


IN_RUN: dict[str, tuple[str, dict[str, Any], str]] = {
    "a scorer that raises": ("openai:gpt-5.6", {"score": fails}, "scorer `fails`.*KeyError"),
    "a model with a typo": ("openai:gpt-5.6-mnii", {}, "did you mean `gpt-5.*`.*allow_unpriced=True"),
    "a model with a typo and a budget": (
        "anthropic:claude-sonet-5",
        {"budget_usd": 1},
        "did you mean `claude-sonnet-5`.*allow_unpriced=True",
    ),
    "a budget for a model without a price": (
        "openai:my-own-model",
        {"budget_usd": 1},
        "a budget cannot be kept.*my-own-model.*allow_unpriced=True",
    ),
}


@pytest.mark.parametrize("case", IN_RUN)
def test_what_is_wrong_is_said_before_the_first_request(sim: Simulator, case: str, tmp_path: Path) -> None:
    name, options, said = IN_RUN[case]
    plan = sweep(
        al.Agent(at(sim, name)), data=questions(4), store=tmp_path / "a.db", progress=False, **options
    )
    with pytest.raises(UsageError, match=f"(?s){said}"):
        plan.run_sync()
    assert len(sim.requests) == 0


def test_a_model_without_a_price_runs_without_a_budget_and_is_counted(sim: Simulator) -> None:
    results = sweep(al.Agent(at(sim, "openai:my-own-model")), data=questions(3), progress=False).run_sync()
    assert results.df["cost_usd"].isna().all()
    assert "3 without a known price" in repr(results)


def test_a_model_with_a_typo_runs_where_that_is_allowed(sim: Simulator) -> None:
    plan = sweep(
        al.Agent(at(sim, "openai:gpt-5.6-mnii")), data=questions(2), progress=False, allow_unpriced=True
    )
    assert len(plan.run_sync()) == 2


def test_a_store_that_is_a_folder_or_cannot_be_written_is_refused(sim: Simulator, tmp_path: Path) -> None:
    for store, said in ((tmp_path, "is a folder"), (tmp_path / "none" / "a.db", "there is no folder")):
        with pytest.raises(StoreUnusable, match=said):
            sweep(agent(sim), data=questions(2), store=store, progress=False).run_sync()
    assert len(sim.requests) == 0


def test_a_store_that_can_only_be_read_is_refused_and_keeps_its_rows(sim: Simulator) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        store = folder / "a.db"
        sweep(agent(sim), data=questions(2), store=store, progress=False).run_sync()
        store.chmod(0o444)
        folder.chmod(0o555)
        more = sweep(agent(sim), data=questions(4), store=store, progress=False)
        with as_nobody(), pytest.raises(StoreError, match="read"):
            more.run_sync()
        folder.chmod(0o755)
        store.chmod(0o644)
        assert len(sim.requests) == 2
        assert len(more.stored()) == 2
    finally:
        shutil.rmtree(folder)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tests.experiments.killed_sweep import plan_of
from agentlab.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    plan_of(sys.argv[1], sys.argv[2], Path(sys.argv[3]), 400, 1).run_sync()
except StoreError as error:
    print(error)
"""


def test_a_disk_that_fills_in_mid_run_loses_no_row_and_the_sweep_goes_on_later(
    sim: Simulator, tmp_path: Path
) -> None:
    store = tmp_path / "a.agentlab.db"
    command = [sys.executable, "-c", FULL_DISK, sim.url, sim.token, str(store)]
    ended = subprocess.run(
        command, capture_output=True, check=False, text=True, timeout=120, cwd=Path(__file__).parents[2]
    )
    assert "full" in ended.stdout, ended.stderr
    assert "every row stored before is safe" in ended.stdout
    plan = plan_of(sim.url, sim.token, store, 400, 1)
    stored = len(plan.stored())
    assert 0 < stored < 800
    asked = len(sim.requests)
    assert asked <= stored + 2 * CONCURRENCY
    assert len(plan.run_sync(limit=stored // 2 + 2)) > stored
    assert len(sim.requests) - asked <= 2 * (stored // 2 + 2)


def test_agents_are_compared_by_their_names(sim: Simulator) -> None:
    terse, chatty = (
        agent(sim, name="terse", preamble="Be terse."),
        agent(sim, name="chatty", preamble="Chat."),
    )
    plan = compare(terse, chatty, data=questions(2), progress=False)
    assert [axis.labels for axis in plan.axes] == [("terse", "chatty")]
    assert plan.run_sync().df["agent"].cat.categories.tolist() == ["terse", "chatty"]


def test_a_comparison_of_nothing_is_refused(sim: Simulator) -> None:
    with pytest.raises(UsageError, match="nothing to compare"):
        compare(agent(sim), data=questions(2))
    with pytest.raises(UsageError, match="needs `data`"):
        compare(agent(sim), agent(sim))
    with pytest.raises(UsageError, match="two agents have one name"):
        compare(agent(sim), agent(sim), data=questions(2))
    with pytest.raises(UsageError, match="which models or agents"):
        grid({"temperature": [0, 1]}, data=questions(2))


def test_every_kind_of_axis_makes_the_arms_it_names(sim: Simulator) -> None:
    def hurried(given: al.Agent) -> al.Agent:
        return given.append_preamble("Hurry.")

    plan = sweep(
        agent(sim, preamble="Be kind."),
        over={
            "model": [at(sim, "openai:gpt-5.6"), at(sim, "anthropic:claude-sonnet-5")],
            "prompt": {"bare": "{input}", "asked": "Please: {input}"},
            "pace": {"slow": lambda given: given, "fast": hurried},
        },
        data=questions(3),
    )
    assert len(plan.arms) == 8
    assert len(plan.cells) == 24
    last = plan.arms[-1]
    assert dict(last.levels) == {"model": "anthropic:claude-sonnet-5", "prompt": "asked", "pace": "fast"}
    assert last.agent.settings.preamble == "Be kind.\nHurry."
    assert last.template.fill(plan.samples[0]) == "Please: What is 0 + 1?"
    assert len({cell.key for cell in plan.cells}) == 24
    assert len(sim.requests) == 0


def test_two_samples_with_one_prompt_are_two_runs(sim: Simulator) -> None:
    data = [{"sample_id": name, "input": "Toss a coin."} for name in "abc"]
    plan = sweep(agent(sim), data=data, repeats=2, progress=False)
    results = plan.run_sync()
    assert len(sim.requests) == 6
    assert results.df["run_id"].nunique() == 6
    assert plan.run_sync().fresh == frozenset()
    assert len(sim.requests) == 6


def test_arms_that_differ_for_some_samples_alone_are_compared(sim: Simulator) -> None:
    data = [
        {"sample_id": "a", "input": "1 + 1", "hint": ""},
        {"sample_id": "b", "input": "2 + 2", "hint": "!"},
    ]
    plan = sweep(
        agent(sim),
        over={"prompt": {"plain": "{input}", "hinted": "{input}{hint}"}},
        data=data,
        progress=False,
    )
    table = plan.run_sync().df
    assert len(sim.requests) == 3  # one of the four is the same request, and is asked once
    assert len(table) == 4


class Counted:
    """A scorer that counts how often its fingerprint is taken."""

    name, needs = "counted", ()

    def __init__(self) -> None:
        self.taken = 0

    @property
    def fingerprint(self) -> str:
        self.taken += 1
        return "as it is"

    async def check(self, sample: Sample) -> None: ...

    async def score(self, run: ScoredRun) -> ScoreRow:
        return ScoreRow(scorer=self.name, value=1.0, cost_usd=0.0)


def test_a_scorer_s_fingerprint_is_not_taken_anew_for_every_answer(sim: Simulator) -> None:
    taken = []
    for count in (2, 6):
        scorer = Counted()
        results = sweep(agent(sim), data=questions(count), score=scorer, progress=False).run_sync()
        assert [score.fingerprint for row in results.rows for score in row.scores] == ["as it is"] * count
        taken.append(scorer.taken)
    assert taken[0] == taken[1]
