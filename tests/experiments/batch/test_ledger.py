"""What is known of batches survives, and what is no ledger is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.experiments.batch import JsonFileLedger
from agentlab.experiments.batch.call import wire_id
from agentlab.experiments.batch.ledger import BatchRecord, Records


def record(key: str, *custom_ids: str, batch_id: str | None = None) -> BatchRecord:
    return BatchRecord(
        key=key,
        vendor="openai",
        base_url="u",
        count=len(custom_ids),
        custom_ids=custom_ids,
        planned_at=1.5,
        batch_id=batch_id,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "batches.json"


def test_records_come_back_oldest_first_from_another_process(path: Path) -> None:
    first, second = record("z", "a", "b"), record("y", "c", batch_id="batch_1")
    for each in (first, second):
        Records(JsonFileLedger(path)).put(each)
    assert Records(JsonFileLedger(path)).open() == [first, second]


def test_a_record_is_open_until_all_its_outcomes_are_handed_over(path: Path) -> None:
    records = Records(JsonFileLedger(path))
    records.put(record("k", "a", "b"))
    left = records.hand_over(records.open()[0], {"a", "x"})
    assert records.open() == [left]
    assert left.custom_ids == ("b",)
    records.hand_over(left, {"b"})
    assert records.open() == []
    assert '\\"key\\":\\"k\\"' in path.read_text()  # what was made stays known


def test_a_closed_record_is_no_longer_open(path: Path) -> None:
    records = Records(JsonFileLedger(path))
    records.put(record("k", "a"))
    records.put(record("l", "b"))
    records.close(records.open()[0])
    assert [each.key for each in records.open()] == ["l"]


def test_a_write_that_fails_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = JsonFileLedger(path)
    ledger.put("a", "1")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        ledger.put("a", "2")
    assert JsonFileLedger(path).get("a") == "1"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"batches": 3}', b"\xff"])
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"batches\.json` does not hold what is known of batches"):
        Records(JsonFileLedger(path)).put(record("k", "a"))
    assert path.read_bytes() == content


def test_a_ledger_with_other_texts_under_our_names_is_refused(path: Path) -> None:
    JsonFileLedger(path).put("batches", '{"a": 1}')
    with pytest.raises(UsageError, match="`batches` does not hold"):
        Records(JsonFileLedger(path)).open()


@given(names=st.lists(st.text(min_size=1, max_size=80), unique=True, max_size=20))
def test_ids_at_the_provider_are_acceptable_and_as_different_as_ours(names: list[str]) -> None:
    ids = [wire_id(name) for name in names]
    assert len(set(ids)) == len(names)
    for found in ids:
        assert 1 <= len(found) <= 64
        assert found.replace("_", "a").replace("-", "a").isalnum()
        assert found.isascii()


def test_the_key_of_a_cell_goes_out_as_it_is() -> None:
    assert wire_id("0a" * 32) == "0a" * 32
