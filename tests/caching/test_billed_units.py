"""Cohere bills its own units: no token of its template, and the same whether its cache was hit."""

from __future__ import annotations

import pytest

from agentlab.caching.billed_units import as_billed
from agentlab.caching.prices import cost_usd, rates, turn_cost
from agentlab.messages import Usage

MODEL = "command-a-03-2025"
RAW = {
    "billed_units": {"input_tokens": 40, "output_tokens": 10},
    "tokens": {"input_tokens": 1000},
    "cached_tokens": 900,
}
USAGE = Usage(input_tokens=1000, output_tokens=12, cache_read_tokens=900, raw=RAW)


def test_the_billed_units_are_what_costs() -> None:
    prices = rates("cohere", MODEL)
    expected = 40 * prices.uncached + 10 * prices.output
    assert cost_usd("cohere", MODEL, USAGE) == pytest.approx(expected)
    cost = turn_cost("cohere", MODEL, USAGE)
    assert cost.note is None
    assert cost.read_usd == 0


@pytest.mark.parametrize(
    "raw", [None, {}, {"billed_units": None}, {"billed_units": {}}, {"billed_units": {"search_units": 1}}]
)
def test_without_billed_units_the_tokens_count(raw: dict | None) -> None:
    usage = Usage(input_tokens=1000, output_tokens=12, raw=raw)
    assert as_billed("cohere", usage) is usage


def test_no_other_vendor_is_billed_by_an_object_of_that_name() -> None:
    assert as_billed("openai", USAGE) is USAGE
