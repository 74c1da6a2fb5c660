"""Segments are moved into the store once, whatever was torn, and while they are still written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlab.errors import StoreUnusable, StoreWriteFailed
from agentlab.experiments.store import Ingested, Segment, Store, segments_folder
from tests.experiments.store.rows import key_of, run_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


def files(store: Store) -> list[str]:
    folder = segments_folder(store.path)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_finished_segment_is_stored_whole_and_removed(store: Store) -> None:
    rows = [run_of(sample) for sample in range(3)]
    with Segment.of(store.path) as segment:
        for sample, row in enumerate(rows):
            segment.put(row, key_of(sample), trace=f'{{"of": {sample}}}')
    assert store.ingest_segments() == Ingested(stored=3)
    assert list(store.get().values()) == rows
    assert [cell.key for cell in store.cells()] == [key_of(sample) for sample in range(3)]
    assert store.trace(rows[2].cell_key) == '{"of": 2}'
    assert files(store) == []
    assert store.ingest_segments() == Ingested()


def test_a_segment_that_is_still_written_is_read_as_far_as_it_goes_and_no_line_twice(store: Store) -> None:
    with Segment.of(store.path) as segment:
        assert store.ingest_segments() == Ingested()
        segment.put(run_of(1))
        assert store.ingest_segments() == Ingested(stored=1)
        assert store.ingest_segments() == Ingested()
        segment.put(run_of(2))
        segment.put(run_of(1))
        assert store.ingest_segments() == Ingested(stored=1, known=1)
        assert len(files(store)) == 1
    assert store.ingest_segments() == Ingested()
    assert files(store) == []


def test_many_lines_are_stored_in_several_transactions(store: Store) -> None:
    with Segment.of(store.path) as segment:
        for sample in range(450):
            segment.put(run_of(sample, turns=(), messages=()))
    assert store.ingest_segments() == Ingested(stored=450)
    assert files(store) == []


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_segment_cut_anywhere_gives_its_whole_lines_and_the_rest_once_it_is_there(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.db"
    with Segment.of(path) as segment:
        for sample in range(3):
            segment.put(run_of(sample, messages=()))
    whole = segment.path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    segment.path.write_bytes(whole[:cut])
    with Store.open(path) as store:
        complete = [line for line in whole[:cut].split(b"\n")[:-1] if b'"run"' in line]
        assert store.ingest_segments() == Ingested(stored=len(complete))
        segment.path.write_bytes(whole)
        assert store.ingest_segments().stored == 3 - len(complete)
        assert [row.sample_id for row in store.get().values()] == ["0", "1", "2"]
        assert store.ingest_segments() == Ingested()


def test_a_line_that_cannot_be_read_costs_no_other_and_its_file_is_kept(store: Store) -> None:
    with Segment.of(store.path) as segment:
        segment.put(run_of(1))
        with segment.path.open("ab") as file:
            file.write(b'{"line": "run", "row": {"cell\n\xff\xfe\n{"line":"run","row":{"cell_key":7}}\n')
        segment.put(run_of(2), key_of(2))
    assert store.ingest_segments() == Ingested(stored=2, unreadable=3)
    assert store.ingest_segments() == Ingested()
    assert files(store) == [segment.path.name]


def test_fields_that_only_a_newer_worker_knows_are_kept(store: Store) -> None:
    with Segment.of(store.path) as segment:
        newer = msgspec.json.decode(msgspec.json.encode(run_of(1))) | {"mood": "fine"}
        newer["turns"][1]["weather"] = "rain"
        with segment.path.open("ab") as file:
            file.write(msgspec.json.encode({"line": "run", "row": newer, "host": "new"}) + b"\n")
    assert store.ingest_segments() == Ingested(stored=1)
    with store._database.reading() as connection:
        mood, weather = connection.execute(
            "SELECT payload ->> '$.mood', payload ->> '$.turns[1].weather' FROM runs"
        ).fetchone()
    assert (mood, weather) == ("fine", "rain")
    assert store.get()[run_of(1).cell_key] == run_of(1)


def test_a_process_that_opens_another_segment_gets_another_file(store: Store) -> None:
    segments = [Segment.of(store.path) for _ in range(3)]
    names = [segment.path.name for segment in segments]
    assert len(set(names)) == 3
    assert all(f"-{os.getpid()}" in name for name in names)
    for number, segment in enumerate(segments):
        segment.put(run_of(number))
        segment.close()
    assert store.ingest_segments() == Ingested(stored=3)


def test_a_file_of_a_segment_is_never_opened_again(store: Store) -> None:
    with Segment.of(store.path) as segment, pytest.raises(StoreUnusable, match="File exists"):
        Segment(segment.path)


def test_a_segment_whose_name_was_used_before_is_read_from_its_beginning(store: Store) -> None:
    for sample in (1, 2):
        with Segment.of(store.path) as segment:
            segment.put(run_of(sample))
        assert store.ingest_segments() == Ingested(stored=1)
        assert files(store) == []


def test_a_closed_segment_says_so(store: Store) -> None:
    segment = Segment.of(store.path)
    segment.close()
    segment.close()
    with pytest.raises(StoreWriteFailed, match="is closed; open another"):
        segment.put(run_of(1))


def test_files_that_are_no_segments_are_left_alone(store: Store) -> None:
    folder = segments_folder(store.path)
    folder.mkdir()
    (folder / "notes.jsonl").write_text("not ours\n")
    (folder / "empty.jsonl").touch()
    assert store.ingest_segments() == Ingested()
    assert files(store) == ["empty.jsonl", "notes.jsonl"]


def test_text_that_is_half_a_pair_is_written_too(store: Store) -> None:
    with Segment.of(store.path) as segment:
        segment.put(run_of(1, output="\ud83d"), trace="\ud83d")
    assert store.ingest_segments() == Ingested(stored=1)
    assert store.get()[run_of(1).cell_key].output == "?"
