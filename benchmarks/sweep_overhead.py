"""What a sweep costs beside its calls: against bare asyncio and httpx making the same calls to the simulator.

    python -m benchmarks.sweep_overhead [--rounds 3] [--write benchmarks/results]

The simulator runs in a process of its own. `even`: 2,000 calls of 50 ms at 64 in flight, by httpx alone, by agents under a
bare `asyncio.gather`, and by a sweep, in turn. `heavy tailed`: answers of a lognormal time, against what 64 places would
take if each took the next call the moment it was free. Processor time of this process stands beside the wall clock.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import httpx
from msgspec import structs

import agentlab as al
from agentlab.experiments.sweep import sweep
from agentlab.experiments.sweep_plan import Plan
from agentlab.models import model
from agentlab.simulator import Latency, SimRequest, reply, serve
from agentlab.simulator.exchange import Reply
from benchmarks.peers import results, script
from benchmarks.peers.catalogue import Benchmark, Case
from benchmarks.peers.report import installed_versions, table, write

CALLS = 2000
IN_FLIGHT = 64
PLACES_OF_A_CLIENT = 4
ROUNDS = 3
EVEN_S = 0.05
MOST_WALL = 1.3
MOST_OF_IDEAL = 1.25
FLOOR: Final = "httpx, gathered"
GATHERED: Final = "agentlab agent, gathered"
SWEEP: Final = "agentlab sweep"
EVEN: Final = "50 ms a call"
TAILED: Final = "heavy tailed"
WORDS: Final = {EVEN: "What", TAILED: "Which"}
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


async def bare(url: str, token: str, word: str, calls: int = CALLS) -> None:
    """The same calls with httpx alone: streamed, read to the end; few places to a client, as its pools want it."""
    waiting = iter(range(calls))

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
        context = (
            httpx.create_ssl_context()
        )  # made once: a client that makes its own takes as long as ten calls
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(timeout=60, headers=key, verify=context))
            for _ in range(IN_FLIGHT // PLACES_OF_A_CLIENT)
        ]
        await asyncio.gather(*(work(clients[place % len(clients)]) for place in range(IN_FLIGHT)))


async def gathered(url: str, token: str, word: str, calls: int = CALLS) -> None:
    """The same calls by an agent under `asyncio.gather`, without a sweep: nothing is planned, scored or stored."""
    asked = model("openai-chat:gpt-4o-mini", base_url=url, api_key=token)
    agent = al.Agent(asked)
    waiting = iter(range(calls))

    async def work() -> None:
        for number in waiting:
            await agent.prompt(f"{word} is {number} + 1?")

    async with asked.session():
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


def swept(url: str, token: str, word: str, folder: str, calls: int = CALLS) -> Plan:
    """The same calls as a sweep, with a store."""
    asked = model("openai-chat:gpt-4o-mini", base_url=url, api_key=token)
    data = [{"sample_id": str(number), "input": f"{word} is {number} + 1?"} for number in range(calls)]
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


def compared(
    url: str, token: str, case: str, folder: str, *, rounds: int, calls: int
) -> list[results.Result]:
    """All three ways, in turn."""
    word = WORDS[case]
    ways: dict[str, tuple[str, Callable[[], Awaitable[object]]]] = {
        FLOOR: ("floor", lambda: bare(url, token, word, calls)),
        GATHERED: ("ours", lambda: gathered(url, token, word, calls)),
        SWEEP: ("ours", lambda: swept(url, token, word, folder, calls).run()),
    }
    found: dict[str, list[results.Round]] = {way: [] for way in ways}
    for number in range(rounds):
        for way, (_, made) in ways.items():
            found[way].append(script.timed_async(made))
        walls = ", ".join(f"{way} {taken[-1].wall_s:.2f} s" for way, taken in found.items())
        print(f"  {case}, round {number + 1} of {rounds}: {walls}", flush=True)
    return [results.Result(case, way, kind, way, "", tuple(found[way])) for way, (kind, _) in ways.items()]


def best_wall_s(rows: list[results.Result], case: str, way: str) -> float:
    """The shortest round: what others on the machine took of it is noise, always upwards."""
    row = next(each for each in rows if (each.case, each.way) == (case, way))
    return min(each.wall_s for each in row.rounds)


def told(name: str, took: Round) -> str:
    """A line of the report."""
    return f"  {name:<7} {took.wall:6.2f} s wall  {took.cpu:6.2f} s CPU  {1e6 * took.cpu / CALLS:6.0f} us CPU a call"


def measured(folder: str, *, rounds: int, calls: int) -> list[results.Result]:
    """Both cases, beside a simulator in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sweep_overhead", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        url, token = json.loads(server.stdout.readline())
        script.timed_async(swept(url, token, "What", folder, calls).run)  # imports and prices are read once
        found = compared(url, token, EVEN, folder, rounds=rounds, calls=calls)
        found += compared(url, token, TAILED, folder, rounds=1, calls=calls)
        server.stdin.close()
        server.wait()
    return found


def main() -> int:
    """Measure, report, and fail where a bar is missed."""
    asked = script.options(__doc__, rounds=ROUNDS).parse_args()
    calls = CALLS // 10 if asked.small else CALLS
    with tempfile.TemporaryDirectory() as folder:
        found = measured(folder, rounds=asked.rounds, calls=calls)
    ratio = best_wall_s(found, EVEN, SWEEP) / best_wall_s(found, EVEN, FLOOR)
    ideal_tail = ideal_s([heavy_tailed(number) for number in range(calls)])
    of_ideal = best_wall_s(found, TAILED, SWEEP) / ideal_tail
    cases = tuple(Case(case, parts=calls, unit="us") for case in WORDS)
    title = f"A sweep of {calls:,} calls, {IN_FLIGHT} in flight; microseconds a call"
    benchmark = Benchmark("", "sweep_overhead", title, cases, FLOOR)
    ideals = f"Even: {math.ceil(calls / IN_FLIGHT) * EVEN_S:.2f} s at best; heavy tailed: {ideal_tail:.2f} s."
    bars = (
        f"Wall clock of the sweep: {ratio:.2f} of httpx (at most {MOST_WALL}); of the best there is, heavy tailed: "
        f"{of_ideal:.2f} (at most {MOST_OF_IDEAL})."
    )
    print(table(benchmark, found), ideals, bars, sep="\n")
    if asked.write:
        about = (
            f"Processor time a call, wall clock a call in brackets: medians of {asked.rounds} rounds in turn (heavy tailed: one), "
            f"the simulator in a process of its own. The sweep plans, meters and stores every call. {ideals} {bars}"
        )
        write(
            benchmark,
            found,
            about=about,
            made_with=installed_versions("agentlab", "httpx"),
            folder=asked.write,
        )
    return int(ratio > MOST_WALL or of_ideal > MOST_OF_IDEAL)


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve_until_told()
    else:
        sys.exit(main())
