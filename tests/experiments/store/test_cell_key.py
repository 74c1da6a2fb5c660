"""A cell's key is the same for the same content everywhere, another for any other, and can say what changed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.experiments.store import CellKey, KeyPart
from agentlab.experiments.store.canonical import canonical_json
from tests.experiments.store.rows import JSON


class Setting(msgspec.Struct):
    name: str
    value: float


@dataclasses.dataclass
class Point:
    x: int


PARTS = st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=5)


@settings(max_examples=40)
@given(PARTS)
def test_the_order_of_parts_changes_nothing(parts: dict[str, Any]) -> None:
    backwards = dict(reversed(parts.items()))
    assert CellKey.of(backwards).digest == CellKey.of(parts).digest
    assert CellKey.of(backwards).changes_from(CellKey.of(parts)) == ()


@settings(max_examples=40)
@given(JSON)
def test_a_value_and_what_json_makes_of_it_are_one(value: Any) -> None:
    assert canonical_json(msgspec.json.decode(msgspec.json.encode(value))) == canonical_json(value)


@settings(max_examples=40)
@given(PARTS, st.data())
def test_a_changed_part_changes_the_key_and_is_named(parts: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(parts)))
    changed = {**parts, name: [parts[name], "changed"]}
    assert CellKey.of(changed).digest != CellKey.of(parts).digest
    assert [change.name for change in CellKey.of(changed).changes_from(CellKey.of(parts))] == [name]


@settings(max_examples=40)
@given(PARTS)
def test_a_key_survives_json(parts: dict[str, Any]) -> None:
    key = CellKey.of(parts)
    again = msgspec.json.decode(msgspec.json.encode(key), type=CellKey)
    assert again == key
    assert again.digest == key.digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1.0, 1),
        (-0.0, 0),
        ((1, 2), [1, 2]),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
        ({3, 1, 2}, frozenset([2, 3, 1])),
        (np.float64(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (Setting("t", 1.0), {"name": "t", "value": 1}),
        (Point(1), {"x": 1}),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (math.nan, float("nan")),
        (bytearray(b"a"), b"a"),
    ],
)
def test_equal_content_is_one_key(one: object, other: object) -> None:
    assert KeyPart.of(one).hash == KeyPart.of(other).hash


@pytest.mark.parametrize(
    ("one", "other"), [(1, "1"), (None, ""), (0, False), (0.1, 0.2), (math.inf, -math.inf), ([], {}), (b"a", "a"), (2**70, 2**70 + 1)]
)  # fmt: skip
def test_other_content_is_another_key(one: object, other: object) -> None:
    assert KeyPart.of(one).hash != KeyPart.of(other).hash


def test_the_key_is_the_same_in_another_process_whatever_its_hash_seed() -> None:
    parts = {"tools": {"b", "a", "c"}, "levels": {"model": "m", "ordering": "é"}}
    code = f"from agentlab.experiments.store import CellKey; print(CellKey.of({parts!r}).digest)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        cwd=Path(__file__).parents[3], env={"PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert done.stdout.strip() == CellKey.of(parts).digest


def test_the_key_does_not_change_between_versions() -> None:
    key = CellKey.of({"sample": "q", "repeat": 0, "temperature": 0.7, "tools": [{"name": "add"}]})
    assert key.digest == "b92bc680e5f0dac241f575956cbaec9423bea1deefae5b946404be52832e20e8"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (
            {"call": [print]},
            r"part\['call'\]\[0\] is a builtin_function_or_method, which has no content to hash",
        ),
        ({1: "a"}, "part has the key 1; keys must be strings"),
        (object(), "part is a object"),
    ],
)
def test_what_has_no_content_is_refused_by_its_place(value: object, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        CellKey.of({"part": value})


def test_a_cell_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one part"):
        CellKey.of({})


@pytest.mark.parametrize(
    ("stored", "wanted", "said"),
    [
        ("You are terse.", "You are terser.", "p: stored 'You are terse.', now 'You are terser.'"),
        (None, 3, "p: '3' is new; nothing was stored for it"),
        (3, None, "p: '3' was stored, and is no longer part of the cell"),
        (
            "a" * 100 + "b" + "c" * 50,
            "a" * 100 + "d",
            f"p: stored '…{'a' * 15}b{'c' * 44}…', now '…{'a' * 15}d'",
        ),
        ("a" * 500 + "b", "a" * 500 + "d", f"p: '{'a' * 60}…' differs from what was stored further on"),
    ],
)
def test_a_change_is_told_where_it_is(stored: object, wanted: object, said: str) -> None:
    def key(value: object) -> CellKey:
        return CellKey.of({"q": 1} if value is None else {"q": 1, "p": value})

    assert [str(change) for change in key(wanted).changes_from(key(stored))] == [said]


def test_what_is_shown_of_a_part_holds_no_key_even_where_it_is_cut() -> None:
    secret = "sk-" + "a1" * 20
    shown = KeyPart.of("x" * 390 + " " + secret).readable
    assert "sk-" not in shown
    assert len(shown) <= 400
    assert KeyPart.of(secret).hash != KeyPart.of(secret + "b").hash
