"""What a session of 10,000 messages costs: to open, to append to, to branch, to read as a history.

    .venv/bin/python benchmarks/session_log.py [messages]

Makes a log of turns with two tool calls each, some 1.5 kB a message, and prints milliseconds: the median and the slowest of
several tries by the wall clock, and the median of processor time, which a busy machine does not stretch. `append` waits for
the disk; what that costs alone is the last line: one `fdatasync` of as many bytes.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from agentlab.messages import AssistantMessage, Text, ToolCall, ToolResult, Usage, UserMessage
from agentlab.sessions import AssistantSaid, Entry, Session, ToolAnswered, UserSaid
from agentlab.sessions.creating import row_of

MESSAGES = 10_000
TRIES = 15
SENTENCE = "The workspace holds three folders of notes, and one of them has the figures of last year. "


def conversation(messages: int) -> Iterator[Entry]:
    """Entries that add up to at least so many messages: prompt, two calls, their results, an answer, and again."""
    for turn in range(messages // 4 + 1):
        calls = tuple(
            ToolCall(f"call_{turn}_{which}", "read", f'{{"path": "notes/{turn}.md"}}') for which in (0, 1)
        )
        yield UserSaid(UserMessage.of(f"Question {turn}: {SENTENCE * 3}"), text=f"Question {turn}")
        yield AssistantSaid(
            AssistantMessage((Text(SENTENCE), *calls)), model="openai:gpt-5.6", usage=Usage(input_tokens=900)
        )
        for call in calls:
            yield ToolAnswered(
                ToolResult(call.id, "read", (Text(SENTENCE * 16),)), call.arguments_json, SENTENCE
            )
        yield AssistantSaid(
            AssistantMessage.of(SENTENCE * 16), model="openai:gpt-5.6", usage=Usage(input_tokens=1200)
        )


def timed(what: str, work: Callable[[], object], tries: int = TRIES) -> None:
    """Print how long something takes."""
    walls, processors = [], []
    for _ in range(tries):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(1000 * (time.perf_counter() - wall))
        processors.append(1000 * (time.process_time() - processor))
    median, busy = statistics.median(walls), statistics.median(processors)
    print(f"{what:<32} {median:8.2f} ms   slowest {max(walls):8.2f} ms   processor {busy:8.2f} ms")


def synced(file: int, data: bytes) -> None:
    """What a commit asks of the disk, and nothing else."""
    os.write(file, data)
    os.fdatasync(file)


def main(messages: int) -> None:
    """Make the session, then time it."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "long.sqlite"
        rows = [
            row_of(entry, place, 0, 1.8e9 + place)
            for place, entry in enumerate(conversation(messages), start=1)
        ]
        with Session.restore(path, rows) as session:
            said = len(session.history())
        print(f"{len(rows):,} entries, {said:,} messages, {path.stat().st_size / 1e6:.1f} MB")
        timed("open for writing, and close", lambda: Session(path).close())
        timed("open for reading, and close", lambda: Session(path, read_only=True).close())
        turns = conversation(messages)
        with Session(path) as session:
            timed("append, nothing read before", lambda: session.append(next(turns)))
            timed("branch, nothing read before", lambda: session.branch_at(messages // 2))
            session.switch("main")
            timed("history, the first time", session.history, tries=1)
            timed("history, again", session.history)
            timed("append, all read before", lambda: session.append(next(turns)))
            timed("append, then history", lambda: (session.append(next(turns)), session.history()))
            timed("entries, again", session.entries)
            timed("branch, all read before", lambda: session.branch_at(messages // 2))
            timed("branch, then its history", lambda: (session.branch_at(messages // 2), session.history()))
            timed("frame", lambda: session.df, tries=3)
            timed("check", session.check, tries=3)
        with closing(open(Path(name) / "bare", "wb", buffering=0)) as bare:  # noqa: PTH123 - closed by closing
            timed("one fdatasync of 8 kB", lambda: synced(bare.fileno(), bytes(8192)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES)
