from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentlab.caching.calibration.cassettes import Turn, turns
from agentlab.caching.calibration.recordings import read_exchanges
from tests.caching.invented_recordings import Recorder, chat


def _turns(recorder: Recorder) -> list[Turn]:
    return [turn for cassette in turns(read_exchanges(recorder.write())) for turn in cassette]


def test_a_longer_request_continues_its_conversation_and_another_opens_its_own(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("first"))
    recorder.add(chat("other"))
    recorder.add(chat("first", "answer", "second"))
    found = _turns(recorder)
    assert [(turn.conversation, turn.turn) for turn in found] == [(1, 1), (2, 1), (1, 2)]
    assert [turn.opens for turn in found] == [True, True, False]


def test_cassettes_and_models_share_nothing(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("first"), source="a.yaml")
    recorder.add(chat("first"), source="b.yaml")
    recorder.add(chat("first", model="gpt-4o"), source="b.yaml")
    assert [turn.opens for turn in _turns(recorder)] == [True, True, True]


def test_a_gap_of_hours_begins_a_new_session(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("first"), created=1_000_000)
    recorder.add(chat("first"), created=1_000_060)
    recorder.add(chat("first"), created=1_000_000 + 86_400)
    found = _turns(recorder)
    assert [(turn.session, turn.turn) for turn in found] == [(0, 1), (0, 2), (1, 1)]


def test_time_always_moves_on_even_where_responses_are_not_dated(tmp_path: Path):
    recorder = Recorder(tmp_path)
    for created in (None, 500, 500, None, 400):
        recorder.add(chat("first"), created=created)
    now = [turn.now for turn in _turns(recorder)]
    assert now == sorted(set(now))


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({}, None),
        ({"previous_response_id": "r1"}, "the conversation is stored by the provider"),
        ({"cachedContent": "c1"}, "the prompt is a stored resource"),
    ],
)
def test_a_prompt_kept_by_the_provider_cannot_be_forecast(
    tmp_path: Path, changed: dict[str, Any], missing: str | None
):
    recorder = Recorder(tmp_path)
    recorder.add({**chat("first"), **changed})
    assert _turns(recorder)[0].missing == missing


def test_an_absent_body_cannot_be_forecast(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(None)
    assert _turns(recorder)[0].missing == "the request is not in the recording"


def test_tools_run_by_the_provider_make_several_prompts_of_one(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("first"), server_tools=("web_search",))
    assert "ran tools" in (_turns(recorder)[0].missing or "")
