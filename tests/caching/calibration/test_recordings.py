from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.caching.calibration.recordings import read_exchanges
from agentlab.errors import UsageError
from tests.caching.invented_recordings import Recorder, chat


def test_every_answered_call_is_read_in_the_order_of_its_cassette(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("b"), source="b.yaml", tokens=20)
    recorder.add(chat("a"), source="a.yaml", tokens=30, read=10, output=4)
    recorder.add(chat("a", "x", "c"), source="a.yaml", tokens=40)
    found = list(read_exchanges(recorder.write()))
    assert [each.id for each in found] == ["openai-1", "openai-2", "openai-0"]
    assert (found[0].usage.input_tokens, found[0].usage.cache_read_tokens, found[0].usage.output_tokens) == (
        30,
        10,
        4,
    )
    assert found[0].source == "invented/folder/a.yaml"
    assert found[0].body == chat("a")


def test_refusals_and_responses_without_usage_are_left_out(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"), status=400)
    recorder.add(chat("a"), reported=False)
    kept = recorder.add(chat("a"))
    assert [each.id for each in read_exchanges(recorder.write())] == [kept]


def test_only_the_providers_asked_for_are_read(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"), provider="openai")
    recorder.add(chat("a"), provider="xai")
    assert {each.provider for each in read_exchanges(recorder.write(), ["xai"])} == {"xai"}


def test_a_file_without_its_expected_results_is_left_out(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"), provider="openai")
    recorder.add(chat("a"), provider="xai")
    (recorder.write() / "expected_openai.jsonl.gz").unlink()
    assert {each.provider for each in read_exchanges(tmp_path)} == {"xai"}


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1beta/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash"),
        ("/model/us.amazon.nova-lite-v1%3A0/converse", "us.amazon.nova-lite-v1:0"),
        ("/v1/chat/completions", ""),
    ],
)
def test_a_model_named_by_the_path_is_found(tmp_path: Path, path: str, model: str):
    recorder = Recorder(tmp_path)
    recorder.add({"contents": []}, path=path)
    assert next(iter(read_exchanges(recorder.write()))).model == model


def test_the_model_that_answered_is_kept_beside_the_one_asked_for(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a", model="grok-3-mini"), response={"model": "grok-4.3"})
    found = next(iter(read_exchanges(recorder.write())))
    assert (found.model, found.served_model) == ("grok-3-mini", "grok-4.3")


def test_a_folder_without_recordings_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="no recordings"):
        list(read_exchanges(tmp_path))
