"""Every public object says in one bounded line what it is: no address, no flood, the same every time."""

from __future__ import annotations

import inspect
import re
import types
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentlab as al
from agentlab.short_repr import short_repr
from tests.notebook.objects.shown_objects import plain_objects, shown_objects

MOST = 400
LONG = "a long text\nof two lines " * 400
TEXTS = ["x", LONG, "\x1b[31m\u202e\u200b"]


def problems(shown: object) -> list[str]:
    """What is wrong with an object's repr."""
    said = repr(shown)
    found = [f"{len(said)} characters"] if len(said) > MOST else []
    found += ["several lines"] if "\n" in said else []
    found += ["an address"] if re.search(r"0x[0-9a-f]{6,}", said) else []
    found += ["another every time"] if repr(shown) != said else []
    found += ["controls"] if any(letter < " " or letter == "\x1b" for letter in said) else []
    return found


def public_values() -> list[tuple[str, object]]:
    """The public names that are no functions, modules or types: those have Python's own repr."""
    values = ((name, getattr(al, name)) for name in al.__all__)
    plain = (types.ModuleType, types.FunctionType, type, types.UnionType, types.BuiltinFunctionType)
    return [
        (name, value)
        for name, value in values
        if not isinstance(value, plain)
        and not hasattr(value, "cache_info")
        and typing.get_origin(value) is None
    ]


def test_the_public_names_are_functions_types_modules_or_say_what_they_are() -> None:
    assert [(name, problems(value)) for name, value in public_values() if problems(value)] == []


@pytest.mark.parametrize("text", TEXTS)
def test_plain_objects_have_a_repr_of_one_bounded_line(text: str) -> None:
    shown = plain_objects(text)
    assert {type(each).__name__: problems(each) for each in shown if problems(each)} == {}


@pytest.mark.parametrize("text", TEXTS)
def test_objects_with_a_picture_have_a_repr_of_one_bounded_line(text: str) -> None:
    shown = shown_objects(text)
    assert {name: problems(each) for name, each in shown.items() if problems(each)} == {}


def test_a_public_class_of_plain_data_is_never_left_with_an_unbounded_repr() -> None:
    structs = [
        kind
        for name in al.__all__
        if inspect.isclass(kind := getattr(al, name)) and hasattr(kind, "__struct_fields__")
    ]
    assert len(structs) > 30
    assert [kind.__name__ for kind in structs if kind.__repr__ is __import__("msgspec").Struct.__repr__] == []


def test_what_fits_is_shown_whole_and_as_it_was_made() -> None:
    shown = al.UserMessage.of("hello", al.ToolResult("1", "add", (al.Text("3"),)))
    assert repr(shown) == (
        "UserMessage(content=(Text(text='hello'), ToolResult(call_id='1', name='add', content=(Text(text='3'),))))"
    )
    assert eval(repr(shown), vars(al)) == shown


def test_a_long_text_says_how_long_it_is() -> None:
    assert repr(al.Text("a" * 5_000)) == f"Text(text={'a' * 60!r}… (5,000 characters))"


@settings(max_examples=50)
@given(
    st.recursive(
        st.text() | st.integers() | st.binary() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_json_an_object_holds_its_repr_is_bounded(value: object) -> None:
    assert problems(al.Usage(raw={"value": value})) == []


def test_objects_without_a_repr_are_named_without_their_address() -> None:
    class Plain:
        pass

    assert short_repr(al.RequestPatch(additional_params={"x": Plain()})) == (
        "RequestPatch(additional_params={'x': <Plain>})"
    )
    assert (
        short_repr(al.RequestPatch(additional_params={"x": len}))
        == "RequestPatch(additional_params={'x': len})"
    )
