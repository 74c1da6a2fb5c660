"""Docstrings of every style are read as the parser itself reads them."""

from __future__ import annotations

import inspect

import docstring_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.tools.schema import describe

LINES = (
    "Do a thing.",
    "",
    "More of it... and more.",
    "Args:",
    "    a: The first.",
    "    b (int): The second: with a colon.",
    "Parameters",
    "----------",
    "a : int",
    "    The first.",
    ":param a: The first.",
    ":param int b: The second.",
    "@param a: The first.",
    ".. deprecated:: 1.0",
    "Returns:",
    "    A number.",
    ":broken",
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=7))
def test_a_docstring_says_what_the_parser_finds_in_it(lines: list[str]) -> None:
    def function() -> None: ...

    function.__doc__ = "\n".join(lines)
    try:
        wanted = docstring_parser.parse(inspect.getdoc(function) or "")
    except docstring_parser.ParseError:
        with pytest.raises(docstring_parser.ParseError):
            describe(function)
        return
    description, parameters = describe(function)
    told = (wanted.short_description, wanted.long_description)
    assert description == "\n\n".join(text for text in told if text)
    assert parameters == {each.arg_name: each.description or "" for each in wanted.params}
