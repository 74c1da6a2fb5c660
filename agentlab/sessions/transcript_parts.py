"""What a transcript tells of a session: prompts, answers, calls, results, and what changed. Reasoning is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import Struct

from agentlab.messages import (
    Audio,
    Document,
    Image,
    Refusal,
    Text,
    ToolCall,
    ToolStatus,
    Video,
)
from agentlab.sessions.entries import (
    AssistantSaid,
    Attached,
    Branched,
    Decided,
    DecisionAsked,
    Detached,
    Entry,
    ModeChanged,
    ModelChanged,
    Noticed,
    QuestionAsked,
    RunEnded,
    Stored,
    ToolAnswered,
    Unknown,
    UserSaid,
)
from agentlab.short_repr import ShortRepr

__all__ = ["PartKind", "TranscriptPart", "parts_of"]

PartKind = Literal["prompt", "answer", "call", "result", "note", "seen"]

_LONGEST_ARGUMENT: Final = 400
_LONGEST_RESULT: Final = 2_000


class TranscriptPart(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """One piece of a transcript.

    Attributes:
        kind: What it is; `seen` tells nothing, and says only how far the log was followed.
        entry: Id of the entry it tells of.
        at: Unix time of the entry.
        text: What was said; of a call its arguments as JSON.
        model: Of an answer: who answered.
        tool: Of a call and a result: the tool.
        call_id: Likewise: the call.
        status: Of a result: how the call ended.
        interrupted: Of an answer: whether it was cut off.
        cut: Whether the text is a summary, and the session's log holds more.
    """

    kind: PartKind
    entry: int = 0
    at: float = 0.0
    text: str = ""
    model: str = ""
    tool: str = ""
    call_id: str = ""
    status: ToolStatus = "success"
    interrupted: bool = False
    cut: bool = False


def parts_of(stored: Stored, *, whole: bool = False) -> list[TranscriptPart]:
    """What a transcript tells of an entry; nothing of one that a reader need not see.

    Args:
        stored: The entry.
        whole: Tell arguments and results as the model saw them; their summaries where False.
    """
    entry = stored.entry
    place: dict[str, Any] = {"entry": stored.id, "at": stored.at}
    match entry:
        case UserSaid():
            return [TranscriptPart("prompt", text=_prompt(entry), **place)]
        case AssistantSaid():
            return list(_answer(entry, place, whole=whole))
        case ToolAnswered(result=result):
            told = result.text if whole else entry.summary or _cut_text(result.text, _LONGEST_RESULT)
            names: dict[str, Any] = {"tool": result.name, "call_id": result.call_id, "status": result.status}
            cut = entry.full is not None or told != result.text
            return [TranscriptPart("result", text=told, cut=cut, **names, **place)]
        case _:
            note = _note(entry)
            return [TranscriptPart("note", text=note, **place)] if note else []


def _prompt(entry: UserSaid) -> str:
    """The text as typed, or what the message says where nothing was typed, and the names of what is no text."""
    media = [name for part in entry.message.content if (name := _medium(part))]
    return "\n".join(text for text in (entry.text or entry.message.text, *media) if text)


def _answer(entry: AssistantSaid, place: dict[str, Any], *, whole: bool) -> Iterator[TranscriptPart]:
    """The visible text, in one part up to the next call, and the calls."""
    message = entry.message
    texts: list[str] = []
    told: list[TranscriptPart] = []
    about: dict[str, Any] = {"model": entry.model or message.model or "", "interrupted": message.interrupted}
    for part in message.content:
        if isinstance(part, ToolCall):
            if texts:
                told.append(TranscriptPart("answer", text="".join(texts), **about, **place))
                texts = []
            arguments = part.arguments_json if whole else _shortened(part.arguments_json)
            cut = arguments != part.arguments_json
            names: dict[str, Any] = {"tool": part.name, "call_id": part.id, "cut": cut}
            told.append(TranscriptPart("call", text=arguments, **about, **names, **place))
        elif isinstance(part, Text | Refusal):
            texts.append(part.text)
        elif name := _medium(part):
            texts.append(name)
    if texts or (message.interrupted and not told):
        told.append(TranscriptPart("answer", text="".join(texts), **about, **place))
    yield from told


def _medium(part: object) -> str:
    """What stands for a part that is no text; empty for one that is."""
    if isinstance(part, Document):
        return f"[document {part.title or part.id or part.media_type or ''}]".replace(" ]", "]")
    if isinstance(part, Image | Audio | Video):
        return f"[{type(part).__name__.lower()} {part.media_type or ''}]".replace(" ]", "]")
    return ""


def _note(entry: Entry | Unknown) -> str:
    match entry:
        case ModelChanged():
            return f"The model is {entry.model} from here on.{_because(entry.why)}"
        case ModeChanged():
            plan = f" The plan is {entry.plan}." if entry.plan else ""
            return f"The mode is {entry.mode} from here on.{plan}"
        case RunEnded():
            ended = f"The run ended: {entry.reason}.{_because(entry.detail or '')}"
            return "" if entry.reason == "done" else ended
        case Branched():
            return f"Here the branch {entry.name} begins."
        case Noticed():
            return entry.text
        case _:
            return _asked(entry) or _attached(entry)


def _asked(entry: Entry | Unknown) -> str:
    match entry:
        case DecisionAsked():
            return f"{entry.tool} ({entry.call_id}) waits for a decision.{_because(entry.reason)}"
        case Decided():
            done = "allowed" if entry.verdict == "allow" else "denied"
            why = _because(entry.note or entry.reason)
            return f"{entry.tool} ({entry.call_id}) was {done} by the {entry.by}.{why}"
        case QuestionAsked():
            asked = (str(question.get("question", "")) for question in entry.questions)
            return "\n".join(("The user is asked:", *asked))
        case _:
            return ""


def _attached(entry: Entry | Unknown) -> str:
    match entry:
        case Attached():
            return f"{entry.path} is attached."
        case Detached():
            return f"{entry.path} is no longer attached."
        case _:
            return ""


def _because(why: str) -> str:
    return f" {why}" if why else ""


def _shortened(arguments_json: str) -> str:
    """Arguments with long texts cut at their end, as JSON where they were JSON."""
    if len(arguments_json) <= _LONGEST_ARGUMENT:
        return arguments_json
    try:
        arguments = json.loads(arguments_json)
        return json.dumps(_cut(arguments), ensure_ascii=False)
    except (ValueError, RecursionError):
        return _cut_text(arguments_json, _LONGEST_ARGUMENT)


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return _cut_text(value, _LONGEST_ARGUMENT)
    if isinstance(value, list):
        return [_cut(one) for one in value]
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}
    return value


def _cut_text(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"
