"""A session's file as version 1 wrote it, made without any of the code that reads it."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

__all__ = ["FULL_TEXT", "make_version_1"]

FULL_TEXT = "the whole answer"
_DIGEST = "1185507e0308734a0e7ac79dc534c8eefe6bfd404e2b751b5413d7c4a4d78fd5"

_TABLES = """
CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  branch INTEGER NOT NULL,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  tokens INTEGER NOT NULL,
  data TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT;
CREATE INDEX entries_that_set ON entries (kind)
WHERE kind IN ('titled', 'tagged', 'configured', 'branched');
CREATE TABLE contents (digest TEXT PRIMARY KEY NOT NULL, text BLOB NOT NULL) STRICT;
CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'entries are appended, in order'); END;
CREATE TRIGGER entries_not_updated BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_not_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
CREATE TRIGGER contents_once BEFORE INSERT ON contents
WHEN EXISTS (SELECT 1 FROM contents WHERE digest = NEW.digest)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER contents_not_updated BEFORE UPDATE ON contents
BEGIN SELECT RAISE(ABORT, 'contents are never changed'); END;
CREATE TRIGGER contents_not_deleted BEFORE DELETE ON contents
BEGIN SELECT RAISE(ABORT, 'contents are never deleted'); END;
PRAGMA application_id = 0x41474C53;
PRAGMA user_version = 1;
"""

_ENTRIES = [
    (0, 100.0, "configured", 0, '{"kind":"configured","config":{"model":"openai:gpt-5.6"}}'),
    (0, 100.0, "titled", 0, '{"kind":"titled","title":"Of version 1"}'),
    (0, 100.0, "tagged", 0, '{"kind":"tagged","tags":["old"]}'),
    (
        0,
        101.5,
        "user",
        6,
        '{"kind":"user","message":{"role":"user","content":[{"type":"text","text":"Größe?"}]},"text":"Größe?"}',
    ),
    (
        0,
        102.0,
        "assistant",
        9,
        (
            '{"kind":"assistant","message":{"role":"assistant","content":[{"type":"reasoning","content":[{"type":"text",'
            '"text":"Look.","signature":"s"}]},{"type":"tool_call","id":"c1","name":"ls"}]},"model":"openai:gpt-5.6",'
            '"usage":{"input_tokens":12,"output_tokens":3},"cost_usd":0.01,"finish_reason":"tool_calls",'
            '"timing":{"duration_s":0.5},"run_id":"r1","reasoning_id":"t1"}'
        ),
    ),
    (
        0,
        103.0,
        "tool",
        5,
        (
            '{"kind":"tool","result":{"type":"tool_result","call_id":"c1","name":"ls","content":[{"type":"text",'
            f'"text":"a.md"}}]}},"summary":"1 file","full":"{_DIGEST}","duration_s":0.1,"untrusted":true}}'
        ),
    ),
    (1, 104.0, "branched", 0, '{"kind":"branched","name":"other","at":4}'),
    (
        1,
        105.0,
        "user",
        4,
        '{"kind":"user","message":{"role":"user","content":[{"type":"text","text":"Or so?"}]}}',
    ),
]


def make_version_1(path: Path) -> None:
    """Write the file: eight entries on two branches, and one text."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_TABLES)
        for place, (branch, at, kind, tokens, data) in enumerate(_ENTRIES, start=1):
            head = f"{place} {branch} {at!r} {kind} {tokens} "
            crc = zlib.crc32(data.encode(), zlib.crc32(head.encode()))
            connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
                (place, branch, at, kind, tokens, data, crc),
            )
        connection.execute("INSERT INTO contents VALUES (?, ?)", (_DIGEST, FULL_TEXT.encode()))
