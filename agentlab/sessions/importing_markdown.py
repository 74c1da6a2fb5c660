"""A transcript or a Markdown export, read back as entries: prompts, answers, calls with their results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from agentlab.errors import SessionCorrupt, SessionUnusable, UsageError
from agentlab.messages import AssistantMessage, Text, ToolCall, ToolResult, UserMessage
from agentlab.sessions.creating import row_of
from agentlab.sessions.entries import (
    AssistantSaid,
    Configured,
    Entry,
    ModelChanged,
    Noticed,
    Tagged,
    Titled,
    ToolAnswered,
    UserSaid,
)
from agentlab.sessions.front_matter import read_front_matter, split_front_matter
from agentlab.sessions.read_session import ReadSession
from agentlab.sessions.rows import LATEST
from agentlab.sessions.transcript_checks import FORMAT_VERSION
from agentlab.sessions.transcript_markdown import read_parts
from agentlab.sessions.transcript_parts import TranscriptPart

__all__ = ["read_markdown"]

_NOTE: Final = "transcript"


def read_markdown(text: str, name: str) -> ReadSession:
    """Read Markdown that a session was written as.

    Args:
        text: The file's text.
        name: What errors call it.

    Raises:
        SessionUnusable: It is something else, or of a newer version.
        SessionCorrupt: Its front matter or a comment of ours is damaged.
    """
    head, body = split_front_matter(text)
    fields = _fields(head, name)
    reading = read_parts(
        body, name=name, before=0 if head is None else text[: len(text) - len(body)].count("\n")
    )
    if "agentlab_transcript" not in fields and not reading.parts:
        raise SessionUnusable(
            f"{name} is no export of a session: Markdown that agentlab wrote has a front matter with "
            "`agentlab_transcript`, and comments that say where each piece ends"
        )
    timed = [*_head_entries(fields), *_entries(reading.parts)]
    if reading.rest.strip():
        timed.append((0.0, Noticed(_NOTE, reading.rest.strip("\n"))))
    rows, at = [], 0.0
    for place, (told_at, entry) in enumerate(timed, start=1):
        at = max(at, min(told_at, LATEST))
        rows.append(row_of(entry, place, 0, at))
    session = fields.get("session")
    return ReadSession(
        id=session if isinstance(session, str) else "",
        rows=tuple(rows),
        notices=tuple(_notices(reading.parts, reading.rest)),
    )


def _fields(head: str | None, name: str) -> dict[str, Any]:
    if head is None:
        return {}
    try:
        fields = read_front_matter(head)
    except UsageError as error:
        raise SessionCorrupt(f"{name}: {error}") from error
    version = fields.get("agentlab_transcript")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise SessionUnusable(
            f"{name} was written by a newer agentlab (version {version}; this one reads up to {FORMAT_VERSION}): "
            "upgrade agentlab"
        )
    return fields


def _head_entries(fields: Mapping[str, Any]) -> list[tuple[float, Entry]]:
    """The entries that the front matter stands for."""
    config = fields.get("config")
    title, tags, model = fields.get("title"), fields.get("tags"), fields.get("model")
    known = config if isinstance(config, dict) else {}
    entries: list[Entry] = [Configured(known)]
    if title:
        entries.append(Titled(str(title)))
    if isinstance(tags, list) and tags:
        entries.append(Tagged(tuple(str(tag) for tag in tags)))
    if isinstance(model, str) and model and model != known.get("model"):
        entries.append(ModelChanged(model))
    return [(0.0, entry) for entry in entries]


def _entries(parts: Sequence[TranscriptPart]) -> Iterable[tuple[float, Entry]]:
    """The entries that pieces stand for, with their times."""
    calls: dict[str, str] = {}
    for (is_turn, _), group in groupby(enumerate(parts), key=lambda placed: _turn_of(*placed)):
        told = [part for _, part in group]
        if is_turn:
            calls.update((part.call_id, part.text) for part in told if part.kind == "call")
            yield told[0].at, _assistant(told)
            continue
        for part in told:
            match part.kind:
                case "prompt":
                    yield part.at, UserSaid(UserMessage.of(part.text), part.text)
                case "result":
                    yield part.at, _answered(part, calls.get(part.call_id, "{}"))
                case "note":
                    yield part.at, Noticed(_NOTE, part.text)
                case _:
                    pass


def _turn_of(place: int, part: TranscriptPart) -> tuple[bool, int]:
    """Pieces of one turn of the model have one key, and nothing else has that."""
    if part.kind in {"answer", "call"}:
        return True, part.entry
    return False, place


def _assistant(told: Sequence[TranscriptPart]) -> AssistantSaid:
    content = [
        ToolCall(part.call_id or f"call_{place}", part.tool, part.text)
        if part.kind == "call"
        else Text(part.text)
        for place, part in enumerate(told)
        if part.kind == "call" or part.text
    ]
    interrupted = any(part.interrupted for part in told)
    message = AssistantMessage(tuple(content), interrupted=interrupted)
    return AssistantSaid(message, told[0].model)


def _answered(part: TranscriptPart, arguments_json: str) -> ToolAnswered:
    result = ToolResult(part.call_id, part.tool, (Text(part.text),), part.status)
    return ToolAnswered(result, arguments_json, part.text)


def _notices(parts: Sequence[TranscriptPart], rest: str) -> Iterable[str]:
    yield "Markdown holds neither reasoning nor usage and costs, and one branch; JSONL holds all of a session"
    cut = sum(part.cut for part in parts)
    if cut:
        yield f"{cut} calls or results of the file are summaries of longer texts, and stay so"
    if rest.strip():
        yield "text after the last piece was kept as a note"
