from __future__ import annotations

import gzip
from collections.abc import Callable
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


def test_a_folder_without_recordings_is_refused_with_what_is_missing(tmp_path: Path):
    with pytest.raises(UsageError, match="there is no folder"):
        list(read_exchanges(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="no recordings in"):
        list(read_exchanges(tmp_path))
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"))
    (recorder.write() / "expected_openai.jsonl.gz").unlink()
    with pytest.raises(UsageError, match=r"openai\.jsonl\.gz is there without expected_openai\.jsonl\.gz"):
        list(read_exchanges(tmp_path))


def test_a_provider_that_was_not_recorded_is_refused(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"))
    with pytest.raises(UsageError, match="no recordings of xai; it has openai"):
        list(read_exchanges(recorder.write(), ["xai"]))


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (b'{"id": ', "line 2 is no record"),
        (b"[1]", "line 2 is no record: a JSON object with an `id` is needed"),
        (b'{"id": "openai-0"}', "line 2 is no whole record: it has no `status`"),
        (
            b'{"id": "openai-0", "status": "ok", "source_file": "a", "interaction_index": 0, "provider": "p", "api": "a"}',
            "line 2 is no record of the form that is needed",
        ),
    ],
)
def test_a_broken_record_is_named_by_file_and_line(tmp_path: Path, broken: bytes, sentence: str):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"))
    path = recorder.write() / "openai.jsonl.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + broken + b"\n"))
    with pytest.raises(UsageError) as refused:
        list(read_exchanges(tmp_path))
    assert str(refused.value).startswith(str(path))
    assert sentence in str(refused.value)


@pytest.mark.parametrize("spoiled", [lambda data: data[:-12], lambda data: b"no gzip" + data])
def test_a_file_that_is_cut_off_or_no_gzip_is_named(tmp_path: Path, spoiled: Callable[[bytes], bytes]):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"))
    path = recorder.write() / "openai.jsonl.gz"
    path.write_bytes(spoiled(path.read_bytes()))
    with pytest.raises(UsageError, match=r"openai\.jsonl\.gz cannot be read past line"):
        list(read_exchanges(tmp_path))
