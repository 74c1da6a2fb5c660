"""Reading an OpenAI Chat Completions request as strictly as OpenAI does, with its sentences and codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Message,
    Reasoning,
    ReasoningText,
    Refusal,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    ToolResultContent,
    UrlSource,
    UserMessage,
    UserPart,
    Video,
)
from agentlab.simulator.dialects.base import Rejected, json_object
from agentlab.simulator.dialects.openai_errors import (
    NAME,
    ROLES,
    bad_name,
    bad_role,
    empty_array,
    missing,
    null_content,
    wrong_type,
)
from agentlab.simulator.dialects.openai_tools import output_schema, tool_choice, tools
from agentlab.simulator.exchange import SimRequest

__all__ = ["parse_chat"]

_STRICT_VENDORS: Final = frozenset({"openai", "azure"})
_KNOWN: Final = frozenset(
    [
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
        "max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model",
        "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
        "prompt_cache_options", "prompt_cache_retention", "reasoning_effort", "response_format",
        "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options",
        "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
        "web_search_options",
    ]
)  # fmt: skip
_DATA_URL: Final = re.compile(r"data:([^;,]*);base64,(.*)", re.DOTALL)


def parse_chat(vendor: str, headers: Mapping[str, str], body: bytes) -> SimRequest:
    """Understand a Chat Completions request.

    Vendors other than OpenAI and Azure accept more than OpenAI does (fields of their own, empty lists, images in tool
    results), so only those two are held to all of its rules.

    Raises:
        Rejected: OpenAI would refuse it.
    """
    parsed = json_object(body, _NOT_JSON)
    model = parsed.get("model")
    if not isinstance(model, str) or not model:
        raise Rejected.because("you must provide a model parameter")
    strict = vendor in _STRICT_VENDORS
    if strict:
        for name in parsed:
            if name not in _KNOWN:
                raise Rejected.because(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
    offered = tools(parsed.get("tools"), strict=strict)
    preamble, messages = _messages(parsed.get("messages"), strict=strict)
    _check_settings(parsed, offered, strict=strict)
    return SimRequest(
        vendor=vendor,
        wire="openai_chat",
        model=model,
        stream=bool(parsed.get("stream")),
        preamble=preamble,
        messages=messages,
        tools=offered,
        tool_choice=tool_choice(parsed.get("tool_choice"), offered, strict=strict),
        max_tokens=parsed.get("max_completion_tokens") or parsed.get("max_tokens"),
        reasoning=_wants_reasoning(parsed),
        output_schema=output_schema(parsed.get("response_format"), parsed, strict=strict),
        headers=headers,
        json=parsed,
        body=body,
    )


_NOT_JSON: Final = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)


def _check_settings(parsed: dict[str, Any], offered: tuple[ToolDefinition, ...], *, strict: bool) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        value = parsed.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(name, "an integer", value)
        if value < 1:
            raise Rejected.because(
                f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {value} instead.",
                code="integer_below_min_value",
                param=name,
            )
    if parsed.get("stream_options") is not None and not parsed.get("stream"):
        raise Rejected.because(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    for name in ("tool_choice", "parallel_tool_calls"):
        if parsed.get(name) is not None and not offered and strict:
            raise Rejected.because(
                f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.",
                param=name,
            )


def _messages(value: Any, *, strict: bool) -> tuple[str | None, tuple[Message, ...]]:
    """Messages in neutral form, tool results joined into one user message, and the leading instructions."""
    if value is None:
        raise missing("messages")
    if not isinstance(value, list):
        raise wrong_type("messages", "an array of objects", value)
    if not value:
        raise empty_array("messages")
    conversation = _Conversation(strict=strict)
    for index, item in enumerate(value):
        conversation.add(index, item)
    conversation.close_turn()
    preamble = "\n".join(conversation.preamble) if conversation.preamble else None
    return preamble, tuple(conversation.messages)


class _Conversation:
    """Messages being read, with the calls that still wait for results."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self.preamble: list[str] = []
        self.messages: list[Message] = []
        self._waiting: dict[str, ToolCall] = {}
        self._results: list[ToolResult] = []

    def add(self, index: int, item: Any) -> None:
        """Read one message."""
        where = f"messages[{index}]"
        if not isinstance(item, dict):
            raise wrong_type(where, "an object", item)
        role = item.get("role")
        if role not in ROLES:
            raise bad_role(where, role)
        if role == "tool":
            self._results.append(_result(item, self._waiting, index, strict=self._strict))
            return
        self.close_turn()
        if role in {"system", "developer"}:
            text = _plain(item.get("content"), where)
            if self.messages:
                self.messages.append(SystemMessage(text))
            else:
                self.preamble.append(text)
        elif role == "assistant":
            turn = _assistant(item, where, strict=self._strict)
            self._waiting = {call.id: call for call in turn.tool_calls}
            self.messages.append(turn)
        else:
            self.messages.append(UserMessage(_user_parts(item.get("content"), where, strict=self._strict)))

    def close_turn(self) -> None:
        """No more results come: all calls must have one."""
        if self._waiting:
            raise Rejected.because(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: "
                + ", ".join(self._waiting),
                param="messages",
            )
        if self._results:
            self.messages.append(UserMessage(tuple(self._results)))
            self._results = []


def _result(item: dict[str, Any], waiting: dict[str, ToolCall], index: int, *, strict: bool) -> ToolResult:
    where = f"messages[{index}]"
    call_id = item.get("tool_call_id")
    if not isinstance(call_id, str):
        raise missing(f"{where}.tool_call_id")
    called = waiting.pop(call_id, None)
    if called is None:
        raise Rejected.because(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
            "'tool_calls'.",
            param=f"messages.[{index}].role",
        )
    content: tuple[ToolResultContent, ...]
    if strict or not isinstance(item.get("content"), list):
        content = (Text(_plain(item.get("content"), where)),)
    else:
        parts = _user_parts(item["content"], where, strict=False)
        content = tuple(part for part in parts if isinstance(part, Text | Image))
    return ToolResult(call_id=call_id, name=called.name, content=content, provider_id=call_id)


def _assistant(item: dict[str, Any], where: str, *, strict: bool) -> AssistantMessage:
    parts: list[AssistantPart] = []
    reasoning = item.get("reasoning_content") or item.get("reasoning")
    if isinstance(reasoning, str):
        parts.append(Reasoning((ReasoningText(reasoning),)))
    content, calls = item.get("content"), item.get("tool_calls")
    if content is None and not calls and not item.get("refusal") and not item.get("function_call"):
        raise null_content(where)
    if isinstance(content, list):
        for piece in content:
            fields = piece if isinstance(piece, dict) else {}
            refused = fields.get("type") == "refusal"
            parts.append(Refusal(str(fields.get("refusal"))) if refused else Text(str(fields.get("text"))))
    elif content is not None:
        parts.append(Text(_plain(content, where)))
    if calls is not None and not isinstance(calls, list):
        raise wrong_type(f"{where}.tool_calls", "an array of objects", calls)
    if calls == [] and strict:
        raise empty_array(f"{where}.tool_calls")
    for index, call in enumerate(calls or ()):
        parts.append(_call(call, f"{where}.tool_calls[{index}]"))
    return AssistantMessage(tuple(parts), wire="openai_chat")


def _call(item: Any, where: str) -> ToolCall:
    function = item.get("function") if isinstance(item, dict) else None
    if not isinstance(function, dict) or not isinstance(item.get("id"), str):
        raise missing(f"{where}.id" if isinstance(function, dict) else f"{where}.function")
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(arguments, str):
        raise wrong_type(f"{where}.function.arguments", "a string", arguments)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise bad_name(f"{where}.function.name")
    return ToolCall(id=item["id"], name=name, arguments_json=arguments, provider_id=item["id"])


def _user_parts(content: Any, where: str, *, strict: bool) -> tuple[UserPart, ...]:
    if isinstance(content, str):
        return (Text(content),)
    if content is None:
        raise null_content(where)
    if not isinstance(content, list):
        raise wrong_type(f"{where}.content", "one of a string or array of objects", content)
    return tuple(
        _user_part(piece, f"{where}.content[{index}]", strict=strict) for index, piece in enumerate(content)
    )


def _user_part(piece: Any, where: str, *, strict: bool) -> UserPart:
    kind = piece.get("type") if isinstance(piece, dict) else None
    value = piece.get(kind) if isinstance(kind, str) else None
    if isinstance(value, str) and not strict:
        value = {"url": value, "data": value}
    if kind == "text" and isinstance(piece.get("text"), str):
        return Text(piece["text"])
    if isinstance(value, dict):
        if kind == "image_url":
            url = str(value.get("url", ""))
            inline = _DATA_URL.fullmatch(url)
            return Image(Base64Source(inline[2]), inline[1]) if inline else Image(UrlSource(url))
        if kind == "input_audio":
            return Audio(Base64Source(str(value.get("data", ""))), f"audio/{value.get('format', 'wav')}")
        if kind == "document_url" and not strict:
            return Document(UrlSource(str(value.get("url", ""))))
        if kind == "video_url" and not strict:
            return Video(UrlSource(str(value.get("url", ""))))
        if kind == "file":
            return _file(value)
    raise Rejected.because(
        f"Invalid value: '{kind}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', "
        "and 'file'.",
        code="invalid_value",
        param=f"{where}.type",
    )


def _file(file: dict[str, Any]) -> Document:
    inline = _DATA_URL.fullmatch(str(file.get("file_data", "")))
    if inline:
        return Document(Base64Source(inline[2]), title=file.get("filename"), media_type=inline[1])
    return Document(FileSource(str(file.get("file_id", ""))))


def _plain(content: Any, where: str) -> str:
    """Text content of a message: a string, or a list of text parts."""
    if isinstance(content, str):
        return content
    if content is None:
        raise null_content(where)
    if isinstance(content, list) and all(isinstance(piece, dict) and "text" in piece for piece in content):
        return "".join(str(piece["text"]) for piece in content)
    raise wrong_type(f"{where}.content", "one of a string or array of objects", content)


def _wants_reasoning(parsed: dict[str, Any]) -> bool:
    """Each vendor of this wire has its own switch: OpenAI's effort, DeepSeek's thinking, Qwen's and OpenRouter's."""
    if parsed.get("reasoning_effort") not in (None, "none") or parsed.get("enable_thinking"):
        return True
    thinking, reasoning = parsed.get("thinking"), parsed.get("reasoning")
    if isinstance(thinking, dict):
        return thinking.get("type") in ("enabled", "adaptive")
    return isinstance(reasoning, dict) and reasoning.get("enabled") is not False
