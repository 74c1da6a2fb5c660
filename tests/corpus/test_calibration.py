"""The cache policies, held against every recorded conversation."""

from __future__ import annotations

import pytest

from agentlab.caching.calibration.calibrate import calibrate, calibration_summary
from tests.corpus.recordings import corpus_folder

SHARE = 0.95
ENOUGH = 50
STOCHASTIC = {"gemini", "vertex", "groq", "mistral", "cohere"}
CENT_FRACTION = 1e-9

# OpenAI before GPT-5.6 sends requests to one of many machines; the bar is set for the model recorded most.
BARRED = "gpt-4o-mini|gpt-5.6|claude|deepseek|grok|qwen|llama|mistral|gemma"


@pytest.fixture(scope="module")
def frame():
    folder = corpus_folder()
    if not folder.is_dir() or not any(folder.glob("*.jsonl.gz")):
        pytest.skip(f"no recordings: {folder} holds none; name their folder with AGENTLAB_CORPUS")
    return calibrate(folder)


def _touched(frame):
    counts = frame[["predicted_read", "recorded_read", "predicted_write", "recorded_write"]].fillna(0)
    return frame[(counts > 0).any(axis=1)]


def test_forecasts_meet_what_steady_providers_billed(frame, capsys: pytest.CaptureFixture[str]):
    counted = _touched(frame[frame["steady"] & frame["counted"]])
    counted = counted[counted["model"].str.lower().str.contains(BARRED, regex=True)]
    good = counted["verdict"].isin(["exact", "within one granule"])
    with capsys.disabled():
        print("\n" + calibration_summary(frame).to_string())
        print(f"the bar: {good.sum()} of {len(counted)} = {good.mean():.1%}")
        for row in counted[~good].itertuples():
            print(
                f"  {row.id} {row.provider} {row.model}: read {row.predicted_read} for {row.recorded_read},"
                f" written {row.predicted_write} for {row.recorded_write}: {row.verdict}, {row.reason}"
            )
    if len(counted) < ENOUGH:
        pytest.skip(f"{len(counted)} responses of steady providers; {ENOUGH} make a share")
    assert good.mean() >= SHARE


def test_the_best_case_of_chance_is_never_below_what_was_recorded(frame):
    chance = frame[frame["provider"].isin(STOCHASTIC) & frame["counted"]]
    below = chance[chance["predicted_read"] < chance["recorded_read"]]
    assert below.empty, below[["id", "predicted_read", "recorded_read", "reason"]].to_string()


def test_recorded_costs_are_reproduced_or_said_to_be_unknown(frame, capsys: pytest.CaptureFixture[str]):
    stated = frame[frame["recorded_cost_usd"].notna()]
    if stated.empty:
        pytest.skip("no recording states a cost")
    known = stated[stated["derived_cost_usd"].notna()]
    met = known["cost_error"].abs() <= CENT_FRACTION
    with capsys.disabled():
        print(f"\ncosts: {met.sum()} of {len(stated)} reproduced, {len(stated) - len(known)} unknown")
    assert (stated.loc[stated["derived_cost_usd"].isna(), "cost_note"] != "").all()
    assert (known.loc[~met, "cost_note"] != "").all(), known[~met].to_string()
    assert met.mean() >= SHARE


def test_every_row_that_is_not_exact_has_a_reason(frame):
    assert (frame.loc[frame["verdict"] != "exact", "reason"] != "").all()
    assert frame["id"].is_unique
