"""Plain annotations have the schema pydantic gives them, to the letter."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from functools import reduce
from inspect import Parameter
from operator import or_
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from agentlab.errors import InvalidToolArguments
from agentlab.tools import tool
from agentlab.tools.plain_schema import plain_schema, plain_type
from agentlab.tools.schema import Arguments

CLASSES = [str, int, float, bool, Any, list, dict]
CHOICES = [Literal["a"], Literal["a", "b"], Literal[1, 2], Literal["é", ""]]
NOT_PLAIN = [
    Literal["a", 1],
    Literal[True],
    frozenset[int],
    tuple[int, str],
    set[int],
    bytes,
    Annotated[int, Field(gt=0)],
]


def members(types: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        types.map(lambda each: list[each]),
        types.map(lambda each: dict[str, each]),
        types.map(Optional.__getitem__),
        types.map(lambda each: each | None),
        st.lists(types, min_size=1, max_size=4).map(lambda each: reduce(or_, each)),
        st.lists(types, min_size=1, max_size=3).map(lambda each: Union.__getitem__((None, *each))),
    )


ANNOTATIONS = st.recursive(st.sampled_from(CLASSES + CHOICES + NOT_PLAIN), members, max_leaves=6)
DEFAULTS = st.one_of(
    st.just(Parameter.empty), st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just([1])
)
DESCRIPTIONS = st.none() | st.text(max_size=20)
PARAMETERS = st.dictionaries(
    st.sampled_from(["a", "b", "model_dump", "schema", "self", "é"]),
    st.tuples(ANNOTATIONS, DEFAULTS, DESCRIPTIONS),
    max_size=4,
)


def function_of(parameters: dict[str, tuple[Any, Any, str | None]]) -> Callable[..., Any]:
    def function(**_: Any) -> None: ...

    told = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default, _) in parameters.items()
    ]
    function.__signature__ = inspect.Signature(told)  # type: ignore[attr-defined]
    function.__annotations__ = {name: annotation for name, (annotation, _, _) in parameters.items()}
    return function


@given(PARAMETERS)
def test_what_is_plain_is_described_as_pydantic_does(
    parameters: dict[str, tuple[Any, Any, str | None]],
) -> None:
    told = plain_schema(parameters)
    descriptions = {name: each[2] for name, each in parameters.items() if each[2] is not None}
    if told is not None:
        arguments = Arguments(function_of(parameters), descriptions, "f")
        assert json.dumps(told) == json.dumps(arguments._model.schema())
        assert arguments.schema == told


@given(
    st.recursive(
        st.sampled_from(CLASSES + CHOICES),
        lambda types: st.one_of(
            types.map(lambda each: list[each]),
            types.map(lambda each: dict[str, each]),
            types.map(Optional.__getitem__),
        ),
    )
)
def test_plain_types_are_known_however_deep(annotation: Any) -> None:
    assert plain_type(annotation) is not None


@pytest.mark.parametrize("annotation", NOT_PLAIN, ids=str)
def test_what_is_not_plain_is_left_to_pydantic(annotation: Any) -> None:
    assert plain_type(annotation) is None
    assert plain_type(list[annotation]) is None
    assert plain_schema({"a": (annotation, Parameter.empty, None)}) is None


def test_a_default_that_may_be_changed_is_left_to_pydantic() -> None:
    assert plain_schema({"a": (list, [], None)}) is None


def test_a_plain_tool_validates_as_any_other() -> None:
    @tool
    def join(words: list[str], times: int = 1, how: Literal["up", "down"] | None = None) -> str:
        return " ".join(words * times) + str(how)

    arguments = join._arguments
    assert "_model" not in vars(arguments)
    assert arguments.validated({"words": ["a"], "times": "2"}) == {"words": ["a"], "times": 2, "how": None}
    with pytest.raises(
        InvalidToolArguments, match=r"words\.0: Input should be a valid string.*how: Input should"
    ):
        arguments.validated({"words": [1], "how": "left"})
