"""How lanes are cut for workers: nothing lost, prepared groups whole, every worker with work."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.experiments.engine.schedule import Lane, PlannedCell
from agentlab.experiments.engine.worker_batches import batch_rows, batches, rebatched
from agentlab.experiments.plan.cells import CacheMode

GROUPS = st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=60)


def lane(name: str, groups: list[str | None]) -> Lane:
    cells: list[Any] = [f"{name}{number}" for number in range(len(groups))]
    led: set[str | None] = {None}
    planned = []
    for cell, group in zip(cells, groups, strict=True):
        planned.append(PlannedCell(cell, group, group not in led))
        led.add(group)
    return Lane(name, tuple(planned))


@given(
    st.lists(GROUPS, max_size=3),
    st.integers(1, 20),
    st.sampled_from(["natural", "warm", "controlled", "off"]),
)
def test_every_cell_is_in_one_batch_in_the_order_of_its_lane(
    lanes: list[list[str | None]], rows: int, cache: CacheMode
) -> None:
    made = [lane(str(number), groups) for number, groups in enumerate(lanes)]
    cut = batches(made, rows=rows, cache=cache)
    for each in made:
        mine = [planned.cell for batch in cut if batch.lane == each.name for planned in batch.cells]
        assert mine == [planned.cell for planned in each.cells]
    for batch in cut:
        led = [planned.group for planned in batch.cells if planned.leads]
        assert sorted(led, key=str) == sorted(batch.groups)
        assert len(batch.cells) <= rows or cache in {"warm", "controlled"}


@given(GROUPS, st.integers(1, 20), st.sampled_from(["warm", "controlled"]))
def test_a_prepared_group_is_never_parted(groups: list[str | None], rows: int, cache: CacheMode) -> None:
    cut = batches([lane("x", groups)], rows=rows, cache=cache)
    for group in {group for group in groups if group is not None}:
        assert sum(group in batch.groups for batch in cut) == 1
    for batch in cut[:-1]:
        assert len(batch.cells) >= rows


def test_a_natural_group_is_parted_so_that_all_workers_have_work() -> None:
    cut = batches([lane("x", ["a"] * 100)], rows=25, cache="natural")
    assert [len(batch.cells) for batch in cut] == [25, 25, 25, 25]


def test_lanes_take_turns() -> None:
    cut = batches([lane("x", [None] * 4), lane("y", [None] * 2)], rows=2, cache="natural")
    assert [batch.lane for batch in cut] == ["x", "y", "x"]


def test_what_is_left_of_a_batch_has_a_leader_again() -> None:
    followers = lane("x", ["a", "a", None, "a"]).cells[1:]
    assert [each.leads for each in rebatched("x", followers).cells] == [True, False, False]


@pytest.mark.parametrize(
    ("cells", "workers", "concurrency", "rows"),
    [(10_000, 4, 16, 50), (10_000, 4, 32, 64), (10_000, 2, 500, 200), (10, 4, 16, 3), (1, 4, 16, 1)],
)
def test_a_batch_has_50_rows_more_for_many_calls_in_flight_and_fewer_for_small_sweeps(
    cells: int, workers: int, concurrency: int, rows: int
) -> None:
    assert batch_rows(cells, workers, concurrency) == rows
