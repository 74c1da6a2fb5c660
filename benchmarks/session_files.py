"""What a store does with a session of 10,000 messages: opening with its transcript, appending, branching, files, search.

Run: `.venv/bin/python benchmarks/session_files.py`
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agentlab.messages import AssistantMessage, UserMessage
from agentlab.sessions import AssistantSaid, SessionStore, UserSaid

MESSAGES = 10_000
T = TypeVar("T")


def main() -> None:
    """Print each step's milliseconds, once each, in order."""
    with tempfile.TemporaryDirectory() as folder:
        store = SessionStore(Path(folder) / "kept")
        said = [f"message {number}: " + "some words of a conversation " * 8 for number in range(MESSAGES)]
        with store.new("long", id="long") as session:
            session.append(
                *[
                    AssistantSaid(AssistantMessage.of(text), "sim:openai/gpt-5.6")
                    if number % 2
                    else UserSaid(UserMessage.of(text), text)
                    for number, text in enumerate(said)
                ]
            )
        jsonl, markdown = Path(folder) / "out.jsonl", Path(folder) / "out.md"
        session = timed("open, transcript in step", lambda: store.open("long"))
        with session:
            timed("append one entry", lambda: session.append(UserSaid(UserMessage.of("more"), "more")))
            timed("branch in the middle", lambda: session.branch_at(MESSAGES // 2))
            timed("switch back", lambda: session.switch("main"))
        timed("export JSONL", lambda: store.export("long", jsonl))
        timed("export Markdown", lambda: store.export("long", markdown))
        timed("import JSONL", lambda: store.import_(jsonl))
        timed("import Markdown", lambda: store.import_(markdown))
        timed("search all three", lambda: store.search("message 9999:"))
        timed("list all three", store.list)


def timed(name: str, act: Callable[[], T]) -> T:
    """Do it and print how long it took."""
    begun = time.perf_counter()
    done = act()
    print(f"{name:28} {1000 * (time.perf_counter() - begun):9.1f} ms")
    return done


if __name__ == "__main__":
    main()
