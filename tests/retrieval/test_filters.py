"""Filters: what they mean, how they are written, and that JSON keeps them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from agentlab.errors import UsageError
from agentlab.retrieval.filters import And, Comparison, F, Filter, In, Not, Or, filter_from_json
from tests.retrieval.stores.random_documents import document_lists, filters

METADATA = {"year": 2020, "lang": "en", "draft": True, "none": None, "tags": ["a"], "zero": 0, "score": 0.5}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (F("year") == 2020, True),
        (F("year") == 2020.0, True),
        (F("year") == "2020", False),
        (F("year") != 2020, False),
        (F("year") > 2019.5, True),
        (F("year") > 2020, False),
        (F("year") >= 2020, True),
        (F("year") < 2021, True),
        (F("year") <= 2019, False),
        (F("year") > "1", False),
        (F("lang") > "de", True),
        (F("lang") < "é", True),
        (F("draft") == True, True),  # noqa: E712
        (F("draft") == 1, False),
        (F("zero") == False, False),  # noqa: E712
        (F("none") == None, True),  # noqa: E711
        (F("missing") == None, True),  # noqa: E711
        (F("zero") == None, False),  # noqa: E711
        (F("missing") != "x", True),
        (F("missing") < 1, False),
        (~(F("missing") < 1), True),
        (F("tags") == "a", False),
        (F("tags") == None, False),  # noqa: E711
        (F("lang").is_in(["de", "en"]), True),
        (F("missing").is_in([1, None]), True),
        (F("lang").is_in([]), False),
        (And(()), True),
        (Or(()), False),
        ((F("year") > 2000) & (F("lang") == "en"), True),
        ((F("year") < 2000) | (F("lang") == "en"), True),
        (~((F("year") < 2000) | (F("lang") == "en")), False),
    ],
    ids=lambda value: value.to_json() if isinstance(value, Filter) else str(value),
)
def test_a_filter_says_which_documents_pass(condition: Filter, expected: bool) -> None:
    assert condition.test(METADATA) is expected


@given(filters(), document_lists(4))
def test_json_keeps_a_filter_and_its_meaning(condition: Filter, documents: list[Any]) -> None:
    again = filter_from_json(condition.to_json())
    assert again == condition
    assert all(again.test(each.metadata) == condition.test(each.metadata) for each in documents)


@given(filters(), filters(), document_lists(4))
def test_logic_has_two_values(one: Filter, other: Filter, documents: list[Any]) -> None:
    for each in documents:
        assert (~one).test(each.metadata) != one.test(each.metadata)
        assert (~(one & other)).test(each.metadata) == ((~one) | (~other)).test(each.metadata)


def test_operators_build_the_tree() -> None:
    condition = (F("a") > 1) & ~(F("b") == "x") | F("c").is_in(["y"])
    left = And((Comparison("a", "gt", 1), Not(Comparison("b", "eq", "x"))))
    assert condition == Or((left, In("c", ("y",))))
    assert len({condition, filter_from_json(condition.to_json())}) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: (F("a") > 1) and (F("b") > 1),
        lambda: 0 < F("a") < 5,
        lambda: not (F("a") > 1),
        lambda: (F("a") > 1) & True,
        lambda: 1 | (F("a") > 1),
    ],
)
def test_python_that_would_lose_a_condition_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match="parentheses"):
        wrong()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: F("") == 1,
        lambda: F("a\0") == 1,
        lambda: F(3) == 1,
        lambda: F("a") == [1],
        lambda: F("a") > None,
        lambda: F("a") < True,
        lambda: F("a").is_in([math.nan]),
        lambda: F("a") >= math.inf,
        lambda: F("a") == 2**53 + 1,
        lambda: F("a").is_in([{}]),
    ],
)
def test_a_filter_that_engines_could_not_agree_on_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"key of metadata|filter on 'a'"):
        wrong()


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"type": "like"}', '{"type": "comparison", "key": "a", "operator": "gt", "value": null}',
     '{"type": "and", "filters": [{"type": "in", "key": "a", "values": [[]]}]}'],
)  # fmt: skip
def test_json_that_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        filter_from_json(text)


def test_a_key_is_nothing_to_look_up_by() -> None:
    with pytest.raises(TypeError):
        hash(F("a"))
