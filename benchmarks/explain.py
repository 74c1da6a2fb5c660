"""How fast `explain` is over a long run: 200 turns, 400 messages and a body of 1 MB at its end.

    .venv/bin/python benchmarks/explain.py

Prints the processor time for all turns of a run that only appends, of one whose marker moves with every turn, of runs
whose prefix moves on every turn (a clock in the preamble, a tool's description, the first message), and of one request
whose preamble changed, beside the time of decoding the same JSON once.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import msgspec

from agentlab.caching.calls import RecordedCall
from agentlab.caching.explaining.explain import explain, explain_calls
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Message,
    Request,
    Text,
    ToolDefinition,
    UserMessage,
)
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor

TURNS = 200
BODY_BYTES = 1_000_000
REPEATS = 5


def run(*, marked: bool = False, clock: str = "") -> list[RecordedCall]:
    """The calls of a run of an Anthropic model; `clock` names the part that tells the time, another one in every call."""
    row = vendor("anthropic")
    wire = wire_for(row.wire)
    sentence = "The cache reads the prefix, and the prefix is all it reads. "
    words = sentence * (BODY_BYTES // (2 * TURNS * len(sentence)))
    messages: tuple[Message, ...] = ()
    calls: list[RecordedCall] = []
    for turn in range(TURNS):
        messages = (*messages, UserMessage.of(f"{turn} {words}"))
        now = f" It is {turn} o'clock."
        first = UserMessage.of(f"{now} {words}")
        request = Request(
            model="claude-sonnet-5",
            tools=(ToolDefinition("search", "Search." + (now if clock == "tool" else "")),),
            preamble="You help." + (now if clock == "preamble" else ""),
            messages=(first, *messages[1:]) if clock == "message" else messages,
            cache=CacheOptions(breakpoints=("last",)) if marked else None,
        )
        body = wire.encode(request, row).body.decode()
        calls.append(RecordedCall(row.wire, body, "anthropic", request.model))
        messages = (*messages, AssistantMessage((Text(f"{turn} {words}"),)))
    return calls


def timed(work: Callable[[], object]) -> float:
    """The median seconds of several rounds."""
    rounds = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        rounds.append(time.process_time() - start)
    return statistics.median(rounds)


def main() -> None:
    """Measure and print."""
    calls, marked = run(), run(marked=True)
    preamble, tool, message = (run(clock=part) for part in ("preamble", "tool", "message"))
    last = calls[-1].body
    total = sum(len(call.body) for call in calls)
    changed = last.replace("You help.", "You helped.", 1)
    print(
        f"{len(calls)} calls, {2 * len(calls) - 1} messages, last body {len(last):,} bytes, all {total:,} bytes"
    )
    decode_last = timed(lambda: msgspec.json.decode(last))
    decode_all = timed(lambda: [msgspec.json.decode(call.body) for call in calls])
    for name, work, decoded in (
        ("all turns, appended", lambda: explain_calls(calls), decode_all),
        ("all turns, marker moves", lambda: explain_calls(marked), decode_all),
        ("all turns, clock in preamble", lambda: explain_calls(preamble), decode_all),
        ("all turns, clock in a tool", lambda: explain_calls(tool), decode_all),
        ("all turns, clock in message", lambda: explain_calls(message), decode_all),
        ("last pair, appended", lambda: explain(calls[-2], calls[-1]), 2 * decode_last),
        (
            "last pair, preamble changed",
            lambda: explain(("anthropic-messages", last), ("anthropic-messages", changed)),
            2 * decode_last,
        ),
    ):
        seconds = timed(work)
        print(
            f"{name:30} {1000 * seconds:8.1f} ms   {seconds / decoded:6.2f} of one JSON decode of the bodies"
        )


if __name__ == "__main__":
    main()
