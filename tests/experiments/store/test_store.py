"""A store gives back what was put, once, and says so to any tool that reads SQL."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from agentlab.errors import StoreError, StoreWriteFailed, UsageError
from agentlab.experiments.rows import RunRow, ScoreRow
from agentlab.experiments.store import Store
from tests.experiments.store.rows import LEVELS, RUNS, key_of, run_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "runs.agentlab.db") as opened:
        yield opened


def asked(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@settings(max_examples=8, phases=[Phase.generate])
@given(st.lists(RUNS, max_size=20))
def test_any_run_comes_back_as_it_was_put_and_the_first_of_a_cell_stays(
    tmp_path_factory: pytest.TempPathFactory, rows: list[RunRow]
) -> None:
    path = tmp_path_factory.mktemp("any") / "runs.db"
    expected: dict[str, RunRow] = {}
    with Store.open(path) as store:
        for row in rows:
            assert store.put(row) is (row.cell_key not in expected)
            expected.setdefault(row.cell_key, row)
        assert store.get() == expected
    with Store.open(path, read_only=True) as again:
        assert again.get() == expected
        assert list(again.get()) == list(expected)
        bare = {key: structs.replace(row, messages=()) for key, row in expected.items()}
        assert again.get(messages=False) == bare


def test_only_the_keys_asked_for_are_read_however_many_are_asked_for(store: Store) -> None:
    rows = [run_of(sample) for sample in range(4)]
    for row in rows:
        store.put(row)
    wanted = [rows[1].cell_key, *(f"absent {number}" for number in range(40_000))]
    assert store.get(wanted) == {rows[1].cell_key: rows[1]}
    assert store.get([]) == {}


def test_a_run_that_failed_gives_way_to_one_that_did_not_and_to_a_later_attempt(store: Store) -> None:
    failed = run_of(1, status="error", error_type="ServerError", attempt=1)
    later = structs.replace(failed, attempt=3, run_id="later")
    done = run_of(1, attempt=2, run_id="done")
    limited = run_of(1, status="limit", attempt=9)
    stored = [store.put(row) for row in (failed, failed, later, failed, done, later, limited, done)]
    assert stored == [True, False, True, False, True, False, False, False]
    assert store.get() == {done.cell_key: done}


def test_what_belongs_to_a_failed_run_goes_with_it(store: Store) -> None:
    failed = run_of(1, status="error")
    store.put(failed, trace='{"failed": true}')
    store.put(run_of(1))
    assert store.trace(failed.cell_key) is None


def test_a_message_that_runs_share_is_stored_once_and_counted_by_each(store: Store) -> None:
    first, second = run_of(1), run_of(2)
    other = tuple(structs.replace(message, tokens=11) for message in second.messages)
    second = structs.replace(second, messages=other)
    store.put(first)
    store.put(second)
    assert store.get() == {first.cell_key: first, second.cell_key: second}
    assert asked(store.path, "SELECT count(*) FROM messages") == [(4,)]
    assert asked(store.path, "SELECT DISTINCT cell_key, tokens FROM run_messages ORDER BY run") == [
        (first.cell_key, 9),
        (second.cell_key, 11),
    ]


def test_a_scorer_s_new_verdict_replaces_its_old_one_and_leaves_the_others(store: Store) -> None:
    row = run_of(1)
    store.put(row)
    judged = ScoreRow(scorer="judge", error="no answer", cost_usd=None)
    store.put_scores(row.cell_key, [judged])
    changed = ScoreRow(scorer="exact", value=0.0)
    store.put_scores(row.cell_key, [changed])
    assert store.get()[row.cell_key].scores == (changed, judged)
    assert structs.replace(store.get()[row.cell_key], scores=row.scores) == row


@pytest.mark.parametrize("belonging", ["put_scores", "put_trace"])
def test_what_belongs_to_a_run_that_is_not_stored_is_refused(store: Store, belonging: str) -> None:
    with pytest.raises(StoreError, match="put the run before"):
        getattr(store, belonging)("nothing", "")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_trace_comes_back_and_replaces_the_one_before(store: Store, text: str) -> None:
    row = run_of(1)
    store.put(row, trace="an earlier one")
    store.put_trace(row.cell_key, text)
    assert store.trace(row.cell_key) == text
    assert store.trace("nothing") is None


def test_fields_that_only_a_newer_agentlab_knows_survive_scoring(store: Store) -> None:
    row = run_of(1)
    store.put(row)
    newer = msgspec.json.decode(asked(store.path, "SELECT payload FROM runs")[0][0]) | {"mood": "fine"}
    newer["scores"][0]["confidence"] = 0.5
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE runs SET payload = ?", (msgspec.json.encode(newer).decode(),))
    store.put_scores(row.cell_key, [ScoreRow(scorer="judge", value=1.0)])
    kept = msgspec.json.decode(asked(store.path, "SELECT payload FROM runs")[0][0])
    assert kept["mood"] == "fine"
    assert kept["scores"][0]["confidence"] == 0.5
    assert [score["scorer"] for score in kept["scores"]] == ["exact", "judge"]


def test_columns_say_what_the_rows_say_defaults_too(store: Store) -> None:
    row = run_of(3, seed=5, duration_s=1.5, cache_contaminated=True)
    store.put(row)
    columns = (
        "cell_key, sample_id, status, attempt, seed, duration_s, cache_contaminated, cost_usd, input_tokens, "
    )
    columns += "cache_read_input_tokens, n_turns, output, levels ->> '$.ordering', target ->> '$.number'"
    assert asked(store.path, f"SELECT {columns} FROM runs") == [
        (row.cell_key, "3", "ok", 1, 5, 1.5, 1, 0.75, 600, None, 3, "answer 3", LEVELS["ordering"], 3)
    ]
    assert asked(store.path, "SELECT turn, input_tokens, n_429, tool_names FROM turns WHERE turn > 1") == [
        (2, 200, 0, '["add"]'),
        (3, 300, 0, '["add"]'),
    ]
    assert asked(store.path, "SELECT scorer, value, reason, cost_usd FROM scores") == [
        ("exact", 1.0, "equal", 0.0)
    ]


def test_every_field_of_a_row_has_a_column(store: Store) -> None:
    nested = {"turns", "scores", "messages"}
    tables = {"runs": RunRow.__struct_fields__, "turns": run_of(1).turns[0].__struct_fields__}
    for table, fields in tables.items():
        columns = {row[1] for row in asked(store.path, f"PRAGMA table_xinfo({table})")}
        assert set(fields) - nested <= columns


def test_an_unknown_price_is_an_unknown_sum(store: Store) -> None:
    row = run_of(1)
    turns = (*row.turns[:2], structs.replace(row.turns[2], cost_usd=None, input_tokens=None))
    store.put(structs.replace(row, turns=turns))
    assert asked(store.path, "SELECT cost_usd, input_tokens, output_tokens FROM runs") == [(None, None, 21)]


def test_a_paid_run_is_stored_even_with_values_json_has_no_word_for(store: Store) -> None:
    day = dt.date(2026, 1, 2)
    row = run_of(1, output="half \ud83d a pair", target={"on": complex(1, 2), "day": day})
    store.put(row)
    kept = store.get()[row.cell_key]
    assert kept.output == "half ? a pair"
    assert kept.target == {"on": "(1+2j)", "day": "2026-01-02"}


def test_parts_of_another_cell_s_key_are_refused_and_nothing_is_stored(store: Store) -> None:
    with pytest.raises(UsageError, match="the run is of cell"):
        store.put(run_of(1), key_of(2))
    assert len(store) == 0


def test_what_is_noted_about_a_store_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with Store.open(path) as store:
        assert store.meta == {}
        store.note("prices", {"gpt-5.6": [1.25, None]})
        store.note("prices", {"gpt-5.6": [1.5, None]})
        with pytest.raises(UsageError, match="'bad' is not JSON"):
            store.note("bad", object())
    with Store.open(path, read_only=True) as again:
        assert again.meta == {"prices": {"gpt-5.6": [1.5, None]}}


def test_threads_share_a_store(store: Store) -> None:
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for sample in range(first, first + 25):
                store.put(run_of(sample))
                assert store.get([run_of(sample).cell_key])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 20, 40, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(int(row.sample_id) for row in store.get().values()) == list(range(85))


def test_two_stores_on_one_file_see_each_other_s_rows(store: Store) -> None:
    with Store.open(store.path) as other:
        assert store.put(run_of(1))
        assert not other.put(run_of(1, run_id="paid twice"))
        assert other.put(run_of(2))
        assert store.get() == other.get()
        assert store.statuses() == {run_of(1).cell_key: "ok", run_of(2).cell_key: "ok"}


def test_an_interrupt_while_a_row_is_written_leaves_the_store_usable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("agentlab.experiments.store.store.insert_blob", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.put(run_of(1), trace="{}")
    assert len(store) == 0
    assert store.put(run_of(1))


def test_a_store_tells_its_length_and_what_is_in_it(store: Store) -> None:
    assert bool(store)
    store.put(run_of(1))
    assert len(store) == 1
    assert run_of(1).cell_key in store
    assert run_of(2).cell_key not in store
    assert repr(store) == f"Store({str(store.path)!r}, runs=1)"


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "runs.db")
    store.close()
    store.close()
    assert repr(store).endswith("closed)")
    for use in (lambda: store.put(run_of(1)), store.get, store.statuses, lambda: len(store)):
        with pytest.raises(StoreError, match="is closed; open it again"):
            use()
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]


def test_a_store_opened_for_reading_is_not_written(store: Store) -> None:
    store.put(run_of(1))
    with Store.open(store.path, read_only=True) as reader:
        for write in (
            lambda: reader.put(run_of(2)),
            lambda: reader.put_trace("x", ""),
            lambda: reader.note("x", 1),
            reader.ingest_segments,
        ):
            if write == reader.ingest_segments:
                assert write().stored == 0  # there are none
                continue
            with pytest.raises(StoreWriteFailed, match="opened read-only"):
                write()


def test_an_open_store_is_not_sent_to_another_process(store: Store) -> None:
    with pytest.raises(StoreError, match="send its path"):
        pickle.dumps(store)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_told_to_open_the_store_for_itself(store: Store) -> None:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:  # pragma: no cover - another process
        try:
            store.get()
        except StoreError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, encoding="utf-8") as said:
        assert "a forked worker opens it for itself" in said.read()


def test_a_row_that_cannot_be_read_is_named(store: Store) -> None:
    store.put(run_of(1))
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE runs SET payload = json_set(payload, '$.repeat', 'often')")
    with pytest.raises(StoreError, match=r"cannot be read: .*\$\.repeat"):
        store.get()


def test_a_lost_message_and_a_damaged_trace_are_named(store: Store) -> None:
    row = run_of(1)
    store.put(row, trace="{}")
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE blobs SET data = x'00'")
        connection.execute("DELETE FROM messages WHERE hash = 'p'")
    with pytest.raises(StoreError, match=r"trace .* is damaged"):
        store.trace(row.cell_key)
    with pytest.raises(StoreError, match="lacks a message"):
        store.get()
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE blobs SET codec = 'zstd'")
    with pytest.raises(StoreError, match="packed with 'zstd'; upgrade agentlab"):
        store.trace(row.cell_key)


@pytest.mark.parametrize(("synchronous", "level"), [("normal", 1), ("full", 2)])
def test_a_store_syncs_every_row_only_where_it_is_asked_to(
    tmp_path: Path, synchronous: Literal["normal", "full"], level: int
) -> None:
    with Store.open(tmp_path / "a.db", synchronous=synchronous) as store:
        assert store.put(run_of(1))
        with store._database.reading() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
