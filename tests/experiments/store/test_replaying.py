"""Strict replay answers from the store alone, or names what changed."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import CellsNotStored, UsageError
from agentlab.experiments.store import Store, WantedCell, explain_missing, is_strict, strict_replay
from tests.experiments.store.rows import LEVELS, key_of, run_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "a.db") as opened:
        for sample in range(4):
            for repeat in range(2):
                key = key_of(sample, repeat=repeat)
                opened.put(run_of(sample, key=key, repeat=repeat), key)
        yield opened


def wanted(sample: int, /, *, levels: dict[str, str] = LEVELS, **parts: Any) -> WantedCell:
    return WantedCell(key_of(sample, **parts), str(sample), parts.get("repeat", 0), levels)


def refused(store: Store, *cells: WantedCell) -> CellsNotStored:
    with pytest.raises(CellsNotStored) as caught:
        strict_replay(store, cells, "a.db")
    return caught.value


def test_stored_rows_are_given_in_the_order_of_the_plan(store: Store) -> None:
    cells = [wanted(3), wanted(0, repeat=1), wanted(2)]
    rows = strict_replay(store, cells, "a.db")
    assert list(rows) == [cell.key.digest for cell in cells]
    assert [(row.sample_id, row.repeat) for row in rows.values()] == [("3", 0), ("0", 1), ("2", 0)]


def test_a_store_opened_for_reading_is_enough_and_stays_as_it_is(store: Store) -> None:
    store.close()
    before = store.path.read_bytes()
    with Store.open(store.path, read_only=True) as reader:
        assert len(strict_replay(reader, [wanted(1)], "a.db")) == 1
        refused(reader, wanted(9))
    assert store.path.read_bytes() == before


def test_a_changed_part_is_named_with_both_of_its_texts(store: Store) -> None:
    cells = [wanted(sample, preamble="You are terser.") for sample in range(3)]
    error = refused(store, wanted(3), *cells)
    assert error.missing == tuple(cell.key.digest for cell in cells)
    assert error.changed == ("preamble",)
    assert str(error) == (
        "3 of 4 cells are not stored in a.db, and AGENTLAB_REPLAY=strict asks no provider:\n"
        "  3 x preamble: stored 'You are terse.', now 'You are terser.' "
        "(as for sample '0', repeat 0, model=sim:openai/gpt-5.6, ordering=docs_last)\n"
        "Undo the change, or unset AGENTLAB_REPLAY and run the sweep once to store it anew."
    )


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (wanted(1, sample="question one"), "sample: stored 'question 1', now 'question one'"),
        (wanted(1, repeat=7), "repeat: stored '0', now '7'"),
        (wanted(1, tools=["add"]), """tools: '["add"]' is new"""),
        (wanted(77), "no run of their sample is stored, as for sample '77'"),
    ],
)
def test_each_kind_of_change_has_its_reason(store: Store, cell: WantedCell, said: str) -> None:
    assert said in str(refused(store, cell))


def test_the_nearest_is_of_the_same_repeat_then_the_same_arm_then_the_fewest_changes(store: Store) -> None:
    other = {"model": "sim:openai/gpt-5.6", "ordering": "user_first"}
    far = key_of(1, ordering="user_first", model="m", temperature=1)
    near = key_of(1, ordering="user_first", model="m")
    for number, key in enumerate((far, near)):
        store.put(run_of(1, key=key, levels=other, run_id=str(number)), key)
    cell = wanted(1, levels=other, ordering="user_first", model="n")
    (found,) = explain_missing([cell], store.cells())
    assert found.nearest is not None
    assert found.nearest.cell_key == near.digest
    assert [change.name for change in found.changes] == ["model"]
    (moved,) = explain_missing([wanted(1, repeat=1, preamble="other")], store.cells())
    assert moved.nearest is not None
    assert moved.nearest.repeat == 1
    assert [change.name for change in moved.changes] == ["preamble"]


def test_a_run_stored_without_its_parts_is_said_to_be_so(tmp_path: Path) -> None:
    with Store.open(tmp_path / "b.db") as store:
        store.put(run_of(1))
        assert "what their keys were made of was not stored" in str(
            refused(store, wanted(1, preamble="other"))
        )


def test_many_reasons_are_cut(store: Store) -> None:
    cells = [wanted(sample, **{f"part {number}": 1}) for sample in range(2) for number in range(7)]
    said = str(refused(store, *cells))
    assert said.count("\n  2 x part") == 5
    assert "and 2 other reasons" in said


def test_an_empty_plan_needs_no_rows(store: Store) -> None:
    assert strict_replay(store, [], "a.db") == {}


def test_the_variable_is_strict_or_unset() -> None:
    assert is_strict({"AGENTLAB_REPLAY": "strict"})
    assert not is_strict({})
    assert not is_strict({"AGENTLAB_REPLAY": ""})
    with pytest.raises(
        UsageError, match="AGENTLAB_REPLAY='stict' is not known: set it to 'strict', or unset it"
    ):
        is_strict({"AGENTLAB_REPLAY": "stict"})


def test_the_error_travels_between_processes_with_what_it_found(store: Store) -> None:
    error = refused(store, wanted(1, preamble="other"))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.missing, again.changed) == (str(error), error.missing, ("preamble",))
