from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from agentlab.caching.calibration.calibrate import calibrate, calibration_ids, calibration_summary
from agentlab.errors import UsageError
from tests.caching.invented_recordings import Recorder, chat, marked


def _rows(recorder: Recorder, **options: Any) -> list[dict[str, Any]]:
    return calibrate(recorder.write(), **options).to_dict("records")


def test_a_marked_conversation_is_forecast_to_the_token(tmp_path: Path):
    recorder = Recorder(tmp_path)
    shared = {"provider": "anthropic", "api": "anthropic-messages"}
    recorder.add(marked("first"), tokens=5003, write=5000, **shared)
    recorder.add(marked("first", "answer", "second"), tokens=5103, read=5000, write=100, **shared)
    recorder.add(marked("first", "answer", "second"), tokens=5103, read=5100, **shared)
    rows = _rows(recorder)
    assert [row["verdict"] for row in rows] == ["exact"] * 3
    assert [(row["predicted_read"], row["predicted_write"]) for row in rows] == [
        (0, 5000),
        (5000, 100),
        (5100, 0),
    ]
    assert [row["turn"] for row in rows] == [1, 2, 3]


def test_what_a_response_reports_is_never_used_for_its_own_forecast(tmp_path: Path):
    forecasts = []
    for name, read in (("cold", 0), ("warm", 3968), ("odd", 1234)):
        folder = tmp_path / name
        folder.mkdir()
        recorder = Recorder(folder)
        recorder.add(chat("first"), tokens=4000, read=read, created=1_760_000_000)
        recorder.add(chat("first", "answer", "second"), tokens=4100, read=read, created=1_760_000_005)
        forecasts.append([(row["predicted_read"], row["predicted_write"]) for row in _rows(recorder)])
    assert forecasts[0] == forecasts[1] == forecasts[2]
    assert forecasts[0][1][0] == 3968


def test_a_recording_that_begins_warm_is_set_apart_and_its_later_turns_count(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("first"), tokens=4000, read=3968)
    recorder.add(chat("first", "answer", "second"), tokens=4100, read=3968)
    first, second = _rows(recorder)
    assert (first["verdict"], first["counted"]) == ("explained", False)
    assert "the whole prompt had been sent before" in first["reason"]
    assert (second["verdict"], second["counted"]) == ("exact", True)


def test_a_miss_where_a_hit_was_due_counts_against_the_forecast(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("first"), tokens=4000)
    recorder.add(chat("first"), tokens=4000, read=0)
    row = _rows(recorder)[1]
    assert (row["predicted_read"], row["recorded_read"], row["error_read"]) == (3968, 0, 3968)
    assert row["counted"]
    assert "intermittent routing" in row["reason"]


def test_an_entry_is_gone_after_its_lifetime(tmp_path: Path):
    recorder = Recorder(tmp_path)
    shared = {"provider": "anthropic", "api": "anthropic-messages", "tokens": 5003}
    recorder.add(marked("first"), write=5000, created=1_760_000_000, **shared)
    recorder.add(marked("first"), write=5000, created=1_760_000_000 + 400, **shared)
    assert [row["verdict"] for row in _rows(recorder)] == ["exact", "exact"]


def test_an_answer_sent_back_is_read_too_where_the_provider_keeps_it(tmp_path: Path):
    recorder = Recorder(tmp_path)
    shared = {"provider": "deepseek", "api": "openai-chat"}
    texts = ("first", "A long answer. " * 40, "second")
    recorder.add(chat(texts[0], model="deepseek-v4-flash"), tokens=4000, output=200, **shared)
    recorder.add(chat(*texts, model="deepseek-v4-flash"), tokens=4260, read=4096, **shared)
    row = _rows(recorder)[1]
    assert (row["predicted_read"], row["verdict"]) == (4096, "exact")


@pytest.mark.parametrize("change", [{"cost": 0.000606}, {"cost": 0.5}])
def test_recorded_costs_stand_beside_the_derived_ones(tmp_path: Path, change: dict[str, float]):
    recorder = Recorder(tmp_path)
    recorder.add(
        chat("a", model="openai/gpt-4o-mini"),
        provider="openrouter",
        tokens=4000,
        output=10,
        created=1_760_000_000,
        native={**change, "cost_details": {"upstream_inference_cost": None}},
    )
    row = _rows(recorder)[0]
    assert row["recorded_cost_usd"] == change["cost"]
    assert row["derived_cost_usd"] == pytest.approx(4000 * 0.15e-6 + 10 * 0.6e-6, abs=1e-9)
    assert row["cost_error"] == pytest.approx(row["derived_cost_usd"] - change["cost"])


def test_responses_without_a_stated_cost_have_none(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"))
    assert math.isnan(_rows(recorder)[0]["cost_error"])


def test_the_summary_counts_only_responses_that_touch_a_cache(tmp_path: Path):
    recorder = Recorder(tmp_path)
    shared = {"provider": "anthropic", "api": "anthropic-messages"}
    recorder.add(marked("first"), tokens=5003, write=5000, **shared)
    recorder.add(marked("first"), tokens=5003, read=0, write=5000, **shared)
    recorder.add(marked("first"), tokens=5003, read=5000, server_tools=("web_search",), **shared)
    recorder.add(chat("short"), tokens=100)
    frame = calibrate(recorder.write())
    summary = calibration_summary(frame)
    assert list(summary.index) == ["anthropic", "steady"]
    row = summary.loc["anthropic"]
    assert (row["responses"], row["not forecast"], row["exact"], row["wrong"], row["share"]) == (
        3,
        1,
        1,
        1,
        0.5,
    )
    assert calibration_ids(frame, "wrong") == ["anthropic-1"]


def test_an_unknown_verdict_is_refused(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"))
    frame = calibrate(recorder.write())
    with pytest.raises(UsageError, match="a verdict is one of"):
        calibration_ids(frame, "fine")  # type: ignore[arg-type]


def test_only_the_providers_asked_for_are_calibrated(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"), provider="openai")
    recorder.add(chat("a"), provider="xai")
    assert {row["provider"] for row in _rows(recorder, providers=["xai"])} == {"xai"}


def test_recordings_that_touch_no_cache_have_an_empty_summary(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.add(chat("a"), reported=False)
    summary = calibration_summary(calibrate(recorder.write()))
    assert list(summary.index) == ["steady"]
    assert summary.loc["steady", "responses"] == 0
