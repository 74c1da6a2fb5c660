"""Frames go to Parquet and come back as they were, and can be asked in SQL."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from agentlab.errors import MissingExtra, StoreWriteFailed, UsageError
from agentlab.experiments.store.exporting import from_parquet, sql, to_parquet


@pytest.fixture
def runs() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "sweep_id": ["b/1", "a", "b/1"],
            "ordering": pd.Categorical(
                ["docs_last", "static", "static"], ["static", "docs_last"], ordered=True
            ),
            "input_tokens": pd.array([100, None, 0], dtype="Int64"),
            "cost_usd": [0.5, float("nan"), 0.25],
            "started_at": pd.to_datetime([1, 2, 3], unit="s", utc=True).astype("datetime64[us, UTC]"),
            "output": ["é", None, ""],
        }
    )
    frame.attrs["agentlab_schema"] = 1
    return frame


def test_frames_come_back_with_their_types_order_and_attributes(runs: pd.DataFrame, tmp_path: Path) -> None:
    paths = to_parquet({"runs": runs, "turns": runs[["cost_usd"]]}, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["runs.parquet", "turns.parquet"]
    back = from_parquet(tmp_path / "new" / "folder")
    assert list(back) == ["runs", "turns"]
    assert_frame_equal(back["runs"], runs)
    assert back["runs"].attrs == {"agentlab_schema": 1}


def test_a_partitioned_frame_comes_back_whole(runs: pd.DataFrame, tmp_path: Path) -> None:
    paths = to_parquet({"runs": runs, "turns": runs[["cost_usd"]]}, tmp_path, partition_by="sweep_id")
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "runs/sweep_id=a/part.parquet",
        "runs/sweep_id=b%2F1/part.parquet",
        "turns.parquet",
    ]
    expected = runs.sort_values("sweep_id", kind="stable").reset_index(drop=True)
    assert_frame_equal(from_parquet(tmp_path)["runs"], expected)


def test_a_column_of_mixed_objects_is_written_as_json(tmp_path: Path) -> None:
    mixed = pd.DataFrame(
        {"target": pd.Series([1, "b", {"c": [2]}, None], dtype=object), "names": [["a"], [], ["b"], []]}
    )
    to_parquet({"runs": mixed}, tmp_path)
    back = from_parquet(tmp_path)["runs"]
    assert back["target"].tolist()[:3] == ["1", '"b"', '{"c": [2]}']
    assert pd.isna(back["target"][3])
    assert [list(names) for names in back["names"]] == [["a"], [], ["b"], []]
    assert mixed["target"][0] == 1


def test_frames_and_files_are_tables_of_one_query(runs: pd.DataFrame, tmp_path: Path) -> None:
    to_parquet({"turns": runs[["sweep_id", "cost_usd"]]}, tmp_path)
    to_parquet({"parts": runs}, tmp_path / "it's", partition_by="sweep_id")
    tables = {"runs": runs, "turns": tmp_path / "turns.parquet", "parts": str(tmp_path / "it's")}
    joined = sql(
        "SELECT ordering, sum(turns.cost_usd) AS cost FROM runs JOIN turns USING (sweep_id) "
        "WHERE sweep_id = 'b/1' GROUP BY ALL ORDER BY ordering",
        tables,
    )
    assert joined["cost"].tolist() == [0.75, 0.75]
    assert sql("SELECT count(*) AS n FROM parts WHERE input_tokens IS NULL", tables)["n"].tolist() == [1]


@pytest.mark.parametrize(
    ("query", "said"),
    [("SELECT * FROM nowhere", r"nowhere.*\n?[\s\S]*\(tables: runs\)"), ("SELEC 1", "syntax"), ("SELECT nothing FROM runs", "nothing")],
)  # fmt: skip
def test_a_query_that_is_refused_says_why(runs: pd.DataFrame, query: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sql(query, {"runs": runs})


def test_a_query_never_fetches_an_extension(runs: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match=r"(?i)extension"):
        sql("SELECT * FROM sqlite_scan('a.db', 'runs')", {"runs": runs})


def test_wrong_input_is_refused_before_anything_is_written(runs: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'\.\./runs' is no name for a frame"):
        to_parquet({"../runs": runs}, tmp_path)
    with pytest.raises(UsageError, match="no frame has a column 'sweep'"):
        to_parquet({"runs": runs}, tmp_path, partition_by="sweep")
    with pytest.raises(UsageError, match="there is no Parquet file in"):
        from_parquet(tmp_path)
    with pytest.raises(UsageError, match="no Parquet file or folder"):
        sql("SELECT 1", {"runs": tmp_path / "none"})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_left(
    runs: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreWriteFailed, match="could not be written"):
        to_parquet({"runs": runs}, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("package", "extra"), [("pyarrow", "parquet"), ("duckdb", "duckdb")])
def test_a_missing_package_names_its_extra(
    package: str, extra: str, runs: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    uses = {"duckdb": lambda: sql("SELECT 1", {}), "pyarrow": lambda: to_parquet({"runs": runs}, tmp_path)}
    with pytest.raises(MissingExtra, match=rf"pip install 'agentlab\[{extra}\]'"):
        uses[package]()
