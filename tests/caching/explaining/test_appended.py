"""The quick proof is never wrong: what it calls an append is one, whatever texts the bodies hold."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.explaining.appended import only_appends

# Texts that look like the structure around them.
TEXTS = st.text(st.sampled_from('",]}{[:\\ab\n'), max_size=12) | st.sampled_from(
    [
        '"],"max_tokens":1}',
        ',"cache_control":{"type":"ephemeral"}',
        "]",
        '\\"',
        '{"role":"user","content":"x"}',
        '"},{"role":"user","content":"',
    ]
)
MARKER = {"cache_control": {"type": "ephemeral"}}
MESSAGES = st.builds(
    lambda role, text, marked: {
        "role": role,
        "content": [{"type": "text", "text": text, **(MARKER if marked else {})}],
    },
    st.sampled_from(["user", "assistant"]),
    TEXTS,
    st.booleans(),
)
BODIES = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["a", "b"]),
        "tools": st.lists(st.fixed_dictionaries({"name": TEXTS}), max_size=2),
        "messages": st.lists(MESSAGES, max_size=4),
        "max_tokens": st.integers(1, 2),
    }
)


def text(body: Any) -> str:
    return msgspec.json.encode(body).decode()


def bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items() if key != "cache_control"}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def is_append(one: dict[str, Any], other: dict[str, Any]) -> bool:
    before, after = bare(one), bare(other)
    messages = before.pop("messages"), after.pop("messages")
    return bool(before == after and messages[1][: len(messages[0])] == messages[0])


@given(BODIES, st.lists(MESSAGES, max_size=3), st.booleans())
def test_what_is_proved_is_true(body: dict[str, Any], more: list[Any], reorder: bool) -> None:
    order = ["messages", "model", "tools", "max_tokens"] if reorder else list(body)
    one = {key: body[key] for key in order}
    other = {**one, "messages": [*one["messages"], *more]}
    assert (
        only_appends(text(one), text(other))
        or not one["messages"]
        or any("cache_control" in str(each) for each in one["messages"])
    )
    for changed in (
        {**other, "model": "c"},
        {**other, "tools": [*other["tools"], {"name": "n"}]},
        {**other, "messages": other["messages"][1:]},
    ):
        assert not only_appends(text(one), text(changed)) or is_append(one, changed)


@given(BODIES, BODIES)
def test_two_unrelated_bodies_are_no_append_unless_they_are(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert not only_appends(text(one), text(other)) or is_append(one, other)


@given(st.lists(MESSAGES, min_size=1, max_size=4), st.lists(MESSAGES, max_size=2), st.integers(0, 60), TEXTS)
def test_a_body_with_something_put_in_is_no_append_unless_it_is(
    messages: list[Any], more: list[Any], place: int, extra: str
) -> None:
    one = {"model": "a", "messages": messages, "max_tokens": 1}
    later = text({**one, "messages": [*messages, *more]})
    spoiled = later[:place] + extra + later[place:]
    try:
        other = msgspec.json.decode(spoiled)
    except msgspec.DecodeError:
        return
    if spoiled != text(other) or not isinstance(other.get("messages"), list):
        return  # keys twice, or spaces: no body a client writes
    assert not only_appends(text(one), spoiled) or is_append(one, other)


def test_a_marker_that_moves_on_is_passed_over() -> None:
    def message(said: str, marked: bool) -> dict[str, Any]:
        return {"role": "user", "content": [{"type": "text", "text": said, **(MARKER if marked else {})}]}

    one = {"messages": [message("a", False), message("b", True)], "max_tokens": 1}
    other = {"messages": [message("a", False), message("b", False), message("c", True)], "max_tokens": 1}
    assert only_appends(text(one), text(other))
    assert only_appends(text(other), text(other))
    assert not only_appends(text(other), text(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"messages": [], "tools": [1]}, {"messages": [], "tools": [1, 2]}),
        ({"messages": [1], "stop": ["a"]}, {"messages": [1], "stop": ["a", "b"]}),
        (
            {"messages": [{"role": "user", "content": ["a"]}]},
            {"messages": [{"role": "user", "content": ["a", "b"]}]},
        ),
        ({"a": {"messages": [1]}}, {"a": {"messages": [1, {"role": "user"}]}}),
        ({"messages": [1]}, {"messages": [1, {"role": "user", "content": [{"type": "image"}]}]}),
    ],
)
def test_lists_that_grow_elsewhere_are_left_to_the_careful_comparison(one: Any, other: Any) -> None:
    assert not only_appends(text(one), text(other))
