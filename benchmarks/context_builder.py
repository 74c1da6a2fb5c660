"""What the order of a chat's context costs: 60 prompts, a 20,000-token persona, files that change, a change of mode, tools.

    python -m benchmarks.context_builder [--write benchmarks/results/context_builder.md]

Each session is driven against the embedded simulator, with each vendor's own cache rule and list prices, 75 s of virtual time
between prompts. Then: the same under a budget of the history, cut rarely or with every prompt; and the time that a context of
10,000 messages takes.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from agentlab.chat.context import BUILDERS, Attachment, Budgets, ContextBuilder, ContextInput, Stable
from agentlab.messages import AssistantMessage, CacheOptions, Text, ToolCall, ToolResult, UserMessage
from agentlab.sessions import AssistantSaid, Entry, Stored, ToolAnswered, UserSaid
from agentlab.sessions.entries import entry_to_json, kind_of
from agentlab.sessions.tokens import tokens_of
from tests.chat.context.scripted_session import Bill, Script, drive, prose

CACHES: Final = (
    ("sim:anthropic/claude-sonnet-4-6", "two markers", CacheOptions(breakpoints=("preamble", "last"))),
    ("sim:anthropic/claude-sonnet-4-6", "automatic", CacheOptions(automatic=True)),
    ("sim:openai/gpt-5.6", "one key", CacheOptions(key="session")),
    ("sim:openai/gpt-5.1", "one key", CacheOptions(key="session")),
)
LIMITED: Final = (
    ("no limit", Budgets(history=None)),
    ("30,000, cut to 15,000", Budgets(history=30_000)),
    ("30,000, cut with every prompt", Budgets(history=30_000, keep=30_000, in_full=10_000)),
)
MESSAGES: Final = 10_000
REPEATS: Final = 9


def lines() -> Iterator[str]:
    """The results, as Markdown."""
    script = Script()
    yield "# What the order of a chat's context costs\n"
    yield f"{script.turns} prompts, a persona of {script.persona_tokens:,} tokens; totals over all model calls.\n"
    yield _HEAD.format(first="context builder")
    for name, kind, cache in CACHES:
        for builder in BUILDERS.values():
            bill = _bill(builder, script, name, cache)
            yield _row(name, kind, f"`{builder.name}`", bill)
    yield "\nThe default builder under a budget of the history:\n"
    yield _HEAD.format(first="tokens of history")
    for name, kind, cache in (CACHES[0], CACHES[2]):
        for label, budgets in LIMITED:
            yield _row(name, kind, label, _bill(Stable(), script, name, cache, budgets))
    yield f"\nTime to build a context of {MESSAGES:,} messages, the fastest of {REPEATS}, processor time:\n"
    yield "| messages | budget | builder | sent messages | ms |\n|---|---|---|--:|--:|"
    for kind, words in (("with tool calls, 2.4 million tokens", 2_000), ("short, 0.3 million tokens", 40)):
        entries = tuple(_long_log(words))
        for label, budgets in (
            ("120,000 tokens", Budgets()),
            ("no limit", Budgets(history=None)),
        ):
            for builder in BUILDERS.values():
                sent, took = _timed(builder, entries, budgets)
                yield f"| {kind} | {label} | `{builder.name}` | {sent:,} | {took * 1e3:.0f} |"
    yield f"\nPython {platform.python_version()}. Measure anew with"
    yield "`python -m benchmarks.context_builder --write benchmarks/results/context_builder.md`."


_HEAD: Final = (
    "| model | cache | {first} | calls | input tokens | read from the cache | written | largest prompt | cost |\n"
    "|---|---|---|--:|--:|--:|--:|--:|--:|"
)


def _row(name: str, kind: str, label: str, bill: Bill) -> str:
    written = f"{bill.written_tokens:,}" if bill.written_tokens else "free"
    return (
        f"| {name} | {kind} | {label} | {bill.calls} | {bill.input_tokens:,} | {bill.read_share:.1%} | {written} | "
        f"{bill.largest:,} | ${bill.cost_usd:.2f} |"
    )


def _bill(
    builder: ContextBuilder, script: Script, name: str, cache: CacheOptions, budgets: Budgets | None = None
) -> Bill:
    return asyncio.run(drive(builder, script, name, cache, budgets=budgets)).bill


def _long_log(result_words: int) -> Iterator[Stored]:
    """A log of so many messages: each prompt with a call, its result and an answer."""
    result = prose(result_words, 5)
    place = 0
    for turn in range(MESSAGES // 4):
        call = ToolCall(f"call_{turn}", "read", '{"path": "notes.md"}')
        entries: tuple[Entry, ...] = (
            UserSaid(UserMessage.of(f"{turn}: {prose(20, turn)}")),
            AssistantSaid(AssistantMessage.of("Let me look.", call)),
            ToolAnswered(ToolResult(call.id, "read", (Text(f"{turn}: {result}"),)), summary=result[:400]),
            AssistantSaid(AssistantMessage.of(f"{turn}: {prose(30, turn)}")),
        )
        for entry in entries:
            place += 1
            yield Stored(
                place, 0, float(place), kind_of(entry), tokens_of(entry), entry_to_json(entry), entry
            )


def _timed(builder: ContextBuilder, entries: tuple[Stored, ...], budgets: Budgets) -> tuple[int, float]:
    """Messages of the history as sent, and the fastest processor time in seconds."""
    given = ContextInput(
        entries=entries,
        prompt=(Text("And now?"),),
        preamble=prose(2_000, 0),
        mode_block='<mode name="build">\nBuild.\n</mode>',
        attachments=(Attachment.of("notes.md", prose(800, 1), "essential"),),
        budgets=budgets,
        model="anthropic:claude-sonnet-4-6",
    )
    sent = len(builder.build(given).history)
    return sent, min(_seconds(lambda: builder.build(given)) for _ in range(REPEATS))


def _seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    """Print the tables, or write them to a file."""
    parser = argparse.ArgumentParser(description="What the order of a chat's context costs.")
    parser.add_argument("--write", type=Path, help="file for the tables, as Markdown")
    path: Path | None = parser.parse_args().write
    told = []
    for line in lines():
        told.append(line)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    if path is not None:
        path.write_text("\n".join(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
