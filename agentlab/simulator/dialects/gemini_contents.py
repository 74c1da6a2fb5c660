"""The `contents` of a Gemini request: their parts, the order of calls and responses, their neutral form."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct, field

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Json,
    Message,
    ProviderPart,
    Reasoning,
    ReasoningText,
    Source,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
    UserPart,
    Video,
)
from agentlab.simulator.dialects.base import Rejected
from agentlab.simulator.dialects.seals import seal, unseal
from agentlab.simulator.dialects.shape import fit

__all__ = [
    "Content",
    "camel",
    "check_turns",
    "listed",
    "read_contents",
    "thought_signature",
    "to_messages",
]

_SKIPS_CHECK: Final = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
_GUIDE: Final = "https://ai.google.dev/gemini-api/docs/thought-signatures"
_DATA: Final = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
    "videoMetadata",
)


class Content(NamedTuple):
    """One content as sent, its parts with names in camel case."""

    role: str
    parts: list[dict[str, Any]]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Its parts that call a function."""
        return [part for part in self.parts if "functionCall" in part]

    @property
    def responses(self) -> list[dict[str, Any]]:
        """Its parts that answer a call."""
        return [part for part in self.parts if "functionResponse" in part]


class _Content(Struct, forbid_unknown_fields=True):
    parts: list[dict[str, Any]] | dict[str, Any] = field(default_factory=list)
    role: str = "user"


class _Part(Struct, forbid_unknown_fields=True, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: dict[str, Any] | None = None
    file_data: dict[str, Any] | None = None
    function_call: dict[str, Any] | None = None
    function_response: dict[str, Any] | None = None
    executable_code: Any = None
    code_execution_result: Any = None
    tool_call: Any = None
    tool_response: Any = None
    video_metadata: Any = None
    media_resolution: Any = None
    part_metadata: Any = None


class _FunctionCall(Struct, forbid_unknown_fields=True, rename="camel"):
    name: str = ""
    args: dict[str, Any] | None = None
    id: str | None = None
    partial_args: Any = None
    will_continue: bool | None = None


class _FunctionResponse(Struct, forbid_unknown_fields=True, rename="camel"):
    name: str = ""
    response: dict[str, Any] | None = None
    id: str | None = None
    parts: list[dict[str, Any]] | None = None
    will_continue: bool | None = None
    scheduling: str | None = None


def camel(value: dict[str, Any]) -> dict[str, Any]:
    """The object with its own names in camel case, without nulls, which stand for what was not sent."""
    return {
        re.sub(r"_([a-z])", lambda found: found[1].upper(), name): inner
        for name, inner in value.items()
        if inner is not None
    }


def listed(value: Any) -> Any:
    """A repeated field: an object alone stands for a list of one."""
    return [value] if isinstance(value, dict) else value


def thought_signature(name: str) -> str:
    """The signature of a call to this function, or of text where the name is empty."""
    return seal("thought", name).replace("-", "+").replace("_", "/")


def read_contents(given: Sequence[dict[str, Any]]) -> list[Content]:
    """Check each content by itself.

    Raises:
        Misfit: A part is not of a shape the API knows.
        Rejected: A part breaks a rule of its kind.
    """
    contents: list[Content] = []
    for index, one in enumerate(given):
        content = fit(camel(one), _Content, "contents", index)
        if content.role not in {"user", "model", "function"}:
            raise Rejected.because("Please use a valid role: user, model.")
        if not content.parts:
            raise Rejected.because(
                f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n"
            )
        parts = [_read_part(part, index, place) for place, part in enumerate(listed(content.parts))]
        contents.append(Content("user" if content.role == "function" else content.role, parts))
    return contents


def _read_part(given: dict[str, Any], index: int, place: int) -> dict[str, Any]:
    part = camel(given)
    at = ("contents", index, "parts", place)
    where = f"contents[{index}].parts[{place}]"
    fit(part, _Part, *at)
    if not any(part.get(name) is not None for name in (*_DATA, "thoughtSignature")):
        raise Rejected.because(
            f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized field\n"
        )
    signature = part.get("thoughtSignature")
    if (call := part.get("functionCall")) is not None:
        part["functionCall"] = camel(call)
        named = fit(part["functionCall"], _FunctionCall, *at, "function_call").name
        _check_name(named, f"{where}.function_call")
        _check_signature(signature, named)
    elif (response := part.get("functionResponse")) is not None:
        part["functionResponse"] = camel(response)
        named = fit(part["functionResponse"], _FunctionResponse, *at, "function_response").name
        _check_name(named, f"{where}.function_response")
    else:
        _check_signature(signature, "")
    return part


def _check_name(name: str, where: str) -> None:
    if not name:
        raise Rejected.because(f"* GenerateContentRequest.{where}.name: Name cannot be empty.\n")


def _check_signature(signature: str | None, name: str) -> None:
    if signature is None or signature in _SKIPS_CHECK or _plain(signature) in _SKIPS_CHECK:
        return
    if unseal("thought", signature) != name:
        raise Rejected.because("Corrupted thought signature.")


def _plain(signature: str) -> str:
    """What a signature says where it is only a text in base64."""
    try:
        return base64.b64decode(signature.replace("-", "+").replace("_", "/"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def check_turns(contents: Sequence[Content], *, needs_signatures: bool) -> None:
    """Each turn of calls is followed at once by as many responses, and comes after a user or a response.

    Neighbouring contents of one role are one turn.

    Args:
        contents: From `read_contents`.
        needs_signatures: Whether the first call of each step since the user last spoke must carry its signature.

    Raises:
        Rejected: A rule is broken.
    """
    turns: list[Content] = []
    for content in contents:
        if turns and turns[-1].role == content.role:
            turns[-1] = Content(content.role, turns[-1].parts + content.parts)
        else:
            turns.append(content)
    for index, content in enumerate(turns):
        before = turns[index - 1] if index else Content("", [])
        if content.calls and before.role != "user":
            raise Rejected.because(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        if content.responses and not before.calls:
            raise Rejected.because(
                "Please ensure that function response turn comes immediately after a function call turn."
            )
        after = turns[index + 1] if index + 1 < len(turns) else Content("", [])
        if content.calls and len(after.responses) != len(content.calls):
            raise Rejected.because(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
    if needs_signatures:
        _check_signed(contents)


def _check_signed(contents: Sequence[Content]) -> None:
    asked = [
        index for index, content in enumerate(contents) if content.role == "user" and not content.responses
    ]
    for index in range(asked[-1] + 1 if asked else 0, len(contents)):
        first = next(iter(contents[index].calls), None)
        if first is not None and not first.get("thoughtSignature"):
            raise Rejected.because(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `default_api:{first['functionCall']['name']}` , position {index + 1}. Please "
                f"refer to {_GUIDE} for more details."
            )


def to_messages(contents: Sequence[Content]) -> tuple[Message, ...]:
    """The conversation in neutral form; calls without an id get one by their place. Call after `check_turns`."""
    messages: list[Message] = []
    waiting: list[ToolCall] = []
    for index, content in enumerate(contents):
        if content.role == "model":
            parts = tuple(_model_part(part, f"call-{index}-{n}") for n, part in enumerate(content.parts))
            waiting += [part for part in parts if isinstance(part, ToolCall)]
            messages.append(AssistantMessage(parts, wire="gemini"))
        else:
            messages.append(UserMessage(tuple(_user_part(part, waiting) for part in content.parts)))
    return tuple(messages)


def _model_part(part: dict[str, Any], local_id: str) -> AssistantPart:
    signature = part.get("thoughtSignature")
    if (call := part.get("functionCall")) is not None:
        arguments = msgspec.json.encode(call.get("args") or {}).decode()
        given = call.get("id")
        return ToolCall(given or local_id, call["name"], arguments, given, signature=signature)
    if part.get("thought"):
        return Reasoning((ReasoningText(part.get("text") or "", signature),))
    if part.get("text") is not None:
        return Text(part["text"], signature=signature)
    kind = next((name for name in _DATA if part.get(name) is not None), "thoughtSignature")
    return ProviderPart("gemini", kind, part)


def _user_part(part: dict[str, Any], waiting: list[ToolCall]) -> UserPart:
    if (response := part.get("functionResponse")) is not None:
        return _result(response, waiting)
    if part.get("text") is not None:
        return Text(part["text"])
    data = camel(part.get("inlineData") or part.get("fileData") or {})
    media_type = str(data.get("mimeType", ""))
    source: Source = Base64Source(data["data"]) if "data" in data else FileSource(data.get("fileUri", ""))
    kinds: dict[str, type[Image | Audio | Video]] = {"image": Image, "audio": Audio, "video": Video}
    kind = kinds.get(media_type.partition("/")[0])
    return kind(source, media_type) if kind else Document(source, media_type=media_type)


def _result(response: dict[str, Any], waiting: list[ToolCall]) -> ToolResult:
    """The answer to a call: the one of its id, else the first of its name, else the first left."""
    given, name = response.get("id"), response["name"]
    fitting = (
        [call for call in waiting if given is not None and call.provider_id == given]
        or [call for call in waiting if call.name == name]
        or waiting
    )
    call = fitting[0]
    waiting.remove(call)
    return ToolResult(call.id, name, (Json(response.get("response")),), provider_id=given)
