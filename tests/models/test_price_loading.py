"""The price table is loaded beside a model call, in a thread, and is there when the turn is priced."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

import pytest

from agentlab.messages import Request, RequestSent, TurnFinished, UserMessage
from agentlab.models import price_loading
from tests.agent.bench import Bench, bench_of

pytestmark = pytest.mark.anyio


def ask(bench: Bench) -> Request:
    bench.sim.script(["Hello."])
    return Request(model="gpt-5.6", messages=(UserMessage.of("hi"),))


async def test_the_table_is_loaded_off_the_loop_while_the_call_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent, loaded = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def load() -> None:
        threads.append(threading.current_thread())
        assert sent.wait(30), "the table was loaded before the request was on its way"
        loaded.set()

    monkeypatch.setattr(price_loading, "load_prices", load)
    monkeypatch.setattr(price_loading, "prices_loaded", lambda: False)
    with bench_of() as bench:
        model = bench.model("openai")
        async with model.session(), aclosing(model.stream(ask(bench)).events) as events:
            async for event in events:
                if isinstance(event, RequestSent):
                    asyncio.get_running_loop().call_soon(sent.set)
                if isinstance(event, TurnFinished):
                    assert loaded.is_set()
                    assert event.cost_usd is not None
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


async def test_a_table_that_is_there_is_not_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("the table was loaded again")

    monkeypatch.setattr(price_loading, "load_prices", refuse)
    monkeypatch.setattr(price_loading, "prices_loaded", lambda: True)
    with bench_of() as bench:
        model = bench.model("anthropic")
        async with model.session():
            assert (await model.complete(ask(bench))).message.text == "Hello."
