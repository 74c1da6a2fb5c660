"""How long `what_if` takes on a long run, and how much of it is saved by reading each message once.

python benchmarks/what_if.py [calls]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from msgspec import structs

from agentlab.caching import workloads
from agentlab.caching.blocks.splitting import blocks_of
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.replaying.what_if import what_if
from agentlab.messages import Usage

REPEATS = 5


def seconds(run: Callable[[], object]) -> float:
    """The fastest of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the times and the ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    usage = Usage(input_tokens=100_000, output_tokens=30, cache_read_tokens=0)
    made = workloads.agent_loop(system_tokens=3_000, calls=count, result_tokens=640)
    calls = [structs.replace(call, usage=usage) for call in made]
    last = calls[-1].request
    assert last is not None
    size = sum(len(block.text) for block in blocks_of(arrange(last)))
    what_if(calls[:2], ordering="query_first")  # loads pandas and the price table
    took = seconds(lambda: what_if(calls, ordering="query_first"))
    start = time.perf_counter()
    for call in calls[:: max(1, count // 20)]:
        assert call.request is not None
        blocks_of(arrange(call.request))
    anew = (time.perf_counter() - start) * min(count, max(1, count // 20))
    print(f"{count} calls, {len(last.messages)} messages, {size / 1e6:.2f} MB in the last prompt")
    print(f"what_if            {took * 1e3:8.1f} ms")
    print(f"cutting each anew  {anew * 1e3:8.1f} ms, {anew / took:.1f} times as long")


if __name__ == "__main__":
    main()
