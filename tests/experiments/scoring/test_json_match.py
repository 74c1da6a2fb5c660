"""Answers that should be JSON."""

from __future__ import annotations

import copy
import pickle
from threading import Thread
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agentlab.errors import UsageError
from agentlab.experiments.scoring import Scorer, json_match
from agentlab.experiments.scoring.json_match import json_in
from tests.experiments.scoring.conftest import Score, sample


class City(BaseModel):
    city: str
    degrees: int


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OSLO = {"city": "Oslo", "degrees": 21, "wind": {"from": "N", "speeds": [1, 2.5]}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Here it is: {"a": "}"} as asked, not {"b": 2}', {"a": "}"}),
        ('{oops} then {"a": [1, 2]}', {"a": [1, 2]}),
        ('[1, {"a": "\\"]"}] ', [1, {"a": '"]'}]),
        ("42", 42),
        ('[NaN] {"a": 1}', {"a": 1}),
    ],
)
def test_json_is_found_where_it_stands(text: str, value: Any) -> None:
    assert json_in(text) == value


@settings(max_examples=25)
@given(st.lists(JSON) | st.dictionaries(st.text(), JSON))
def test_any_object_or_list_is_found_between_words(value: Any) -> None:
    assert json_in(f"So: {msgspec.json.encode(value).decode()} - that is it.") == value


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scorer", "output", "target", "value"),
    [
        (json_match(), OSLO, OSLO, 1),
        (json_match(), OSLO, msgspec.json.encode(OSLO).decode(), 1),
        (json_match(), {**OSLO, "city": "Rome"}, OSLO, 0.8),
        (json_match(), {"city": "Oslo"}, OSLO, 0.2),
        (json_match(partial=False), {"city": "Oslo"}, OSLO, 0),
        (json_match(fields=["city"]), {"city": "Oslo"}, OSLO, 1),
        (json_match(fields=["wind"]), {"wind": {"from": "N", "speeds": [1, 9]}}, OSLO, 2 / 3),
        (json_match(fields=["wind.speeds[1]"]), {"wind": {"speeds": [0, 2.5]}}, OSLO, 1),
        (json_match(), {**OSLO, "more": 1}, OSLO, 1),
        (json_match(extra=False), {**OSLO, "more": 1}, OSLO, 1 - 1 / 6),
        (json_match(), {"a": 1.0}, {"a": 1}, 1),
        (json_match(), {"a": True}, {"a": 1}, 0),
        (json_match(), {"a": "1"}, {"a": 1}, 0),
        (json_match(absolute=0.1), {"a": 1.05}, {"a": 1}, 1),
        (json_match(), {"a": None}, {"a": None}, 1),
        (json_match(), {}, {"a": None}, 0),
        (json_match(ignore_case=True), {"city": "OSLO"}, {"city": "Oslo"}, 1),
        (json_match(), {"a": []}, {"a": []}, 1),
        (json_match(schema=SCHEMA), {"city": 5}, {"city": "Oslo"}, 0),
        (json_match(None, schema=SCHEMA), {"city": "Bergen"}, None, 1),
        (json_match(None, schema=City), {"city": "Bergen"}, None, 0),
        (json_match(None, schema=City), {"city": "Bergen", "degrees": 4}, None, 1),
    ],
)
async def test_the_share_of_right_fields_is_the_score(
    score: Score, scorer: Scorer, output: Any, target: Any, value: float
) -> None:
    row = await score(scorer, msgspec.json.encode(output).decode(), target)
    assert row.error is None
    assert row.value == pytest.approx(value)
    assert (row.reason is None) == (value == 1)


@pytest.mark.anyio
async def test_no_json_is_a_wrong_answer_and_a_target_that_is_none_an_error(score: Score) -> None:
    for answer in ("Oslo, 21 degrees", "[" * 50_000):
        wrong = await score(json_match(), answer, OSLO)
        assert (wrong.value, wrong.reason) == (0, "the answer holds no JSON")
    broken = await score(json_match(), "{}", "{oops")
    assert broken.value is None
    assert "`target` is no JSON" in str(broken.error)


@pytest.mark.anyio
@settings(max_examples=25)
@given(JSON)
async def test_a_value_matches_itself(value: Any) -> None:
    written = msgspec.json.encode(value).decode()
    await json_match(extra=False).check(sample(written))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scorer", "target", "words"),
    [
        (json_match(), "{oops", "is no JSON"),
        (json_match(schema=SCHEMA), {"city": 5}, "its own target would fail: city: 5 is not of type"),
        (json_match(fields=["town"]), OSLO, "has none of the fields town"),
        (json_match(), None, "is empty"),
    ],
)
async def test_a_target_that_could_never_be_met_is_found_before(
    scorer: Scorer, target: Any, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        await scorer.check(sample(target))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"column": None}, "a column with the right values, a schema, or both"),
        ({"schema": {"type": "objekt"}}, "`schema` is no JSON Schema: type: 'objekt'"),
        ({"schema": Thread}, "has no JSON schema"),
    ],
)
def test_a_schema_that_is_none_is_refused_at_once(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        json_match(**arguments)


@pytest.mark.anyio
async def test_it_can_be_sent_to_another_process_after_it_was_used(score: Score) -> None:
    scorer = json_match(schema=SCHEMA)
    await score(scorer, "{}", OSLO)
    sent = pickle.loads(pickle.dumps(scorer))
    assert sent == scorer
    assert sent.fingerprint == scorer.fingerprint
    changed = copy.deepcopy(SCHEMA) | {"required": []}
    assert json_match(schema=changed).fingerprint != scorer.fingerprint
