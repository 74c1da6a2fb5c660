from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from agentlab.caching.calibration.recorded_cost import DerivedCost, derived_cost
from agentlab.caching.calibration.recordings import read_exchanges
from tests.caching.invented_recordings import Recorder, chat

LATE_2025 = 1_764_000_000
SUMMER_2026 = 1_784_000_000


def _derived(folder: Path, model: str, **recorded: Any) -> DerivedCost:
    recorder = Recorder(folder)
    recorder.add(chat("a", model=model), **recorded)
    return derived_cost(next(iter(read_exchanges(recorder.write()))))


def test_the_model_that_answered_is_priced_and_not_the_one_asked_for(tmp_path: Path):
    cost = _derived(
        tmp_path,
        "grok-3-mini",
        provider="xai",
        tokens=160,
        read=128,
        output=249,
        native={"cost_in_usd_ticks": 6_881_000},
        response={"model": "grok-4.3"},
    )
    assert cost.usd == pytest.approx(6_881_000e-10, abs=1e-9)
    assert "not dated" in cost.note


def test_a_gateway_without_history_is_priced_by_the_makers_prices_of_that_day(tmp_path: Path):
    stated = {"upstream_inference_input_cost": 0.025115, "upstream_inference_output_cost": 0.00015}
    cost = _derived(
        tmp_path,
        "openai/gpt-5.6-sol",
        provider="openrouter",
        tokens=4020,
        write=4012,
        output=5,
        created=SUMMER_2026,
        native={"cost": 0.025265, "cost_details": stated},
    )
    assert cost.usd == pytest.approx(0.025265, abs=1e-9)


def test_a_price_other_than_the_tables_gives_no_cost_and_says_so(tmp_path: Path):
    stated = {"upstream_inference_prompt_cost": 0.5, "upstream_inference_completions_cost": 0.5}
    cost = _derived(
        tmp_path,
        "openai/gpt-4o-mini",
        provider="openrouter",
        created=LATE_2025,
        native={"cost": 1.0, "cost_details": stated},
    )
    assert math.isnan(cost.usd)
    assert "not the one billed: $125 for a million prompt tokens" in cost.note


@pytest.mark.parametrize(
    "native",
    [
        {"cost": 0.1, "cost_details": {}, "server_tool_use_details": {"web_search_requests": 3}},
        {"cost_in_usd_ticks": 5, "num_server_side_tools_used": 2},
    ],
)
def test_fees_for_tools_of_the_provider_are_not_guessed(tmp_path: Path, native: dict[str, Any]):
    cost = _derived(tmp_path, "openai/gpt-4o-mini", provider="openrouter", native=native)
    assert math.isnan(cost.usd)
    assert "tools" in cost.note


def test_an_unknown_model_has_no_cost_and_never_a_cost_of_nothing(tmp_path: Path):
    cost = _derived(tmp_path, "a-model-nobody-sells", provider="openrouter", native={"cost": 0.1})
    assert math.isnan(cost.usd)
    assert "no price" in cost.note


@pytest.mark.parametrize(("tokens", "output", "total"), [(24, 52, 0.00508), (23, 32, 0.00506)])
def test_a_stated_fee_for_each_request_takes_the_place_of_the_tables(
    tmp_path: Path, tokens: int, output: int, total: float
):
    cost = _derived(
        tmp_path,
        "sonar",
        provider="perplexity",
        tokens=tokens,
        output=output,
        native={"cost": {"request_cost": 0.005, "total_cost": total}},
    )
    assert cost.usd == pytest.approx(total, abs=1e-9)
