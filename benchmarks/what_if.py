"""How much processor time `what_if` takes on a long run, beside reading its JSON once and cutting each request anew.

python benchmarks/what_if.py [calls]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import structs

from agentlab.caching import workloads
from agentlab.caching.blocks.splitting import blocks_of
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.replaying.what_if import what_if
from agentlab.messages import Usage

REPEATS = 9
PROVIDERS = (None, "anthropic:claude-sonnet-4-5", "openai:gpt-5.6", "deepseek:deepseek-chat")


def seconds(run: Callable[[], object]) -> float:
    """The processor time of the fastest of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
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
    bodies = [msgspec.json.encode(call.request) for call in calls]
    decoded = seconds(lambda: [msgspec.json.decode(body) for body in bodies])
    start = time.process_time()
    for call in calls[:: max(1, count // 20)]:
        assert call.request is not None
        blocks_of(arrange(call.request))
    anew = (time.process_time() - start) * min(count, max(1, count // 20))
    print(f"{count} calls, {len(last.messages)} messages, {size / 1e6:.2f} MB in the last prompt")
    print(
        f"decoding the JSON of all requests once {decoded * 1e3:8.1f} ms, cutting each anew {anew * 1e3:8.1f} ms"
    )
    for provider in PROVIDERS:
        took = seconds(partial(what_if, calls, ordering="query_first", provider=provider))
        print(
            f"what_if {provider or 'as recorded':28} {took * 1e3:8.1f} ms   {took / decoded:5.2f} of decoding, "
            f"{anew / took:5.1f} times as fast as cutting anew"
        )


if __name__ == "__main__":
    main()
