"""The conversation of a Messages request: its content blocks, the rules that bind calls to results, its neutral form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile, zip_longest
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Base64Source,
    Document,
    FileSource,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    ReasoningRedacted,
    ReasoningText,
    Source,
    SystemMessage,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    UserPart,
)
from agentlab.simulator.dialects.base import Rejected
from agentlab.simulator.dialects.seals import digest, seal, unseal
from agentlab.simulator.dialects.shape import Misfit, fit

__all__ = ["Turn", "Wording", "check_pairs", "hidden", "read_turn", "signature", "to_messages"]

_TOOL_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")


class Turn(NamedTuple):
    """One message as sent, its content always as blocks."""

    number: int
    role: Literal["user", "assistant", "system"]
    blocks: list[dict[str, Any]]


class Wording:
    """The API's words for a value that does not fit."""

    _TYPES: Final = {
        "str": "Input should be a valid string",
        "int": "Input should be a valid integer",
        "float": "Input should be a valid number",
        "bool": "Input should be a valid boolean",
        "array": "Input should be a valid list",
        "object": "Input should be an object",
    }

    @classmethod
    def of(cls, misfit: Misfit) -> str:
        """One sentence, its path first."""
        if misfit.kind == "missing":
            return f"{misfit.dotted}: Field required"
        if misfit.kind == "extra":
            return f"{misfit.dotted}: Extra inputs are not permitted"
        wanted = misfit.expected.split(" | ", maxsplit=1)[0]
        return f"{misfit.dotted}: {cls._TYPES.get(wanted, misfit.reason)}"


def signature(thinking: str) -> str:
    """What a thinking block is signed with; the same text is always signed alike."""
    return seal("thinking", digest(thinking)).replace("-", "+").replace("_", "/")


def hidden(data: str) -> str:
    """The `data` of a redacted thinking block that holds this text."""
    return seal("redacted", data).replace("-", "+").replace("_", "/")


class _Text(Struct, forbid_unknown_fields=True):
    type: str
    text: str
    cache_control: Any = None
    citations: Any = None


class _Media(Struct):
    type: str
    source: dict[str, Any]
    title: str | None = None


class _Thinking(Struct, forbid_unknown_fields=True):
    type: str
    thinking: str
    signature: str


class _Redacted(Struct, forbid_unknown_fields=True):
    type: str
    data: str


class _ToolUse(Struct, forbid_unknown_fields=True):
    type: str
    id: str
    name: str
    input: dict[str, Any]
    cache_control: Any = None
    caller: Any = None
    toolset_name: str | None = None


class _ToolResult(Struct, forbid_unknown_fields=True):
    type: str
    tool_use_id: str
    content: str | list[dict[str, Any]] = ""
    is_error: bool = False
    cache_control: Any = None


_BLOCKS: Final[dict[str, type[Struct]]] = {
    "text": _Text,
    "image": _Media,
    "document": _Media,
    "thinking": _Thinking,
    "redacted_thinking": _Redacted,
    "tool_use": _ToolUse,
    "tool_result": _ToolResult,
}
_SERVER_BLOCKS: Final = (
    "search_result",
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "container_upload",
    "mcp_tool_use",
    "mcp_tool_result",
    "compaction",
    "tool_addition",
    "advisor_tool_result",
)
_ONLY_IN: Final = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_result": "user",
}


def read_turn(
    index: int, role: Literal["user", "assistant", "system"], content: str | list[dict[str, Any]]
) -> Turn:
    """Check the blocks of one message by themselves.

    Raises:
        Misfit: A block is not of a shape the API knows.
        Rejected: A block breaks a rule of its kind.
    """
    if isinstance(content, str):
        return Turn(index, role, [{"type": "text", "text": content}] if content else [])
    for place, block in enumerate(content):
        at = ("messages", index, "content", place)
        kind = block.get("type")
        if kind is None:
            raise Misfit((*at, "type"), "missing")
        if kind in _SERVER_BLOCKS:
            continue
        if kind not in _BLOCKS:
            known = ", ".join(f"'{name}'" for name in (*_BLOCKS, *_SERVER_BLOCKS))
            raise Rejected.because(
                f"messages.{index}.content.{place}: Input tag '{kind}' found using 'type' does not match any of the "
                f"expected tags: {known}"
            )
        if _ONLY_IN.get(kind, role) != role:
            raise Rejected.because(
                f"messages.{index}: `{kind}` blocks can only be in `{_ONLY_IN[kind]}` messages"
            )
        _check_block(at, role, kind, fit(block, _BLOCKS[kind], *at, kind))
    return Turn(index, role, content)


def _check_block(at: Sequence[str | int], role: str, kind: str, block: Struct) -> None:
    where = ".".join(map(str, at))
    if isinstance(block, _Text) and not block.text:
        raise Rejected.because("messages: text content blocks must be non-empty")
    if isinstance(block, _Text) and role == "user" and not block.text.strip():
        raise Rejected.because("messages: text content blocks must contain non-whitespace text")
    if isinstance(block, _ToolUse) and not _TOOL_ID.fullmatch(block.id):
        raise Rejected.because(f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if isinstance(block, _Thinking) and not _is_signed(block):
        raise Rejected.because(f"{where}: Invalid `signature` in `thinking` block")
    if isinstance(block, _Redacted) and unseal("redacted", block.data) is None:
        raise Rejected.because(f"{where}: Invalid `data` in `redacted_thinking` block")
    if isinstance(block, _Media) and _source(block.source) is None:
        raise Rejected.because(f"{where}.{kind}.source: Field required")


def _is_signed(block: _Thinking) -> bool:
    """Thinking that was shown must be unchanged; thinking that was not shown has only its signature."""
    signed = unseal("thinking", block.signature)
    return signed is not None and (not block.thinking or signed == digest(block.thinking))


def check_pairs(turns: Sequence[Turn]) -> None:
    """Each call is answered once, at the start of the very next user turn, and nothing else is answered.

    Neighbouring messages of one role are one turn, as the API has it.

    Raises:
        Rejected: A call or a result stands alone, or an id is used twice.
    """
    groups = _grouped(turns)
    for group, after in zip_longest(groups, groups[1:]):
        calls = _calls(group)
        answers = after.blocks if after is not None and after.role == "user" else []
        first = takewhile(lambda item: item[1]["type"] == "tool_result", answers)
        answered = {block["tool_use_id"] for _, block in first}
        _refuse_unanswered(group.number, [call for call in calls if call not in answered])
        _check_results(after.blocks if after is not None else [], calls)
    _check_results(groups[0].blocks if groups else [], [])


class _Group(NamedTuple):
    """Neighbouring messages of one role, each block with its path."""

    number: int
    role: str
    blocks: list[tuple[str, dict[str, Any]]]


def _grouped(turns: Iterable[Turn]) -> list[_Group]:
    groups: list[_Group] = []
    for turn in turns:
        blocks = [
            (f"messages.{turn.number}.content.{place}", block) for place, block in enumerate(turn.blocks)
        ]
        if groups and groups[-1].role == turn.role:
            groups[-1] = _Group(turn.number, turn.role, groups[-1].blocks + blocks)
        else:
            groups.append(_Group(turn.number, turn.role, blocks))
    return groups


def _calls(group: _Group) -> list[str]:
    """Ids of the calls in a turn; an id may come back in a later turn, not in the same."""
    calls: list[str] = []
    for where, block in group.blocks:
        if block["type"] == "tool_use":
            if block["id"] in calls:
                raise Rejected.because(f"{where}: `tool_use` ids must be unique")
            calls.append(block["id"])
    return calls


def _check_results(blocks: Iterable[tuple[str, dict[str, Any]]], calls: Sequence[str]) -> None:
    answered: set[str] = set()
    for where, block in blocks:
        if block["type"] != "tool_result":
            continue
        wanted = block["tool_use_id"]
        if wanted in answered:
            raise Rejected.because(
                f"{where}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
                f"{wanted}"
            )
        if wanted not in calls:
            raise Rejected.because(
                f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {wanted}. Each `tool_result` block "
                "must have a corresponding `tool_use` block in the previous message."
            )
        answered.add(wanted)


def _refuse_unanswered(index: int, calls: Iterable[str]) -> None:
    if ids := ", ".join(calls):
        raise Rejected.because(
            f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {ids}. Each "
            "`tool_use` block must have a corresponding `tool_result` block in the next message."
        )


def to_messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """The conversation in neutral form; call after `check_pairs`."""
    names: dict[str, str] = {}
    messages: list[Message] = []
    for turn in turns:
        if turn.role == "system":
            messages.append(SystemMessage("\n".join(block.get("text", "") for block in turn.blocks)))
        elif turn.role == "assistant":
            names.update({block["id"]: block["name"] for block in turn.blocks if block["type"] == "tool_use"})
            messages.append(AssistantMessage(tuple(map(_assistant_part, turn.blocks)), wire="anthropic"))
        else:
            parts = (_user_part(block, names) for block in turn.blocks)
            messages.append(UserMessage(tuple(part for part in parts if part is not None)))
    return tuple(messages)


def _assistant_part(block: dict[str, Any]) -> AssistantPart:
    kind = block["type"]
    if kind == "text":
        return Text(block["text"])
    if kind == "thinking":
        return Reasoning((ReasoningText(block["thinking"], block["signature"]),))
    if kind == "redacted_thinking":
        return Reasoning((ReasoningRedacted(unseal("redacted", block["data"]) or ""),))
    if kind == "tool_use":
        arguments = msgspec.json.encode(block["input"]).decode()
        return ToolCall(block["id"], block["name"], arguments, provider_id=block["id"])
    return ProviderPart("anthropic", kind, block)


def _user_part(block: dict[str, Any], names: dict[str, str]) -> UserPart | None:
    kind = block["type"]
    if kind == "text":
        return Text(block["text"])
    if kind == "tool_result":
        call_id = block["tool_use_id"]
        given = block.get("content") or []
        content = [{"type": "text", "text": given}] if isinstance(given, str) else given
        return ToolResult(
            call_id,
            names.get(call_id, ""),
            tuple(Text(piece["text"]) if "text" in piece else _image(piece) for piece in content),
            status="failed" if block.get("is_error") else "success",
            provider_id=call_id,
        )
    if kind == "image":
        return _image(block)
    source = _source(block.get("source", {}))
    if kind == "document" and source is not None:
        return Document(source, title=block.get("title"), media_type=block["source"].get("media_type"))
    return None


def _image(block: dict[str, Any]) -> Image:
    given = block.get("source", {})
    return Image(_source(given) or TextSource(""), given.get("media_type"))


def _source(source: dict[str, Any]) -> Source | None:
    makers: dict[str, tuple[str, Callable[[str], Source]]] = {
        "base64": ("data", Base64Source),
        "url": ("url", UrlSource),
        "file": ("file_id", FileSource),
        "text": ("data", TextSource),
        "content": ("content", lambda given: TextSource(str(given))),
    }
    field, make = makers.get(str(source.get("type")), ("", TextSource))
    return make(source[field]) if field in source else None
