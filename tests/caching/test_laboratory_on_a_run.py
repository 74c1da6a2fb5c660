"""The studies of cost take a run's trace as it is, on every wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentlab.caching.breakpoints.placement import place_breakpoints
from agentlab.caching.prices import Rates
from agentlab.caching.projection.projection import project
from agentlab.simulator import call
from agentlab.tools import tool
from tests.agent.bench import VENDORS, Bench, bench_of

PRICES = Rates(uncached=1e-6, read=1e-7, write_5m=1.25e-6, write_1h=2e-6, output=5e-6)


@tool
def ping() -> str:
    """Answer."""
    return "pong"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of() as made:
        yield made


@pytest.mark.anyio
@pytest.mark.parametrize("vendor", list(VENDORS))
async def test_markers_are_placed_in_a_run_and_the_run_is_projected(bench: Bench, vendor: str) -> None:
    agent = bench.agent(
        vendor, [call("ping"), call("ping"), "done"], tools=[ping], preamble="You are terse. " * 300
    )
    run = await agent.prompt("go")
    placed = place_breakpoints(run.trace, rates=PRICES, min_tokens=0, lookback=20)
    assert len(placed.turns) == 3
    assert placed.turns[2].bill.read_tokens > 1000
    assert placed.cost_usd < placed.last_block_usd
    for turn, record in zip(placed.turns, run.run.records, strict=True):
        sent = turn.bill.uncached_tokens + turn.bill.read_tokens + turn.bill.write_short_tokens
        assert sent + turn.bill.write_long_tokens == pytest.approx(record.usage.input_tokens, rel=0.02)
    projection = project(run.trace, 50, rates=PRICES)
    assert projection.growth.calls == 3
    assert projection.growth.first_tokens == run.run.records[0].usage.input_tokens
    assert len(projection.curve) == 50
