"""The conversation of a Converse request: its blocks, the rules that bind calls to results, its neutral form.

Sentences are those of the API where recordings or AWS's documentation have them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Audio,
    Base64Source,
    Document,
    Image,
    Json,
    Message,
    ProviderPart,
    Reasoning,
    ReasoningRedacted,
    ReasoningText,
    Source,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    ToolResultContent,
    UrlSource,
    UserMessage,
    UserPart,
    Video,
)
from agentlab.simulator.dialects.base import Rejected
from agentlab.simulator.dialects.seals import digest, seal, unseal

__all__ = ["WireMessage", "check_turns", "hidden", "signature", "to_messages"]

_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DOCUMENT_NAME: Final = re.compile(r"(?!.*\s\s)[a-zA-Z0-9\s\-()\[\]]{1,200}")
_KINDS: Final = frozenset(
    [
        "text", "image", "document", "video", "audio", "toolUse", "toolResult", "guardContent", "cachePoint",
        "reasoningContent", "citationsContent", "searchResult", "toolAddition", "toolRemoval",
    ]
)  # fmt: skip
_ONLY_IN: Final = {"toolUse": "assistant", "reasoningContent": "assistant", "citationsContent": "assistant"}
_MEDIA_TYPES: Final = {
    "pdf": "application/pdf", "csv": "text/csv", "html": "text/html", "txt": "text/plain", "md": "text/markdown",
}  # fmt: skip

Block = dict[str, Any]


class WireMessage(Struct, forbid_unknown_fields=True):
    """One message as sent."""

    role: Literal["user", "assistant"]
    content: list[Block]


def signature(text: str) -> str:
    """What reasoning is signed with; the same text is always signed alike."""
    return seal("reasoning", digest(text)).replace("-", "+").replace("_", "/")


def hidden(data: str) -> str:
    """The blob of withheld reasoning that holds this text."""
    return seal("redacted", data).replace("-", "+").replace("_", "/")


def check_turns(messages: Sequence[WireMessage], *, has_tools: bool, alternating: bool = True) -> None:
    """Refuse a conversation the API would not take.

    Args:
        messages: The conversation.
        has_tools: Whether the request has a `toolConfig`.
        alternating: Whether the model wants the roles in turns; recorded: Titan does not.

    Raises:
        Rejected: Roles out of turn, a blank text, a call without its result, tool blocks without tools.
    """
    if not messages:
        raise Rejected.because("The messages field must hold at least one message.")
    if messages[0].role != "user":
        raise Rejected.because(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message."
        )
    waiting: set[str] = set()
    earlier = "assistant"
    for index, message in enumerate(messages):
        if message.role == earlier and alternating:
            raise Rejected.because(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again."
            )
        earlier = message.role
        for place, block in enumerate(message.content):
            _check_block(f"messages.{index}.content.{place}", message.role, block, has_tools=has_tools)
        waiting = _check_pairs(index, message, waiting)
    if waiting:
        _refuse_unanswered(len(messages), waiting)


def _check_pairs(index: int, message: WireMessage, waiting: set[str]) -> set[str]:
    """Each call is answered once, in the very next user message; gives the calls that wait after this one."""
    answered = [block["toolResult"]["toolUseId"] for block in message.content if "toolResult" in block]
    if message.role == "assistant":
        calls = [block["toolUse"] for block in message.content if "toolUse" in block]
        return {call["toolUseId"] for call in calls if call.get("type") != "server_tool_use"}
    if len(answered) > len(waiting) or set(answered) - waiting:
        raise Rejected.because(
            f"The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of previous "
            "turn."
        )
    if waiting - set(answered):
        _refuse_unanswered(index, waiting - set(answered))
    return set()


def _refuse_unanswered(index: int, waiting: set[str]) -> None:
    raise Rejected.because(
        f"Expected toolResult blocks at messages.{index}.content for the following Ids: {', '.join(sorted(waiting))}"
    )


def _check_block(where: str, role: str, block: Block, *, has_tools: bool) -> None:
    kind = next(iter(block), "")
    if len(block) != 1 or kind not in _KINDS:
        raise Rejected.because(f"Unknown union discriminator at {where}: {', '.join(block) or 'nothing'}.")
    value = block[kind]
    if kind == "text":
        _check_text(where, value)
        return
    if not isinstance(value, dict):
        raise Rejected.because(f"The value of {kind} at {where} must be an object.")
    server = isinstance(value.get("type"), str) and kind in {"toolUse", "toolResult"}
    if kind in {"toolUse", "toolResult"} and not has_tools:
        raise Rejected.because(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )
    if (_ONLY_IN.get(kind, role) != role) or (kind == "toolResult" and role == "assistant" and not server):
        raise Rejected.because(f"{kind} blocks at {where} cannot be in a message of role {role}.")
    if kind in {"toolUse", "toolResult"}:
        _check_tool_block(where, kind, value)
    elif kind == "reasoningContent":
        _check_reasoning(where, value)
    elif kind == "document":
        _check_document(where, value)


def _check_text(where: str, text: Any) -> None:
    if not isinstance(text, str):
        raise Rejected.because(f"The text field in the ContentBlock object at {where} must be a string.")
    if not text:  # recorded: white space alone is accepted
        raise Rejected.because(
            f"The text field in the ContentBlock object at {where} is blank. Add text to the text field, and try again."
        )


def _check_document(where: str, value: Block) -> None:
    if not _DOCUMENT_NAME.fullmatch(str(value.get("name"))):
        raise Rejected.because(
            f"The document file name at {where} can only contain alphanumeric characters, whitespace characters, hyphens, "
            "parentheses, and square brackets. The name can't contain more than one consecutive whitespace character."
        )


def _check_tool_block(where: str, kind: str, value: Block) -> None:
    if not _ID.fullmatch(str(value.get("toolUseId"))):
        raise Rejected.because(
            f"Value '{value.get('toolUseId')}' at '{where}.{kind}.toolUseId' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z0-9_.:-]+"
        )
    if kind == "toolUse":
        if not _NAME.fullmatch(str(value.get("name"))):
            raise Rejected.because(
                f"Value '{value.get('name')}' at '{where}.toolUse.name' failed to satisfy constraint: Member must satisfy "
                "regular expression pattern: [a-zA-Z0-9_-]+"
            )
        if not isinstance(value.get("input"), dict):
            raise Rejected.because(
                f"The format of the value at {where}.toolUse.input is invalid. Provide a json object."
            )
        return
    for place, piece in enumerate(value.get("content") or ()):
        if "json" in piece and not isinstance(piece["json"], dict):
            raise Rejected.because(
                f"The format of the value at {where}.toolResult.content.{place}.json is invalid. Provide a json object for "
                "the field and try again."
            )


def _check_reasoning(where: str, value: Block) -> None:
    """Claude's reasoning comes back signed and unchanged, or withheld as it was."""
    shown, withheld = value.get("reasoningText"), value.get("redactedContent")
    if withheld is not None and unseal("redacted", str(withheld)) is None:
        raise Rejected.because(
            f"The model returned the following errors: {where}: Invalid `data` in `redacted_thinking` block"
        )
    if shown is None:
        return
    signed = unseal("reasoning", str(shown.get("signature") or ""))
    if signed is None or signed != digest(str(shown.get("text"))):
        raise Rejected.because(
            f"The model returned the following errors: {where}: Invalid `signature` in `thinking` block"
        )


def to_messages(messages: Sequence[WireMessage]) -> tuple[Message, ...]:
    """The conversation in neutral form; cache markers are left out."""
    names: dict[str, str] = {}
    found: list[Message] = []
    for message in messages:
        blocks = [block for block in message.content if "cachePoint" not in block]
        if message.role == "user":
            found.append(UserMessage(tuple(_user_part(block, names) for block in blocks)))
            continue
        turn = AssistantMessage(tuple(_assistant_part(block) for block in blocks), wire="bedrock_converse")
        names |= {call.id: call.name for call in turn.tool_calls}
        found.append(turn)
    return tuple(found)


def _user_part(block: Block, names: Mapping[str, str]) -> UserPart:
    if "toolResult" in block:
        result = block["toolResult"]
        call_id = result["toolUseId"]
        pieces = tuple(_result_piece(piece) for piece in result.get("content") or ())
        status: Literal["failed", "success"] = "failed" if result.get("status") == "error" else "success"
        return ToolResult(call_id, names.get(call_id, ""), pieces, status, call_id)
    if "image" in block:
        return Image(_source(block["image"]), f"image/{block['image']['format']}")
    if "video" in block:
        return Video(_source(block["video"]), f"video/{block['video']['format']}")
    if "audio" in block:
        return Audio(_source(block["audio"]), f"audio/{block['audio']['format']}")
    if "document" in block:
        document = block["document"]
        media_type = _MEDIA_TYPES.get(document.get("format", "txt"), "application/octet-stream")
        return Document(_source(document), title=document["name"], media_type=media_type)
    return Text(_text_of(block))


def _text_of(block: Block) -> str:
    if "guardContent" in block:
        return str(block["guardContent"].get("text", {}).get("text", ""))
    text = block.get("text")
    return text if isinstance(text, str) else msgspec.json.encode(block).decode()


def _result_piece(piece: Block) -> ToolResultContent:
    if "json" in piece:
        return Json(piece["json"])
    if "image" in piece:
        return Image(_source(piece["image"]), f"image/{piece['image']['format']}")
    return Text(_text_of(piece))


def _source(media: Block) -> Source:
    source = media.get("source") or {}
    if "s3Location" in source:
        return UrlSource(str(source["s3Location"].get("uri")))
    if "text" in source:
        return TextSource(source["text"])
    return Base64Source(str(source.get("bytes", "")))


def _assistant_part(block: Block) -> AssistantPart:
    if "text" in block:
        return Text(block["text"])
    if "toolUse" in block and block["toolUse"].get("type") != "server_tool_use":
        use = block["toolUse"]
        written = msgspec.json.encode(use["input"]).decode()
        return ToolCall(use["toolUseId"], use["name"], written, use["toolUseId"])
    if "reasoningContent" in block:
        thought = block["reasoningContent"]
        if "redactedContent" in thought:
            return Reasoning((ReasoningRedacted(thought["redactedContent"]),))
        shown = thought["reasoningText"]
        return Reasoning((ReasoningText(shown["text"], shown.get("signature")),))
    if "citationsContent" in block:
        return Text(
            "".join(piece.get("text", "") for piece in block["citationsContent"].get("content") or ())
        )
    return ProviderPart("bedrock_converse", next(iter(block)), block)
