"""A type as columns of a DataFrame: one for each field, those of nested objects flattened, with pandas' own types."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import pandas as pd
from msgspec import Struct
from pydantic import BaseModel, RootModel, TypeAdapter

from agentlab.errors import UsageError

__all__ = ["Column", "columns_of"]

_VALUE: Final = "value"
_PLAIN: Final = {bool: "boolean", int: "Int64", float: "Float64", str: "str", timedelta: "timedelta64[us]"}
_SEPARATOR: Final = "."


class Column(Struct, frozen=True):
    """A column of a type.

    Attributes:
        name: The field's name; of a nested field the names on the way to it, with dots between.
        path: These names; empty for a type without fields, which has one column.
        dtype: pandas' type; `datetime` is with or without time zone, as the values are, and `category` has `categories`.
        categories: What a category may be, in the type's order.
    """

    name: str
    path: tuple[str, ...]
    dtype: str
    categories: tuple[Any, ...] = ()

    def series(self, values: Sequence[Any], index: pd.Index[Any]) -> pd.Series[Any]:
        """The column of these values of the type; None stands for a row without one.

        Values that do not fit pandas' type, such as integers of more than 64 bits, make it a column of objects.
        """
        cells = [None if value is None else self._cell(value) for value in values]
        try:
            return self._typed(cells, index)
        except (TypeError, ValueError, OverflowError):
            return pd.Series(cells, index=index, dtype="object")

    def _cell(self, value: Any) -> Any:
        for name in self.path:
            if value is None:
                return None
            value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        if self.dtype == "object":
            return None if value is None else _ANY.dump_python(value)
        value = value.value if isinstance(value, Enum) else value
        return str(value) if self.dtype == "str" and value is not None else value

    def _typed(self, cells: list[Any], index: pd.Index[Any]) -> pd.Series[Any]:
        if self.dtype == "category":
            return pd.Series(pd.Categorical(cells, categories=list(self.categories)), index=index)
        if self.dtype != "datetime":
            return pd.Series(cells, index=index, dtype=self.dtype)
        zoned = {getattr(cell, "tzinfo", None) is not None for cell in cells if cell is not None}
        if zoned == {True}:
            return pd.Series(pd.to_datetime(pd.Series(cells, index=index), utc=True)).astype(
                "datetime64[us, UTC]"
            )
        if zoned == {True, False}:
            raise ValueError("moments with and without a time zone")
        return pd.Series(cells, index=index, dtype="datetime64[us]")


_ANY: Final[TypeAdapter[Any]] = TypeAdapter(Any)


def columns_of(output: Any) -> tuple[Column, ...]:
    """The columns of a type, in the order of its fields.

    A type without fields of its own (a list, a number, a union of models) has one column, `value`. A field whose type
    comes back to itself is one column too.

    Raises:
        UsageError: Two columns would have one name.
    """
    columns = tuple(_columns(output, (), ()))
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"two fields of the type would be the column `{twice[0]}`; rename one of them")
    return columns


def _columns(annotation: Any, path: tuple[str, ...], above: tuple[Any, ...]) -> Iterator[Column]:
    kind = _bare(annotation)
    fields = None if kind in above else _fields(kind)
    if fields:
        for name, inner in fields:
            yield from _columns(inner, (*path, name), (*above, kind))
        return
    dtype, categories = _dtype(kind)
    yield Column(_SEPARATOR.join(path) or _VALUE, path, dtype, categories)


def _bare(annotation: Any) -> Any:
    """The type without what is written around it: metadata, names of its own, `| None`."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, types.UnionType}:
            real = [each for each in get_args(annotation) if each is not type(None)]
            if len(real) != 1:
                return annotation
            annotation = real[0]
        elif hasattr(annotation, "__supertype__"):  # NewType
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):  # a `type` statement
            annotation = annotation.__value__
        else:
            return annotation


def _fields(kind: Any) -> list[tuple[str, Any]] | None:
    """The fields of a type that has some: a model, a dataclass, a TypedDict."""
    if isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, RootModel):
        return [(name, field.annotation) for name, field in kind.model_fields.items()]
    if not (dataclasses.is_dataclass(kind) or typing.is_typeddict(kind) or hasattr(kind, "__total__")):
        return None
    try:
        hints = typing.get_type_hints(kind)
    except NameError:  # it names a type that is not to be found from its module
        return None
    named = (
        [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else list(hints)
    )
    return [(name, hints[name]) for name in named]


def _dtype(kind: Any) -> tuple[str, tuple[Any, ...]]:
    if get_origin(kind) is Literal:
        options = tuple(option for option in get_args(kind) if option is not None)
        return "category", tuple(
            dict.fromkeys(each.value if isinstance(each, Enum) else each for each in options)
        )
    if get_origin(kind) in {Union, types.UnionType}:
        kinds = {_dtype(_bare(each))[0] for each in get_args(kind) if each is not type(None)}
        return ("Float64", ()) if kinds == {"Int64", "Float64"} else ("object", ())
    if not isinstance(kind, type):
        return "object", ()
    if issubclass(kind, Enum):
        return "category", tuple(dict.fromkeys(member.value for member in kind))
    if issubclass(kind, datetime | date):
        return "datetime", ()
    return _PLAIN.get(kind, "str" if issubclass(kind, str) else "object"), ()
