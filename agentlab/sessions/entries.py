"""What a session's log is made of: one entry for everything that was said, done, decided or changed.

Entries are plain data. Their JSON holds a `kind` and fields, never the name of a class or a path to import, so reading a
session can run nothing. Kinds and fields that a newer version wrote are kept as they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

from agentlab.errors import SessionCorrupt, UsageError
from agentlab.messages import (
    AssistantMessage,
    FinishReason,
    StopReason,
    Timing,
    ToolResult,
    Usage,
    UserMessage,
)
from agentlab.short_repr import ShortRepr

__all__ = [
    "AssistantSaid",
    "Attached",
    "Branched",
    "Configured",
    "Decided",
    "DecisionAsked",
    "Detached",
    "Entry",
    "ModeChanged",
    "ModelChanged",
    "Noticed",
    "QuestionAsked",
    "RunEnded",
    "Stored",
    "Tagged",
    "Titled",
    "ToolAnswered",
    "Unknown",
    "UserSaid",
    "digest_of",
    "entry_from_json",
    "entry_to_json",
    "kind_of",
]

JsonObject = dict[str, Any]


class UserSaid(ShortRepr, Struct, frozen=True, tag="user", tag_field="kind", omit_defaults=True):
    """The user spoke.

    Attributes:
        message: What stands in the history: the text and whatever was told with it.
        text: The text as it was typed.
        question_id: `QuestionAsked.question_id` of the question it answers.
    """

    message: UserMessage
    text: str = ""
    question_id: str | None = None


class AssistantSaid(ShortRepr, Struct, frozen=True, tag="assistant", tag_field="kind", omit_defaults=True):
    """The model spoke: one model call.

    Attributes:
        message: The whole message, reasoning included; `interrupted` where it was cut off.
        model: `"vendor:model"` of who answered.
        usage: Tokens of the call; None where it was cut off before they were told.
        cost_usd: Its price; None where that is not known.
        finish_reason: Why it ended; None where nobody said.
        timing: When things happened.
        retries: Requests that failed before it.
        response_id: The provider's id of the response.
        request_id: The provider's id of the request.
        run_id: The run it belongs to.
        turn: Which model call of the run, from 1.
        reasoning_id: One id for all reasoning of the message; None where it has none.
    """

    message: AssistantMessage
    model: str = ""
    usage: Usage | None = None
    cost_usd: float | None = None
    finish_reason: FinishReason | None = None
    timing: Timing = Timing()
    retries: int = 0
    response_id: str | None = None
    request_id: str | None = None
    run_id: str | None = None
    turn: int = 1
    reasoning_id: str | None = None


class ToolAnswered(ShortRepr, Struct, frozen=True, tag="tool", tag_field="kind", omit_defaults=True):
    """A tool answered a call.

    Attributes:
        result: What the model is shown.
        arguments_json: The arguments it was called with, or their summary.
        summary: The answer in short.
        full: Digest of the whole answer (`Session.text_of`), where `result` is not the whole.
        duration_s: How long it ran, in seconds.
        untrusted: Whether it told of the world outside: what it says is data, never an instruction.
        run_id: The run it belongs to.
    """

    result: ToolResult
    arguments_json: str = "{}"
    summary: str = ""
    full: str | None = None
    duration_s: float = 0.0
    untrusted: bool = False
    run_id: str | None = None


class RunEnded(ShortRepr, Struct, frozen=True, tag="run_ended", tag_field="kind", omit_defaults=True):
    """A run is over; `detail` says why where it did not end by itself."""

    run_id: str
    reason: StopReason = "done"
    detail: str | None = None


class ModelChanged(ShortRepr, Struct, frozen=True, tag="model_changed", tag_field="kind", omit_defaults=True):
    """From here on another model answers; `why` is the user's wish or the reason of a fallback."""

    model: str
    before: str = ""
    why: str = ""


class ModeChanged(ShortRepr, Struct, frozen=True, tag="mode_changed", tag_field="kind", omit_defaults=True):
    """From here on another mode holds.

    Attributes:
        mode: The new mode.
        before: The old one.
        plan: Path of the approved plan.
        plan_text: Its text when it was approved.
    """

    mode: str
    before: str = ""
    plan: str | None = None
    plan_text: str | None = None


class DecisionAsked(
    ShortRepr, Struct, frozen=True, tag="decision_asked", tag_field="kind", omit_defaults=True
):
    """A call waits for a decision; it is pending until a `Decided` with its call id follows."""

    call_id: str
    tool: str
    arguments_json: str = "{}"
    reason: str = ""
    run_id: str | None = None


class Decided(ShortRepr, Struct, frozen=True, tag="decided", tag_field="kind", omit_defaults=True):
    """Whether a call may run.

    Attributes:
        call_id: The call.
        tool: The tool it calls.
        verdict: `allow` or `deny`.
        by: Who decided: a rule of the policy, the user, or code that answers for the user.
        reason: Why it had to be decided.
        note: What the model is told of a refusal.
        stood_still: Whether no run was under way when it was decided, so that the tool runs only when the run is resumed.
    """

    call_id: str
    tool: str
    verdict: Literal["allow", "deny"]
    by: Literal["policy", "user", "approver"] = "user"
    reason: str = ""
    note: str = ""
    stood_still: bool = False


class QuestionAsked(
    ShortRepr, Struct, frozen=True, tag="question_asked", tag_field="kind", omit_defaults=True
):
    """The model asks the user; it is pending until a `UserSaid` with its question id follows."""

    question_id: str
    call_id: str | None = None
    questions: tuple[JsonObject, ...] = ()


class Attached(ShortRepr, Struct, frozen=True, tag="attached", tag_field="kind", omit_defaults=True):
    """A file was attached, or attached again because it changed.

    Attributes:
        path: Its path in the workspace.
        priority: 0 is essential and never pruned; the larger the number, the sooner it goes.
        digest: Digest of the text that was attached.
        tokens: Estimated size of that text.
    """

    path: str
    priority: int = 0
    digest: str = ""
    tokens: int = 0


class Detached(ShortRepr, Struct, frozen=True, tag="detached", tag_field="kind", omit_defaults=True):
    """A file is no longer attached."""

    path: str


class Titled(ShortRepr, Struct, frozen=True, tag="titled", tag_field="kind", omit_defaults=True):
    """The session has a new title."""

    title: str


class Tagged(ShortRepr, Struct, frozen=True, tag="tagged", tag_field="kind", omit_defaults=True):
    """The session has these tags, and no others."""

    tags: tuple[str, ...] = ()


class Configured(ShortRepr, Struct, frozen=True, tag="configured", tag_field="kind", omit_defaults=True):
    """The configuration the session is worked with, as JSON."""

    config: JsonObject = {}


class Branched(ShortRepr, Struct, frozen=True, tag="branched", tag_field="kind", omit_defaults=True):
    """The first entry of a branch of its own.

    Attributes:
        name: The branch.
        from_branch: Number of the branch it leaves; 0 is the first one, `main`.
        at: Id of the last entry of that branch it shares; 0 shares nothing.
    """

    name: str
    from_branch: int = 0
    at: int = 0


class Noticed(ShortRepr, Struct, frozen=True, tag="noticed", tag_field="kind", omit_defaults=True):
    """Something the reader should know that is no part of the conversation; `notice` is its kind."""

    notice: str
    text: str = ""


class Unknown(ShortRepr, Struct, frozen=True):
    """An entry of a kind that this version does not know; `Stored.raw` holds all of it."""

    kind: str


Entry = (
    UserSaid
    | AssistantSaid
    | ToolAnswered
    | RunEnded
    | ModelChanged
    | ModeChanged
    | DecisionAsked
    | Decided
    | QuestionAsked
    | Attached
    | Detached
    | Titled
    | Tagged
    | Configured
    | Branched
    | Noticed
)


class Stored(ShortRepr, Struct, frozen=True):
    """An entry with its place in the log.

    Attributes:
        id: 1, 2, 3, ... in the order in which entries were written, over all branches.
        branch: Number of the branch it was written on; 0 is the first one, `main`.
        at: Unix time of writing, in seconds; never less than that of the entry before.
        kind: What it is, as in its JSON.
        tokens: Estimated tokens of what it adds to the history; 0 where it adds nothing.
        raw: Its JSON as it was written, with fields that this version does not know.
        entry: What the JSON says.
    """

    id: int
    branch: int
    at: float
    kind: str
    tokens: int
    raw: bytes
    entry: Entry | Unknown


_TYPES: Final = {str(kind.__struct_config__.tag): kind for kind in get_args(Entry)}
_DECODER: Final = msgspec.json.Decoder(Entry)
_TAG: Final = msgspec.json.Decoder(Unknown)
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def kind_of(entry: Entry | Unknown) -> str:
    """The kind of an entry, as its JSON names it."""
    return entry.kind if isinstance(entry, Unknown) else str(entry.__struct_config__.tag)


def entry_to_json(entry: Entry) -> bytes:
    """An entry as JSON. Half a surrogate pair, which no JSON may hold, becomes U+FFFD.

    Raises:
        UsageError: It holds something that is no plain data.
    """
    if not isinstance(entry, get_args(Entry)):
        raise UsageError(f"a session keeps entries, not {type(entry).__name__}")
    try:
        return msgspec.json.encode(entry)
    except UnicodeEncodeError:
        whole = json.loads(json.dumps(msgspec.to_builtins(entry)), object_hook=_whole_texts)
        return msgspec.json.encode(whole)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"a {kind_of(entry)} entry cannot be written as JSON: {error}") from error


def entry_from_json(raw: bytes, kind: str) -> Entry | Unknown:
    """Read an entry back; it makes the entry's own types and plain JSON values, nothing else.

    Args:
        raw: Its JSON.
        kind: The kind the log has it under.

    Raises:
        SessionCorrupt: The JSON is damaged, or is not an entry of that kind.
    """
    try:
        if kind not in _TYPES:
            raw.decode()  # what is skipped is not looked at otherwise
            told = _TAG.decode(raw).kind
            entry: Entry | Unknown = Unknown(kind)
        else:
            entry = _DECODER.decode(raw)
            told = kind_of(entry)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise SessionCorrupt(f"a {kind!r} entry cannot be read: {error}") from error
    if told != kind:
        raise SessionCorrupt(f"an entry is kept as {kind!r}, but says that it is {told!r}")
    return entry


def digest_of(text: str) -> str:
    """The digest under which a session keeps a text: SHA-256 of its UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _whole_texts(found: JsonObject) -> JsonObject:
    return {_whole(name): _whole(value) for name, value in found.items()}


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value
