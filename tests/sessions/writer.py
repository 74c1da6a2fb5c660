"""A process that appends chats to a session and acknowledges every row, until it is killed.

Arguments: the file, how many chats, the length of their texts, `synced` or `unsynced`. For each batch of entries that
`append` returned from it writes one line, `<id>:<CRC-32 of its JSON> ...`, by one system call.
"""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path

from agentlab.sessions import Session
from agentlab.sessions.entries import entry_to_json
from tests.sessions.scripted import two_turn_chat

__all__: list[str] = []

REOPEN_EVERY = 15  # so that opening, closing and merging the log are killed too
BRANCH_EVERY = 4


def say(line: str) -> None:
    """One line to whoever started this."""
    os.write(1, f"{line}\n".encode())


def opened(path: Path) -> Session:
    """The session, made where there is none."""
    return Session(path) if path.exists() else Session.create(path, title="killed")


def main(path: Path, chats: int, size: int, synced: bool) -> None:
    """Append and acknowledge."""
    say("begin")
    session = opened(path)
    if not synced:
        session._database._connection.execute("PRAGMA synchronous = OFF")  # type: ignore[union-attr]
    first = len(session)
    for chat in range(first, first + chats):
        if chat % REOPEN_EVERY == REOPEN_EVERY - 1 and synced:
            session.close()
            session = opened(path)
        if chat % BRANCH_EVERY == BRANCH_EVERY - 1:
            session.branch_at(chat % len(session) + 1)
        for batch in two_turn_chat(chat, size):
            ids = session.append(*batch.entries, texts=batch.texts)
            raws = [entry_to_json(entry) for entry in batch.entries]
            say(" ".join(f"{id_}:{zlib.crc32(raw)}" for id_, raw in zip(ids, raws, strict=True)))
    session.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "synced")
