"""Types as columns: every value of every type finds its place, and comes out as it went in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NewType

import pandas as pd
import pytest
from hypothesis import given, settings
from pydantic import BaseModel, Field, RootModel
from typing_extensions import TypedDict

from agentlab.agent.extraction.columns import columns_of
from agentlab.errors import UsageError
from tests.agent.typed.test_output_type import typed_values

PAIR = pd.RangeIndex(2)


def at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = None if value is None else getattr(value, name)
    return value


@settings(max_examples=40)
@given(typed_values())
def test_every_value_of_every_type_has_its_cells(typed: tuple[Any, Any]) -> None:
    kind, value = typed
    for column in columns_of(kind):
        cells = column.series([value, None], PAIR)
        expected = at(value, column.path)
        assert pd.isna(cells[1])
        if expected is None:
            assert pd.isna(cells[0])
        elif column.dtype in {"boolean", "Int64", "Float64", "str"}:
            assert cells[0] == (expected if column.dtype != "str" else str(expected))
            assert str(cells.dtype) in {column.dtype, "object"}


class Inner(TypedDict, total=False):
    depth: int


Name = NewType("Name", str)
type_of_own: Any = Annotated[int | None, Field(description="How many")]


class Outer(BaseModel):
    name: Name
    count: type_of_own = None
    inner: Annotated[Inner | None, Field()] = None
    words: RootModel[list[str]] | None = None


def test_what_is_written_around_a_type_does_not_matter() -> None:
    columns = columns_of(Outer)
    assert [(column.name, column.dtype) for column in columns] == [
        ("name", "str"),
        ("count", "Int64"),
        ("inner.depth", "Int64"),
        ("words", "object"),
    ]
    value = Outer.model_validate({"name": "a", "inner": {}, "words": ["x"]})
    cells = {column.name: column.series([value, None], PAIR)[0] for column in columns}
    assert cells["name"] == "a"
    assert pd.isna(cells["inner.depth"])
    assert cells["words"] == ["x"]
    assert [column.name for column in columns_of(Outer | None)] == [column.name for column in columns]
    assert [column.name for column in columns_of(Outer | Inner)] == ["value"]


def test_moments_with_and_without_a_zone_stay_as_they_are() -> None:
    (column,) = columns_of(datetime)
    naive, aware = datetime(2026, 1, 2), datetime.fromisoformat("2026-01-02T00:00:00+02:00")  # noqa: DTZ001 - the point
    assert str(column.series([naive, None], PAIR).dtype) == "datetime64[us]"
    assert str(column.series([None, aware], PAIR).dtype) == "datetime64[us, UTC]"
    assert column.series([naive, aware], PAIR).tolist() == [naive, aware]


def test_two_columns_of_one_name_are_refused() -> None:
    dotted = TypedDict("dotted", {"a.b": int, "a": TypedDict("a", {"b": int})})  # type: ignore[operator]
    with pytest.raises(UsageError, match=r"would be the column `a.b`"):
        columns_of(dotted)
