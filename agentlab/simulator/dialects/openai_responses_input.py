"""The input items of a Responses request: their shapes, the rules between them, their neutral form.

Rules: https://platform.openai.com/docs/api-reference/responses/create and the reasoning guide beside it. A function call
has an output and an output a call; a reasoning item is followed by what it led to, and what it led to is preceded by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    ReasoningContent,
    ReasoningEncrypted,
    ReasoningSummary,
    Refusal,
    Source,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    ToolResultContent,
    UrlSource,
    UserMessage,
    UserPart,
)
from agentlab.simulator.dialects.base import Rejected
from agentlab.simulator.dialects.openai_errors import missing
from agentlab.simulator.dialects.seals import seal, unseal
from agentlab.simulator.dialects.shape import Misfit, fit

__all__ = ["check_items", "encrypted", "item_id", "read_items", "to_messages"]

_HEAD: Final = b"\x80\x00\x00\x00\x00"
_DATA_URL: Final = re.compile(r"data:([^;,]*);base64,(.*)", re.DOTALL)
_ITEM_ID: Final = re.compile(r"(?P<kind>[a-z]+)_(?P<stem>\w{40})(?P<index>\d\d)(?P<reasoning>\d\d|xx)")
_INPUT_PARTS: Final = ("input_text", "input_image", "input_file", "input_audio")
_OUTPUT_PARTS: Final = ("output_text", "refusal")
_ROLES: Final = ("assistant", "system", "developer", "user")


class _MessageItem(Struct):
    role: str
    content: str | list[dict[str, Any]]
    id: str | None = None


class _FunctionCall(Struct):
    call_id: str
    name: str
    arguments: str
    id: str | None = None


class _FunctionCallOutput(Struct):
    call_id: str
    output: str | list[dict[str, Any]]


class _ReasoningItem(Struct):
    summary: list[dict[str, Any]]
    id: str | None = None
    encrypted_content: str | None = None
    content: list[dict[str, Any]] | None = field(default=None)


_ITEMS: Final[dict[str, tuple[type[Struct], str | None]]] = {
    "message": (_MessageItem, "msg"),
    "function_call": (_FunctionCall, "fc"),
    "function_call_output": (_FunctionCallOutput, None),
    "reasoning": (_ReasoningItem, "rs"),
}
_SERVER_ITEMS: Final = (
    "file_search_call",
    "computer_call",
    "computer_call_output",
    "web_search_call",
    "tool_search_call",
    "tool_search_output",
    "additional_tools",
    "compaction",
    "image_generation_call",
    "code_interpreter_call",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "custom_tool_call",
    "custom_tool_call_output",
)


def encrypted(reasoning: str, *, version: int = 1, finished: bool = True) -> str:
    """The `encrypted_content` of a reasoning item.

    Args:
        reasoning: What it hides.
        version: Blobs of one item differ between events on the real API; all of them are good.
        finished: One that is sent before the item is done cannot be sent back.
    """
    return seal("reasoning" if finished else "unfinished", f"{version}\n{reasoning}", head=_HEAD)


def item_id(prefix: str, stem: str, index: int, reasoning: int | None) -> str:
    """The id of an output item; it tells which reasoning item of the same response led to it."""
    return f"{prefix}{stem}{index:02d}{'xx' if reasoning is None else f'{reasoning:02d}'}"


def read_items(given: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Check each item by itself; a message without a type gets it.

    Raises:
        Misfit: An item is not of a shape the API knows.
        Rejected: An item breaks a rule of its kind.
    """
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    items = [{"type": "message", **item} if "role" in item else item for item in given]
    for index, item in enumerate(items):
        kind = item.get("type")
        if kind is None:
            raise Misfit(("input", index, "type"), "missing")
        if kind == "item_reference":
            raise _not_found(str(item.get("id", "")))
        if kind in _SERVER_ITEMS:
            continue
        if kind not in _ITEMS:
            raise _invalid_value(kind, (*_ITEMS, *_SERVER_ITEMS, "item_reference"), f"input[{index}]")
        shape, prefix = _ITEMS[kind]
        _check_id(item.get("id"), prefix, index)
        _check_item(fit(item, shape, "input", index), index)
    return items


def _check_id(given: Any, prefix: str | None, index: int) -> None:
    if isinstance(given, str) and prefix is not None and not given.startswith(prefix):
        raise Rejected.because(
            f"Invalid 'input[{index}].id': '{given}'. Expected an ID that begins with '{prefix}'.",
            code="invalid_value",
            param=f"input[{index}].id",
        )


def _check_item(item: Struct, index: int) -> None:
    if isinstance(item, _MessageItem):
        if item.role not in _ROLES:
            raise _invalid_value(item.role, _ROLES, f"input[{index}]")
        allowed = _OUTPUT_PARTS if item.role == "assistant" else _INPUT_PARTS
        _check_parts(item.content, allowed, f"input[{index}].content")
    elif isinstance(item, _FunctionCallOutput):
        _check_parts(item.output, _INPUT_PARTS, f"input[{index}].output")
    elif isinstance(item, _ReasoningItem):
        _check_parts(item.summary, ("summary_text",), f"input[{index}].summary")
        blob = item.encrypted_content
        if blob is not None and unseal("reasoning", blob, head=_HEAD) is None:
            shown = f"{blob[:4]}...{blob[-4:]}"
            raise Rejected.because(
                f"The encrypted content {shown} could not be verified. Reason: Encrypted content could not be "
                "decrypted or parsed.",
                code="invalid_encrypted_content",
            )


def _check_parts(content: str | list[dict[str, Any]], allowed: Sequence[str], where: str) -> None:
    if isinstance(content, str):
        return
    for place, part in enumerate(content):
        kind = part.get("type")
        if kind is None:
            raise missing(f"{where}[{place}].type")
        if kind not in allowed:
            raise _invalid_value(str(kind), allowed, f"{where}[{place}]")


def check_items(items: Sequence[dict[str, Any]], *, stored: bool) -> None:
    """Check the rules between items.

    Args:
        items: From `read_items`.
        stored: Whether earlier answers are kept, so that an item may be known by its id alone.

    Raises:
        Rejected: A call or an output stands alone, an id is used twice, or reasoning is torn from what it led to.
    """
    calls: list[str] = []
    called, seen = set(), set()
    for item in items:
        if (given := item.get("id")) is not None and given in seen:
            raise Rejected.because(
                f"Duplicate item found with id {given}. Remove duplicate items from your input and try again.",
                param="input",
            )
        seen.add(given)
        if item["type"] == "function_call":
            calls.append(item["call_id"])
        if _is_said(item):
            called.add(item.get("call_id"))
        elif item["type"] == "function_call_output" and item["call_id"] not in called:
            raise Rejected.because(
                f"No tool call found for function call output with call_id {item['call_id']}.", param="input"
            )
    answered = {item["call_id"] for item in items if item["type"] == "function_call_output"}
    for call_id in calls:
        if call_id not in answered:
            raise Rejected.because(f"No tool output found for function call {call_id}.", param="input")
    _check_reasoning(items, stored)


def _check_reasoning(items: Sequence[dict[str, Any]], stored: bool) -> None:
    for index, item in enumerate(items):
        given = item.get("id")
        if item["type"] == "reasoning" and given is not None:
            if not stored and item.get("encrypted_content") is None:
                raise _not_found(given, persisted=False)
            if index + 1 == len(items) or not _led_to(items[index + 1], stored):
                raise Rejected.because(
                    f"Item '{given}' of type 'reasoning' was provided without its required following item.",
                    param="input",
                )
        made = _ITEM_ID.fullmatch(given) if isinstance(given, str) and stored else None
        if made is not None and made["kind"] != "rs" and made["reasoning"] != "xx":
            needed = f"rs_{made['stem']}{made['reasoning']}xx"
            if needed not in {before.get("id") for before in items[:index]}:
                raise Rejected.because(
                    f"Item '{given}' of type '{item['type']}' was provided without its required 'reasoning' item: "
                    f"'{needed}'.",
                    param="input",
                )


def _led_to(item: dict[str, Any], stored: bool) -> bool:
    """Whether an item can be what reasoning led to; a kept message is known by its id, a call by its call id."""
    return _is_said(item) and (item["type"] != "message" or not stored or item.get("id") is not None)


def _is_said(item: dict[str, Any]) -> bool:
    """Whether the model made this item, not the client."""
    by_client = item["type"].endswith(("_output", "_response")) or item["type"] == "additional_tools"
    return not by_client and item.get("role", "assistant") == "assistant"


def to_messages(items: Sequence[dict[str, Any]]) -> tuple[list[str], tuple[Message, ...]]:
    """Leading instructions, and the conversation in neutral form; call after `check_items`."""
    names = {item["call_id"]: item["name"] for item in items if item["type"] == "function_call"}
    preamble: list[str] = []
    messages: list[Message] = []
    for item in items:
        kind, role = item["type"], item.get("role")
        if kind == "function_call_output":
            result = _result(item, names)
            last = messages[-1] if messages else None
            if isinstance(last, UserMessage) and len(last.tool_results) == len(last.content):
                messages[-1] = UserMessage((*last.content, result))
            else:
                messages.append(UserMessage((result,)))
        elif kind == "message" and role in {"system", "developer"}:
            text = "\n".join(part.text for part in _user_parts(item["content"]) if isinstance(part, Text))
            if messages:
                messages.append(SystemMessage(text))
            else:
                preamble.append(text)
        elif kind == "message" and role == "user":
            messages.append(UserMessage(_user_parts(item["content"])))
        else:
            _extend_turn(messages, _assistant_parts(item))
    return preamble, tuple(messages)


def _extend_turn(messages: list[Message], parts: tuple[AssistantPart, ...]) -> None:
    last = messages[-1] if messages else None
    if isinstance(last, AssistantMessage):
        messages[-1] = AssistantMessage(last.content + parts, wire=last.wire)
    else:
        messages.append(AssistantMessage(parts, wire="openai_responses"))


def _assistant_parts(item: dict[str, Any]) -> tuple[AssistantPart, ...]:
    kind = item["type"]
    if kind == "message":
        content = item["content"]
        pieces = [{"text": content}] if isinstance(content, str) else content
        return tuple(
            Refusal(piece["refusal"]) if "refusal" in piece else Text(piece.get("text", ""))
            for piece in pieces
        )
    if kind == "function_call":
        return (ToolCall(item["call_id"], item["name"], item["arguments"], item["call_id"], item.get("id")),)
    if kind == "reasoning":
        pieces_of: list[ReasoningContent] = [
            ReasoningSummary(part.get("text", "")) for part in item["summary"]
        ]
        if blob := item.get("encrypted_content"):
            pieces_of.append(ReasoningEncrypted(blob))
        return (Reasoning(tuple(pieces_of), id=item.get("id")),)
    return (ProviderPart("openai_responses", kind, item),)


def _result(item: dict[str, Any], names: Mapping[str, str]) -> ToolResult:
    output, call_id = item["output"], item["call_id"]
    content: list[ToolResultContent] = [
        part if isinstance(part, Text | Image) else Text("") for part in _user_parts(output)
    ]
    return ToolResult(call_id, names.get(call_id, ""), tuple(content), provider_id=call_id)


def _user_parts(content: str | list[dict[str, Any]]) -> tuple[UserPart, ...]:
    if isinstance(content, str):
        return (Text(content),)
    makers: dict[str, Callable[[dict[str, Any]], UserPart]] = {
        "input_text": lambda part: Text(part.get("text", "")),
        "input_image": _image,
        "input_file": _file,
        "input_audio": _audio,
    }
    return tuple(makers[part["type"]](part) for part in content)


def _image(part: dict[str, Any]) -> Image:
    source, media_type = _source(part.get("image_url"), part.get("file_id"))
    return Image(source, media_type)


def _file(part: dict[str, Any]) -> Document:
    source, media_type = _source(part.get("file_data") or part.get("file_url"), part.get("file_id"))
    return Document(source, title=part.get("filename"), media_type=media_type)


def _audio(part: dict[str, Any]) -> Audio:
    sound = part.get("input_audio") or {}
    return Audio(Base64Source(str(sound.get("data", ""))), f"audio/{sound.get('format', 'wav')}")


def _source(url: Any, file_id: Any) -> tuple[Source, str | None]:
    if not isinstance(url, str):
        return FileSource(str(file_id or "")), None
    inline = _DATA_URL.fullmatch(url)
    return (Base64Source(inline[2]), inline[1]) if inline else (UrlSource(url), None)


def _invalid_value(value: str, allowed: Sequence[str], param: str) -> Rejected:
    quoted = [f"'{name}'" for name in allowed]
    comma = "," if len(quoted) > 2 else ""
    known = f"{', '.join(quoted[:-1])}{comma} and {quoted[-1]}" if len(quoted) > 1 else quoted[0]
    return Rejected.because(
        f"Invalid value: '{value}'. Supported values are: {known}.", code="invalid_value", param=param
    )


def _not_found(given: str, *, persisted: bool = True) -> Rejected:
    hint = (
        ""
        if persisted
        else " Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove "
        "this item from your input."
    )
    return Rejected.because(f"Item with id '{given}' not found.{hint}", status=404, param="input")
