"""Datasets from files, frames and rows come out in one shape, or are refused with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import MissingExtra, UsageError
from agentlab.experiments.datasets import load_dataset, samples_of

ROWS = [
    {"sample_id": "a", "input": "Q1", "target": "007", "cluster_id": "x", "points": 1},
    {"sample_id": "b", "input": "Q2", "target": "NA", "cluster_id": "x", "points": 2},
]
STANDARD = ["sample_id", "input", "target", "cluster_id"]


def file(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(words: str, data: Any, **options: Any) -> str:
    with pytest.raises(UsageError, match=words) as caught:
        load_dataset(data, **options)
    return str(caught.value)


def test_every_way_to_give_the_same_rows_gives_the_same_frame(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS)
    frame.to_parquet(tmp_path / "d.parquet")
    frame.to_json(tmp_path / "d.json", orient="records")
    frame.to_json(tmp_path / "d.jsonl", orient="records", lines=True)
    frame.to_csv(tmp_path / "d.csv", index=False)
    frame.to_csv(tmp_path / "d.tsv", index=False, sep="\t")
    (tmp_path / "d.ndjson").write_text((tmp_path / "d.jsonl").read_text())
    wanted = load_dataset(frame)
    assert list(wanted.columns) == [*STANDARD, "points"]
    assert list(wanted["target"]) == ["007", "NA"]
    for given_as in (ROWS, iter(ROWS), tuple(ROWS), *sorted(tmp_path.iterdir()), str(tmp_path / "d.csv")):
        pd.testing.assert_frame_equal(load_dataset(given_as), wanted)
    assert [each.columns for each in samples_of(wanted)] == ROWS


def test_the_given_frame_is_not_changed() -> None:
    frame = pd.DataFrame({"question": ["Q"], "sample_id": [1]})
    before = frame.copy(deep=True)
    load_dataset(frame, columns={"question": "input"})
    pd.testing.assert_frame_equal(frame, before)


def test_csv_as_spreadsheets_write_it_is_read(tmp_path: Path) -> None:
    text = '\ufeffquestion,answer,code,score,note\r\n"Line one\nline two, ""quoted""",1.50,01,2,\r\n\r\nQ2,,02,3.5,x\r\n'
    frame = load_dataset(file(tmp_path, "d.csv", text), columns={"question": "input", "answer": "target"})
    assert list(frame["input"]) == ['Line one\nline two, "quoted"', "Q2"]
    assert list(frame["target"]) == ["1.50", None]
    assert list(frame["code"]) == ["01", "02"]
    assert list(frame["score"]) == [2.0, 3.5]
    assert frame["note"].isna().tolist() == [True, False]


def test_ids_are_made_from_the_content_and_survive_another_order() -> None:
    rows = [{"input": f"Q{number}", "target": number} for number in range(5)]
    ids = dict(zip(load_dataset(rows)["input"], load_dataset(rows)["sample_id"], strict=True))
    turned = load_dataset([*rows[::-1], {"input": "new"}])
    assert dict(zip(turned["input"], turned["sample_id"], strict=True)).items() >= ids.items()
    for same in (0, 0.0, "0"):
        assert load_dataset([{"target": same, "input": "Q0"}])["sample_id"][0] == ids["Q0"] == "c67570c6cda0"
    assert list(turned["cluster_id"]) == list(turned["sample_id"])


@given(st.lists(st.text().filter(lambda text: text.strip() != ""), min_size=1, unique=True))
def test_any_distinct_texts_make_a_dataset_with_distinct_ids(texts: list[str]) -> None:
    frame = load_dataset([{"input": text} for text in texts])
    assert list(frame["input"]) == texts
    assert frame["sample_id"].is_unique


def test_ids_and_clusters_are_text_and_a_gap_in_a_cluster_is_a_cluster_of_its_own() -> None:
    frame = load_dataset(
        pd.DataFrame({"sample_id": [1.0, 2.0], "input": [5, "Q"], "cluster_id": [7, np.nan]})
    )
    assert frame[STANDARD].to_numpy().tolist() == [["1", "5", None, "7"], ["2", "Q", None, "2"]]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("d.csv", "input,target\na,b\nc\n", r"d.csv, line 3: 1 cells where the header has 2"),
        ("d.csv", 'input,target\na,"b\n', r"d.csv, line 2: unexpected end of data"),
        ("d.csv", "input,input\na,b\n", "the column `input` is there twice"),
        ("d.csv", "", "is empty: it has neither rows nor columns"),
        ("d.csv", "input,target\n", "is empty: it has columns and no rows"),
        ("d.csv", b"input\n\xff\n", "is not UTF-8"),
        ("d.csv", "input\n" + "x" * 200_000 + "\n", "line 2: field larger .* fit in JSONL or Parquet"),
        ("d.jsonl", '{"input": "a"}\n\n{"input": "b"\n', "d.jsonl, line 3: not JSON"),
        ("d.jsonl", '{"input": "a"}\n["b"]\n', "d.jsonl, line 2: a row is a JSON object, not a list"),
        ("d.jsonl", "\n\n", "is empty"),
        (
            "d.json",
            '{"input": "a"}',
            "a JSON dataset is a list of objects, not an object; one object a line is JSONL",
        ),
        ("d.json", '[{"input": "a"}, 5]', "item 2: a row is a JSON object, not a number"),
        ("d.json", "[", "d.json: not JSON"),
        ("d.parquet", b"PAR1 no", "not readable as Parquet"),
        ("d.xlsx", "x", r"suffix '.xlsx'; these can be read: .csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str | bytes, words: str
) -> None:
    refused(words, file(tmp_path, name, text))


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    refused("does not exist", tmp_path / "no.csv")
    refused("does not exist", "no/such.csv")
    (tmp_path / "d.csv").mkdir()
    refused("is a folder", tmp_path / "d.csv")


def test_a_name_with_a_typo_gets_a_suggestion_and_the_list() -> None:
    message = refused("did you mean `arithmetic_tools`", "arithmetic_tool")
    assert "`long_documents`" in message
    refused("there is no dataset `zzz`. There are `arithmetic_tools`", "zzz")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "the list of rows is empty"),
        (
            [{"question": "a"}],
            r'it has `question`. If `question` is meant: `columns=\{"question": "input"\}`',
        ),
        ([{"Input": "a"}], r'columns=\{"Input": "input"\}'),
        ([{"xyz": "a"}], r'it has `xyz`. Name yours: `columns=\{"<yours>": "input"\}`'),
        ([{"input": "a"}, {"input": None}, {"input": " "}], "has no input in rows 2, 3; fill or drop them"),
        ([{"input": float("nan")}], "has no input in row 1; fill or drop it"),
        ([{"input": ["a"]}], r"an input that is no text in row 1 \(list\)"),
        (
            [{"input": "a", "sample_id": 1}, {"input": "b", "sample_id": "1"}],
            "1 sample id more than once: '1' in rows 1, 2",
        ),
        ([{"input": "a", "sample_id": 1}, {"input": "b"}], "has no `sample_id` in row 2"),
        ([{"input": "a"}, {"input": "b"}, {"input": "a"}], "rows that are equal in every column: rows 1, 3"),
        (["a"], "row 1 of the list is str, not a dict"),
        ({"input": "a"}, "not dict"),
        (5, "not int"),
    ],
)
def test_rows_that_make_no_dataset_are_refused_with_what_to_do(rows: Any, words: str) -> None:
    refused(words, rows)


def test_many_bad_rows_are_named_in_short() -> None:
    rows = [{"input": None} for _ in range(12)]
    assert "rows 1, 2, 3, 4, 5 and 7 more" in refused("no input", rows)


def test_columns_are_renamed_and_a_wrong_mapping_is_refused() -> None:
    rows = [{"question": "a", "input": "b"}]
    refused(r"the column `input` twice \(after renaming\)", rows, columns={"question": "input"})
    refused(
        "has no column `questoin` to rename; .* Did you mean `question`", rows, columns={"questoin": "input"}
    )
    frame = load_dataset(rows, columns={"question": "other"})
    assert (frame["input"][0], frame["other"][0]) == ("b", "a")


def test_a_needed_column_must_be_there_and_filled() -> None:
    rows = [{"input": "a", "answer": 1, "notes": "x"}, {"input": "b", "answer": 2, "notes": None}]
    assert [each.target for each in samples_of(rows, ["input"])] == [None, None]
    for needs, words in (
        (["target"], r'nothing in `target`, which is needed; .*columns=\{"answer": "target"\}'),
        (["note"], "no column `note`, which is needed; .* Did you mean `notes`"),
        (["notes"], "no `notes` in row 2, which is needed"),
    ):
        with pytest.raises(UsageError, match=words):
            samples_of(rows, needs)
    assert [each.target for each in samples_of(rows, ["target"], columns={"answer": "target"})] == [1, 2]


def test_cells_become_plain_data_that_json_can_hold() -> None:
    frame = pd.DataFrame(
        {
            "input": ["a"],
            "target": [np.array([1, 2])],
            "when": [pd.Timestamp("2026-03-02T09:00:00Z")],
            "missing": [pd.NaT],
            "nested": [{"a": (np.int64(1), None)}],
            "number": np.array([3], dtype="int8"),
            "maybe": pd.array([None], dtype="Int64"),
        }
    )
    (only,) = samples_of(frame)
    assert only.target == [1, 2]
    assert only.columns | {"sample_id": "", "cluster_id": ""} == {
        "sample_id": "",
        "input": "a",
        "target": [1, 2],
        "cluster_id": "",
        "when": "2026-03-02T09:00:00+00:00",
        "missing": None,
        "nested": {"a": [1, None]},
        "number": 3,
        "maybe": None,
    }
    assert type(only.columns["number"]) is int


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[parquet\]"):
        load_dataset(file(tmp_path, "d.parquet", b"x"))
