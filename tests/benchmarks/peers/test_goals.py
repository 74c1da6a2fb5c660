from __future__ import annotations

import pytest

from benchmarks.peers.catalogue import BENCHMARKS, SHORT
from benchmarks.peers.goals import Goal, Limit, Memory, judged
from benchmarks.peers.results import Result
from benchmarks.peers.targets import GOALS, SHORT_GOALS, ahead
from tests.benchmarks.peers.made import result

GOAL = Goal("a", "one", "ours", "floor", 2.0)


def met(goal: Goal | Memory | Limit, *rows: Result) -> bool | None:
    return judged([goal], {"a": rows})[0].met


@pytest.mark.parametrize(("seconds", "holds"), [(1.99, True), (2.0, True), (2.01, False)])
def test_a_ratio_is_judged_by_its_bound(seconds: float, holds: bool) -> None:
    assert met(GOAL, result("one", "ours", seconds), result("one", "floor", 1.0)) is holds


def test_one_noisy_round_breaks_no_goal_and_most_do() -> None:
    floor = result("one", "floor", 1.0, 1.0, 1.0)
    assert met(GOAL, result("one", "ours", 1.5, 9.0, 1.5), floor) is True
    assert met(GOAL, result("one", "ours", 1.5, 9.0, 9.0), floor) is False


def test_what_was_not_measured_is_not_judged() -> None:
    assert met(GOAL) is None
    assert met(GOAL, result("one", "ours", 1.0)) is None
    assert met(GOAL, result("one", "ours", 1.0), result("one", "floor")) is None
    assert met(GOAL, result("two", "ours", 1.0), result("two", "floor", 1.0)) is None
    assert judged([Limit("MB", 1)], {})[0].met is None


@pytest.mark.parametrize(
    ("against", "best"),
    [
        ("best sdk", "fast sdk"),
        ("best sdk anthropic", "fast sdk"),
        ("best sdk chat", "slow sdk"),
        ("best agent", "agent"),
        ("best peer chat", "agent"),
        ("best peer", "fast sdk"),
    ],
)
def test_the_best_of_a_kind_and_a_wire(against: str, best: str) -> None:
    rows = [
        result("one", "ours", 1.0, kind="ours"),
        result("one", "floor", 0.1),
        result("one", "slow sdk", 5.0, kind="sdk"),
        result("one", "fast sdk", 2.0, kind="sdk", wire="anthropic"),
        result("one", "agent", 4.0, kind="agent"),
        result("one", "broken", kind="agent"),
    ]
    verdict = judged([Goal("a", "one", "ours", against, 1.0)], {"a": rows})[0]
    assert f"of {best} " in verdict.found


def test_another_case_of_the_same_way() -> None:
    rows = [result("one", "ours", 20.0), result("few", "ours", 1.0)]
    assert met(Goal("a", "one", "ours", "ours", 19.0, "few"), *rows) is False
    assert met(Goal("a", "one", "ours", "ours", 21.0, "few"), *rows) is True


def test_memory_and_single_figures() -> None:
    assert met(Memory("a", "one", "ours", 10, 10), result("one", "ours", 1.0)) is True
    assert met(Memory("a", "one", "ours", 10, 9), result("one", "ours", 1.0)) is False
    [verdict] = judged(
        [Memory("a", "one", "ours", 10, 10, "floor")],
        {"a": [result("one", "ours", 1.0), result("one", "floor", 1.0)]},
    )
    assert verdict.found == "10.0 kB, of floor 10.0 kB"
    assert [each.met for each in judged([Limit("MB", 60)] * 2, {}, {"MB": 60.0})] == [True, True]
    assert judged([Limit("MB", 60)], {}, {"MB": 60.1})[0].met is False


def test_being_ahead_covers_every_case_and_wire() -> None:
    goals = ahead(BENCHMARKS)
    assert len(set(map(str, goals))) == len(goals)
    for benchmark in BENCHMARKS:
        for case in benchmark.cases:
            mine = [goal for goal in goals if (goal.benchmark, goal.case) == (benchmark.name, case.name)]
            assert len(mine) == (1 if benchmark.name == "tool_schema" else 3)
            assert {goal.at_most for goal in mine} == {1}


@pytest.mark.parametrize(("goals", "benchmarks"), [(GOALS, BENCHMARKS), (SHORT_GOALS, SHORT)])
def test_each_goal_is_about_a_case_there_is(goals, benchmarks) -> None:
    cases = {(each.name, case.name) for each in benchmarks for case in each.cases} | {("import", "import")}
    for goal in goals:
        if not isinstance(goal, Limit):
            assert (goal.benchmark, goal.case) in cases
        if isinstance(goal, Goal) and goal.other_case:
            assert (goal.benchmark, goal.other_case) in cases


def short_results(**slower: float) -> dict[str, list[Result]]:
    """What the short form found on a machine where each way costs as its bounds allow, half of them, or more."""
    found: dict[str, list[Result]] = {}
    for goal in SHORT_GOALS:
        rows = found.setdefault(goal.benchmark, [])
        known = {(each.case, each.way): each for each in rows}
        other = (goal.other_case or goal.case, goal.against)
        if other not in known:
            rows.append(result(*other, 1.0))
        floor = known.get(other, rows[-1]).cpu_s
        if (goal.case, goal.way) not in known:
            factor = slower.get(goal.benchmark, 0.5)
            rows.append(result(goal.case, goal.way, floor * goal.at_most * factor))
    return found


def test_the_short_form_holds_where_everything_takes_half_of_what_it_may() -> None:
    assert [each.met for each in judged(SHORT_GOALS, short_results())] == [True] * len(SHORT_GOALS)


@pytest.mark.parametrize("benchmark", sorted({goal.benchmark for goal in SHORT_GOALS}))
def test_the_short_form_fails_where_a_benchmark_is_slower_than_its_margin(benchmark: str) -> None:
    verdicts = judged(SHORT_GOALS, short_results(**{benchmark: 1.1}))
    broken = [goal for goal, each in zip(SHORT_GOALS, verdicts, strict=True) if each.met is False]
    assert broken
    assert {goal.benchmark for goal in broken} == {benchmark}
