"""Entries as JSON: nothing is lost, nothing but data comes back."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import SessionCorrupt, UsageError
from agentlab.messages import AssistantMessage, Text, ToolResult, UserMessage
from agentlab.sessions import (
    AssistantSaid,
    Branched,
    Configured,
    Entry,
    Noticed,
    ToolAnswered,
    Unknown,
    UserSaid,
)
from agentlab.sessions.entries import entry_from_json, entry_to_json, kind_of
from agentlab.sessions.tokens import tokens_of
from tests.messages.strategies import assistant_messages, json_objects, tool_results, user_messages, words
from tests.sessions.gauntlet import sample
from tests.sessions.scripted import one_of_each

entries: st.SearchStrategy[Entry] = (
    st.builds(UserSaid, user_messages, words)
    | st.builds(AssistantSaid, assistant_messages, words, cost_usd=st.none() | st.floats(0, 10))
    | st.builds(ToolAnswered, tool_results, words, words)
    | st.builds(Configured, json_objects)
    | st.builds(Noticed, words, words)
)


def again(entry: Entry) -> Entry | Unknown:
    """The entry, written and read."""
    return entry_from_json(entry_to_json(entry), kind_of(entry))


def test_every_kind_is_read_back_as_it_was() -> None:
    every = (*one_of_each(), Branched("b", 0, 3))
    assert {type(entry) for entry in every} == set(get_args(Entry))
    assert [again(entry) for entry in every] == list(every)


@pytest.mark.gauntlet
@settings(max_examples=sample(40, 500))
@given(entries)
def test_any_entry_is_read_back_as_it_was(entry: Entry) -> None:
    assert again(entry) == entry


def test_a_kind_is_a_word_and_names_no_class_and_no_module() -> None:
    told = [json.loads(entry_to_json(entry)) for entry in one_of_each()]
    assert all(entry["kind"].islower() and entry["kind"].replace("_", "").isalpha() for entry in told)
    assert "agentlab" not in json.dumps(told)


def test_an_entry_of_a_later_version_is_kept_and_not_understood() -> None:
    raw = b'{"kind": "dreamt", "of": {"deep": [1, 2]}}'
    assert entry_from_json(raw, "dreamt") == Unknown("dreamt")
    assert kind_of(Unknown("dreamt")) == "dreamt"


def test_fields_of_a_later_version_are_passed_over() -> None:
    raw = b'{"kind": "notice", "notice": "warning", "text": "x", "colour": {"r": 1}}'
    known = raw.replace(b'"notice", "notice"', b'"noticed", "notice"')
    assert entry_from_json(known, "noticed") == Noticed("warning", "x")


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        (b"", "user", "Input data was truncated"),
        (b"[]", "user", "Expected `object`"),
        (b'{"kind": "user"}', "user", "missing required field `message`"),
        (b'{"kind": "user", "message": {"role": "assistant"}}', "user", "Invalid value 'assistant'"),
        (b'{"kind": "titled", "title": 3}', "titled", r"Expected `str`, got `int` - at `\$.title`"),
        (b'{"kind": "detached", "path": "a"}', "titled", "kept as 'titled', but says that it is 'detached'"),
        (b'{"kind": "titled", "title": "a"}', "dreamt", "kept as 'dreamt', but says that it is 'titled'"),
        (b'{"kind": "dreamt", "of": "\xff"}', "dreamt", "codec can't decode"),
        (b'{"kind": "titled", "title": "\xff"}', "titled", "cannot be read"),
        (b'{"kind": "titled", "title": "\\ud800"}', "titled", "cannot be read"),
        (
            b'{"kind": "configured", "config": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
            "configured",
            "cannot be read",
        ),
        (
            b'{"kind": "configured", "config": {"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
            "configured",
            "recursion",
        ),
        (b'{"kind": "dreamt", "of": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "dreamt", "recursion"),
    ],
)
def test_what_is_no_entry_is_refused_with_its_reason(raw: bytes, kind: str, said: str) -> None:
    with pytest.raises(SessionCorrupt, match=said):
        entry_from_json(raw, kind)


@pytest.mark.parametrize(
    "hostile",
    [
        {"__class__": "os.system", "args": ["touch /tmp/x"]},
        {"py/object": "subprocess.Popen", "py/reduce": [{"py/type": "os.system"}]},
        {"lc": 1, "type": "constructor", "id": ["langchain", "x"], "kwargs": {}},
        {"$ref": "env:HOME", "value": "${HOME} {{ 7*7 }} %(x)s"},
    ],
)
def test_objects_that_other_readers_would_revive_stay_data(hostile: dict[str, Any]) -> None:
    read = again(Configured({"found": hostile}))
    assert isinstance(read, Configured)
    assert read.config == {"found": hostile}


def test_half_a_surrogate_pair_becomes_a_replacement_character_and_the_rest_stays() -> None:
    entry = UserSaid(UserMessage.of("a\ud800b", "\U0001f600"), text="\udfff")
    assert again(entry) == UserSaid(UserMessage.of("a\ufffdb", "\U0001f600"), text="\ufffd")
    answered = ToolAnswered(ToolResult("c", "ls", (Text("\udc80.txt"),)), summary="\udc80")
    assert again(answered) == ToolAnswered(ToolResult("c", "ls", (Text("\ufffd.txt"),)), summary="\ufffd")


@pytest.mark.parametrize("foreign", [UserMessage.of("a"), "text", {"kind": "user"}, Unknown("x")])
def test_what_is_no_entry_is_not_written(foreign: Any) -> None:
    with pytest.raises(UsageError, match=f"a session keeps entries, not {type(foreign).__name__}"):
        entry_to_json(foreign)


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(UsageError, match=r"a configured entry cannot be written as JSON: .*object"):
        entry_to_json(Configured({"clock": object()}))
    circle: dict[str, Any] = {}
    circle["again"] = circle
    with pytest.raises(UsageError, match="a configured entry cannot be written"):
        entry_to_json(Configured(circle))


def test_only_what_stands_in_the_history_has_tokens() -> None:
    sizes = {kind_of(entry): tokens_of(entry) for entry in one_of_each()}
    assert {kind for kind, size in sizes.items() if size} == {"user", "assistant", "tool"}
    assert tokens_of(Unknown("dreamt")) == 0


def test_a_longer_text_has_more_tokens() -> None:
    short, long = (tokens_of(AssistantSaid(AssistantMessage.of("word " * count))) for count in (10, 1000))
    assert 10 <= short < 40
    assert 1000 <= long < 1100
