"""Runs whose bytes come through httpcore are the runs they are through aiohttp, and end as cleanly."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from agentlab.agent import Agent, Run
from agentlab.http import HttpClient
from agentlab.http.own_client import Transport
from agentlab.models import WireModel
from tests.agent.bench import Bench, add, assert_sendable, bench_of, results_of
from tests.agent.stepping import Suspended, Trickle, assert_nothing_left
from tests.agent.test_cancel import LAST, broken, slow, three_tools

pytestmark = pytest.mark.anyio


def over(http: HttpClient, bench: Bench, vendor: str) -> Agent:
    """An agent with three tools whose model is asked through a client."""
    agent = bench.agent(vendor, three_tools, tools=[add, broken, slow], preamble="Use the tools.")
    assert isinstance(agent.model, WireModel)
    agent.model.http = http
    return agent


async def run_over(transport: Transport, vendor: str) -> Run:
    with bench_of() as bench:
        stream = over(HttpClient(transport=transport), bench, vendor).stream_prompt("begin")
        async for _ in stream:
            pass
        assert bench.refused == []
        return stream.run


async def test_a_run_is_the_same(vendor: str) -> None:
    one, other = await run_over("aiohttp", vendor), await run_over("httpcore", vendor)
    assert one.text == LAST
    assert one.usage == other.usage
    assert [message.text for message in one.all_messages] == [message.text for message in other.all_messages]
    assert [result.content for result in results_of(one.all_messages)] == [
        result.content for result in results_of(other.all_messages)
    ]


async def test_a_run_cancelled_at_any_await_is_sendable_and_leaves_nothing(vendor: str) -> None:
    with bench_of() as bench:
        agent = over(Trickle(transport="httpcore"), bench, vendor)
        for at in count(1):
            stream = agent.stream_prompt("begin")

            async def consume() -> None:
                async for _ in stream:  # noqa: B023 - awaited before the next turn
                    pass

            try:
                await Suspended(consume(), at)
            except asyncio.CancelledError:
                assert stream.run.stop_reason in {"cancelled", "done"}
                await assert_nothing_left(bench.sim.port)
                assert_sendable(stream.run.all_messages)
            else:
                break
        assert at > 40, "the run was not cut into enough pieces to prove anything"
        assert stream.run.text == LAST
