"""What a sweep costs beside its calls: against bare asyncio and httpx making the same calls to the simulator.

    python benchmarks/sweep_overhead.py

The simulator runs in a process of its own. `even`: 2,000 calls of 50 ms at 64 in flight, by httpx alone and by a sweep,
in turn; the best round of each counts. `heavy tailed`: answers of a lognormal time, against what 64 places would take if
each took the next call the moment it was free. CPU seconds of this process stand beside the wall clock.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx
from msgspec import structs

import agentlab as al
from agentlab.experiments.sweep import sweep
from agentlab.experiments.sweep_plan import Plan
from agentlab.models import model
from agentlab.simulator import Latency, SimRequest, reply, serve
from agentlab.simulator.exchange import Reply

CALLS = 2000
IN_FLIGHT = 64
PLACES_OF_A_CLIENT = 4
ROUNDS = 3
EVEN_S = 0.05
MOST_WALL = 1.3
MOST_OF_IDEAL = 1.25
_TOKENS_PER_S = 100_000.0


class Round(NamedTuple):
    """What a round took, in seconds."""

    wall: float
    cpu: float


def heavy_tailed(number: int) -> float:
    """Seconds a call takes: median 0.2, one in a hundred about 1.5, no more than 5."""
    return min(5.0, math.exp(Random(number).gauss(math.log(0.2), 0.85)))


def answer(request: SimRequest) -> Reply:
    """A number, after the time its question names."""
    text = request.messages[-1].text  # type: ignore[union-attr]
    number = int(text.split()[2])
    wait = EVEN_S if text.startswith("What") else heavy_tailed(number)
    return structs.replace(
        reply(str(number + 1)), latency=Latency(first_token_s=wait, tokens_per_s=_TOKENS_PER_S)
    )


def serve_until_told() -> None:
    """Be the simulator of another process."""
    with serve(answer, realtime=True, log_size=10) as sim:
        print(json.dumps([sim.base_url("openai-chat"), sim.token]), flush=True)
        sys.stdin.read()


async def bare(url: str, token: str, word: str) -> None:
    """The same calls with httpx alone: streamed, read to the end; few places to a client, as its pools want it."""
    waiting = iter(range(CALLS))

    async def work(client: httpx.AsyncClient) -> None:
        for number in waiting:
            body = {
                "model": "gpt-4o-mini",
                "messages": [{"role": "user", "content": f"{word} is {number} + 1?"}],
                "stream": True,
                "stream_options": {"include_usage": True},
            }
            async with client.stream("POST", f"{url}/chat/completions", json=body) as response:
                assert response.status_code == 200
                async for line in response.aiter_lines():
                    if line.startswith("data: {"):
                        json.loads(line[6:])

    async with AsyncExitStack() as stack:
        key = {"authorization": f"Bearer {token}"}
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(timeout=60, headers=key))
            for _ in range(IN_FLIGHT // PLACES_OF_A_CLIENT)
        ]
        await asyncio.gather(*(work(clients[place % len(clients)]) for place in range(IN_FLIGHT)))


def swept(url: str, token: str, word: str, folder: str) -> Plan:
    """The same calls as a sweep, with a store."""
    asked = model("openai-chat:gpt-4o-mini", base_url=url, api_key=token)
    data = [{"sample_id": str(number), "input": f"{word} is {number} + 1?"} for number in range(CALLS)]
    store = Path(folder) / f"{time.monotonic_ns()}.agentlab.db"
    return sweep(al.Agent(asked), data=data, concurrency=IN_FLIGHT, store=store, progress=False)


def timed(made: Callable[[], Awaitable[object]]) -> Round:
    """Run something on a loop of its own."""
    wall, cpu = time.perf_counter(), time.process_time()

    async def main() -> None:
        await made()

    asyncio.run(main())
    return Round(time.perf_counter() - wall, time.process_time() - cpu)


def ideal_s(seconds: list[float]) -> float:
    """When the last call ends, if each of the places takes the next call the moment it is free."""
    places = [0.0] * IN_FLIGHT
    for each in seconds:
        heapq.heappush(places, heapq.heappop(places) + each)
    return max(places)


def compared(url: str, token: str, word: str, folder: str, *, times: int) -> tuple[Round, Round]:
    """The best round of httpx and of a sweep, made in turn."""
    rounds: list[tuple[Round, Round]] = []
    for number in range(times):
        plan = swept(url, token, word, folder)
        rounds.append((timed(lambda: bare(url, token, word)), timed(plan.run)))
        print(
            f"  round {number + 1}: httpx {rounds[-1][0].wall:.2f} s, sweep {rounds[-1][1].wall:.2f} s",
            flush=True,
        )
    return min(each[0] for each in rounds), min(each[1] for each in rounds)


def told(name: str, took: Round) -> str:
    """A line of the report."""
    return f"  {name:<7} {took.wall:6.2f} s wall  {took.cpu:6.2f} s CPU  {1e6 * took.cpu / CALLS:6.0f} us CPU a call"


def main() -> int:
    """Measure, report, and fail where a bar is missed."""
    command = [sys.executable, __file__, "--serve"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout is not None
        url, token = json.loads(server.stdout.readline())
        timed(swept(url, token, "What", folder).run)  # imports and prices are read once
        print(f"even: {CALLS:,} calls of {EVEN_S * 1000:.0f} ms, {IN_FLIGHT} in flight")
        plain, ours = compared(url, token, "What", folder, times=ROUNDS)
        ideal = math.ceil(CALLS / IN_FLIGHT) * EVEN_S
        ratio = ours.wall / plain.wall
        print(told("httpx", plain), told("sweep", ours), sep="\n")
        print(
            f"  ideal {ideal:.2f} s; wall {ratio:.2f} of httpx (at most {MOST_WALL}), CPU {ours.cpu / plain.cpu:.2f}"
        )
        print(f"heavy tailed: {CALLS:,} calls, {IN_FLIGHT} in flight")
        plain_tail, ours_tail = compared(url, token, "Which", folder, times=1)
        ideal_tail = ideal_s([heavy_tailed(number) for number in range(CALLS)])
        of_ideal = ours_tail.wall / ideal_tail
        print(told("httpx", plain_tail), told("sweep", ours_tail), sep="\n")
        print(f"  ideal {ideal_tail:.2f} s; wall {of_ideal:.2f} of it (at most {MOST_OF_IDEAL})")
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
    return int(ratio > MOST_WALL or of_ideal > MOST_OF_IDEAL)


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve_until_told()
    else:
        sys.exit(main())
