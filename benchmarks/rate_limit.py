"""How much of a provider's limit is used, over sockets: a simulator that lets 150 requests a second in, and 2,400 calls.

Compared in one run: the limiter, a fixed number in flight with each call's own back-off, and several processes' worth of
limiters that know nothing of each other.

python benchmarks/rate_limit.py [calls]
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random

from agentlab.errors import ModelError
from agentlab.experiments.metering import Limiters, MeteredModel
from agentlab.messages import Request, UserMessage
from agentlab.models import Model, WireModel, model
from agentlab.simulator import Latency, RateLimit, Reply, SimRequest, reply, serve

PER_SECOND = 150.0
FIXED = 64  # in flight


def behaviour(rng: Random) -> Callable[[SimRequest], Reply]:
    """Answers after 50 to 200 ms."""
    return lambda _: reply("Yes.", latency=Latency(first_token_s=rng.uniform(0.05, 0.2), tokens_per_s=1e6))


def serve_until_told(pipe: Connection) -> None:
    """The provider, in a process of its own: it says where it is, and at the end how many requests came and were refused."""
    limit = RateLimit(PER_SECOND)
    with serve(behaviour(Random(0)), realtime=True, rate_limit=limit, log_size=1_000_000) as sim:
        pipe.send((sim.base_url("openai-chat"), sim.token))
        pipe.recv()
        pipe.send((len(sim.requests), sum(request.status == 429 for request in sim.requests)))


async def answered(models: Sequence[Model], calls: int, in_flight: int) -> tuple[int, float]:
    """Make the calls; how many were answered, and seconds it took."""
    request = Request(model="gpt-5.6", messages=(UserMessage.of("Well?"),))
    places = asyncio.Semaphore(in_flight)
    done = 0

    async def one(asked: Model) -> None:
        nonlocal done
        async with places:
            try:
                async for _ in asked.stream(request).events:
                    pass
            except ModelError:
                return
            done += 1

    began = time.perf_counter()
    async with models[0].session():
        await asyncio.gather(*(one(models[place % len(models)]) for place in range(calls)))
    return done, time.perf_counter() - began


def measure(name: str, calls: int, wrap: Callable[[WireModel], Sequence[Model]], in_flight: int) -> float:
    """Run one policy against a simulator of its own, print what came of it, and give its rate."""
    here, there = get_context("spawn").Pipe()
    provider = get_context("spawn").Process(target=serve_until_told, args=(there,))
    provider.start()
    base_url, token = here.recv()
    inner = model("openai-chat:gpt-5.6", base_url=base_url, api_key=token, seed=0)
    done, took = asyncio.run(answered(wrap(inner), calls, in_flight))
    here.send(None)
    requests, refused = here.recv()
    provider.join()
    print(
        f"{name:34} {done / took:6.1f} answers/s  {100 * refused / requests:5.1f} % of requests refused  "
        f"{calls - done:5} calls failed"
    )
    return done / took


def metered(processes: int) -> Callable[[WireModel], Sequence[Model]]:
    """Wraps a model in so many limiters that do not know each other."""

    def wrap(inner: WireModel) -> Sequence[Model]:
        return [
            MeteredModel(inner, limiter=Limiters(FIXED, seed=seed).of(inner)) for seed in range(processes)
        ]

    return wrap


def main() -> None:
    """Print the rates and their ratios to the limit."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 2400
    print(f"{calls} calls of 50 to 200 ms; the server lets {PER_SECOND:.0f} requests a second in")
    rates = [
        measure(f"{FIXED} in flight, own back-off", calls, lambda inner: [inner], FIXED),
        measure("limiter", calls, metered(1), calls),
        measure("4 limiters, no coordination", calls, metered(4), calls),
    ]
    print("of the limit: " + ", ".join(f"{100 * rate / PER_SECOND:.0f} %" for rate in rates))


if __name__ == "__main__":
    main()
