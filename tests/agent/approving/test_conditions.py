"""A condition holds, does not hold, or cannot be said; and one that makes no sense is refused when it is written."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.agent.approving.conditions import ABSENT, check_condition, holds
from agentlab.errors import MissingExtra, UsageError

HOST = {"host": ["docs.python.org", "*.example.com"]}
INSIDE = {"inside": "docs"}


@pytest.mark.parametrize(
    ("condition", "value", "answer"),
    [
        ("a*", "abc", True),
        ("a*", "xabc", False),
        ("A*", "abc", False),
        ("*", 5, None),
        ("*", ABSENT, False),
        ("*", None, False),
        ({"glob": ["a*", "b*"]}, "bc", True),
        ({"regex": "[a-z]+"}, "abc", True),
        ({"regex": "[a-z]+"}, "abc1", False),
        ({"regex": "(a+)+$"}, "a" * 5_000 + "!", False),
        ({"equals": 5}, 5.0, True),
        ({"equals": 5}, "5", None),
        ({"equals": True}, 1, None),
        ({"equals": None}, None, True),
        ({"equals": "x"}, None, False),
        ({"one_of": ["a", "b"]}, "b", True),
        ({"one_of": ["a", 1]}, "b", None),
        ({"at_least": 1, "at_most": 3}, 2, True),
        ({"at_least": 1, "at_most": 3}, 4, False),
        ({"at_most": 3}, "2", None),
        ({"at_most": 3}, True, None),
        ({"present": True}, "x", True),
        ({"present": False}, ABSENT, True),
        ({"any": "a*"}, ["b", "ab"], True),
        ({"any": "a*"}, ["b", 3], None),
        ({"every": "a*"}, ["ab", "ac"], True),
        ({"every": "a*"}, ["ab", "b"], False),
        ({"every": "a*"}, "ab", None),
        ({"fields": {"path": "a*"}}, {"path": "ab"}, True),
        ({"fields": {"path": "a*"}}, {"other": "ab"}, False),
        ({"fields": {"path": "a*"}}, "ab", None),
        ({"not": "a*"}, "b", True),
        ({"not": "a*"}, 5, None),
    ],
)
def test_what_holds(condition: Any, value: Any, answer: bool | None) -> None:
    check_condition(condition, "the condition")
    assert holds(condition, value) is answer


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("https://docs.python.org/3/", True),
        ("HTTPS://DOCS.PYTHON.ORG", True),
        ("https://docs.python.org.:443/x", True),
        ("https://a.example.com/?u=docs", True),
        ("https://example.com/", False),
        ("https://docs.python.org.evil.test/", False),
        ("https://evil.test/docs.python.org", False),
        ("https://evil.test#@docs.python.org", False),
        ("https://docs.python.org@evil.test/", None),
        ("https://evil.test\\@docs.python.org/", None),
        ("https://docs.python.org\t.evil.test/", None),
        (" https://docs.python.org/", None),
        ("https://docs.python.org%2eevil.test/", None),
        ("https://docs.pythön.org/", None),
        ("ftp://docs.python.org/", None),
        ("//docs.python.org/", None),
        ("https:docs.python.org", None),
        ("https://docs.python.org:x/", None),
        ("https://[::1", None),
        ("javascript:alert(1)", None),
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_of_no_host(url: str, answer: bool | None) -> None:
    assert holds(HOST, url) is answer


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("docs", True),
        ("docs/", True),
        ("docs/a/b.md", True),
        ("./docs//a", True),
        ("x/../docs/a", True),
        ("docs/../docs/a", True),
        ("docs2/a", False),
        ("docs/../secret", False),
        ("secret", False),
        ("", False),
        ("/docs/a", None),
        ("../ws/docs/a", None),
        ("docs/../../docs/a", None),
        ("~/docs", None),
        ("docs\\..\\secret", None),
        ("docs\0", None),
    ],
)
def test_a_path_is_in_a_folder_once_its_dots_are_worked_out(path: str, answer: bool | None) -> None:
    assert holds(INSIDE, path) is answer


@given(st.lists(st.sampled_from(["docs", "..", ".", "", "a", "secret"]), max_size=8))
def test_no_spelling_of_a_path_outside_is_inside(steps: list[str]) -> None:
    place: list[str] = []
    for step in steps:
        if step == "..":
            if not place:
                place = ["outside"] * 99
            place.pop()
        elif step not in {"", "."}:
            place.append(step)
    if holds(INSIDE, "/".join(steps).lstrip("/")) is True:
        assert place[:1] == ["docs"]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (5, "a glob or an object of tests"),
        ({}, "a glob or an object of tests"),
        ("", "a text that is not empty"),
        ("a[b", "never closed"),
        ("a[]b", "never closed"),
        ({"regx": "a"}, "which there is not"),
        ({"regex": "("}, "no regular expression"),
        ({"regex": r"(a)\1"}, "no regular expression"),
        ({"regex": 5}, "a text"),
        ({"host": []}, "not empty"),
        ({"host": [5]}, "a text"),
        ({"inside": "../x"}, "climb out"),
        ({"inside": "~"}, "climb out"),
        ({"at_least": "5"}, "a number"),
        ({"at_least": True}, "a number"),
        ({"at_least": float("nan")}, "a number"),
        ({"at_least": 5, "at_most": 4}, "can never hold"),
        ({"one_of": []}, "a list"),
        ({"one_of": "ab"}, "a list"),
        ({"present": "yes"}, "true or false"),
        ({"any": {"nope": 1}}, "which there is not"),
        ({"fields": {}}, "names and conditions"),
        ({"fields": {"path": "a["}}, "`path` in"),
    ],
)
def test_a_condition_that_can_never_hold_is_refused_where_it_is_written(condition: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_condition(condition, "the condition on `url`")


def test_a_condition_nested_without_end_is_refused() -> None:
    deep: Any = "a*"
    for _ in range(20):
        deep = {"not": deep}
    with pytest.raises(UsageError, match="nested deeper"):
        check_condition(deep, "the condition")


def test_brackets_of_a_glob_are_read_as_the_matcher_reads_them() -> None:
    check_condition("a[[]b[!x]c[]]", "the condition")
    assert holds("a[[]b[!x]c[]]", "a[byc]") is True


def test_a_pattern_without_its_engine_is_refused_by_the_name_of_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[workspace\]"):
        check_condition({"regex": "a pattern of this test alone"}, "the condition")
