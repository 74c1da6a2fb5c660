from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ProtocolError
from agentlab.http import Frame, Framer, JSONArrayFramer, NDJSONFramer
from tests.http.splits import cut, every_way, feed_all, outcome, places

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"\\{}[],:\n\ré🎉', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('k"\\}]', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.lists(st.dictionaries(st.text('k"\\{', max_size=3), values, max_size=3), max_size=5)
spaces = st.sampled_from(["", " ", "\n", "\r\n", "\t "])


def text_of(value: Any, ascii_only: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii_only)


@given(elements=objects, gap=spaces, ascii_only=st.booleans(), where=places)
def test_each_element_of_an_array_is_a_frame_however_it_is_cut(
    elements: list[Any], gap: str, ascii_only: bool, where: list[int]
) -> None:
    texts = [text_of(element, ascii_only) for element in elements]
    body = f"{gap}[{gap}{f'{gap},{gap}'.join(texts)}{gap}]{gap}".encode()
    assert outcome(JSONArrayFramer(), cut(body, where)) == ([Frame(text.encode()) for text in texts], "")


@given(
    body=st.text(alphabet='[]{}",\\ a', max_size=30), where=places, cap=st.integers(1, 12), tail=st.booleans()
)
def test_no_garbage_makes_the_array_depend_on_the_cuts(
    body: str, where: list[int], cap: int, tail: bool
) -> None:
    raw = body.encode()
    whole = outcome(JSONArrayFramer(max_event_bytes=cap), [raw], dispatch_tail=tail)
    assert outcome(JSONArrayFramer(max_event_bytes=cap), cut(raw, where), dispatch_tail=tail) == whole


def test_an_element_is_there_with_its_last_brace() -> None:
    framer = JSONArrayFramer()
    assert framer.feed(b'[{"a": "}"}') == [Frame(b'{"a": "}"}')]
    assert framer.feed(b'\n,\r\n{"b": [{}]}') == [Frame(b'{"b": [{}]}')]
    assert framer.feed(b"]") == []
    assert framer.finish(dispatch_tail=True) == []


def test_a_body_that_is_one_object_is_one_frame() -> None:
    body = b' {"error": {"code": 404, "message": "no \\"model\\""}} \n'
    for chunks in every_way(body):
        assert outcome(JSONArrayFramer(), chunks) == ([Frame(body.strip())], "")


@pytest.mark.parametrize(
    "body", [b"<html>", b"[1]", b"[{} {}]", b"[,{}]", b"[{}],", b"{}{}", b"]", b'"text"', b"[[{}]]"]
)
def test_what_is_no_array_of_objects_is_an_error(body: bytes) -> None:
    for chunks in every_way(body):
        assert "JSON array" in outcome(JSONArrayFramer(), chunks)[1]


def test_a_cut_element_is_dispatched_on_demand_alone() -> None:
    assert outcome(JSONArrayFramer(), [b'[{"a": 1}, {"b": "x']) == ([Frame(b'{"a": 1}')], "")
    assert outcome(JSONArrayFramer(), [b'[{"b": "x'], dispatch_tail=True) == ([Frame(b'{"b": "x')], "")


@given(elements=st.lists(values, max_size=6), end=st.sampled_from(["\n", "\r\n", "\n\n"]), where=places)
def test_each_line_is_a_frame_however_it_is_cut(elements: list[Any], end: str, where: list[int]) -> None:
    texts = [json.dumps(element) for element in elements]
    body = "".join(text + end for text in texts).encode()
    assert outcome(NDJSONFramer(), cut(body, where)) == ([Frame(text.encode()) for text in texts], "")


@given(body=st.text(alphabet="ab \r\n", max_size=30), where=places, cap=st.integers(1, 6), tail=st.booleans())
def test_the_cap_on_lines_does_not_depend_on_the_cuts(
    body: str, where: list[int], cap: int, tail: bool
) -> None:
    raw = body.encode()
    whole = outcome(NDJSONFramer(max_event_bytes=cap), [raw], dispatch_tail=tail)
    assert outcome(NDJSONFramer(max_event_bytes=cap), cut(raw, where), dispatch_tail=tail) == whole


def test_a_last_line_without_line_end_is_dispatched_on_demand_alone() -> None:
    assert outcome(NDJSONFramer(), [b'{"a":1}\n{"b":2}']) == ([Frame(b'{"a":1}')], "")
    assert outcome(NDJSONFramer(), [b'{"b":', b"2} "], dispatch_tail=True) == ([Frame(b'{"b":2}')], "")


@pytest.mark.parametrize(
    "framer", [NDJSONFramer(max_event_bytes=1000), JSONArrayFramer(max_event_bytes=1000)]
)
def test_a_frame_over_the_cap_raises_and_nothing_of_it_is_kept(framer: Framer) -> None:
    with pytest.raises(ProtocolError, match="more than 1,000 bytes"):
        feed_all(framer, [b'{"a":"', *[b"x" * 100] * 100])
    assert not framer._pending
    assert framer.stray_lines == ()
    with pytest.raises(ProtocolError):
        framer.finish()


def test_strings_end_where_json_says() -> None:
    element = rb'{"a\\": "\\", "b": "\"}", "c": "\u007d\\\\\"{"}'
    json.loads(element)
    for chunks in every_way(b"[" + element + b"]"):
        assert outcome(JSONArrayFramer(), chunks) == ([Frame(element)], "")
