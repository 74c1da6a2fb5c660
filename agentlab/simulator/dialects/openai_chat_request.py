"""Reading an OpenAI Chat Completions request as strictly as OpenAI does, with its sentences and codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

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
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    UrlSource,
    UserMessage,
    UserPart,
)
from agentlab.simulator.dialects.base import Rejected, json_object
from agentlab.simulator.exchange import SimRequest

__all__ = ["parse_chat"]

_STRICT_VENDORS: Final = frozenset({"openai", "azure"})
_KNOWN: Final = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier "
    "stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options".split(" ")  # noqa: SIM905 - a word list reads better
)
_ROLES: Final = ("system", "assistant", "user", "function", "tool", "developer")
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL: Final = re.compile(r"data:([^;,]*);base64,(.*)", re.DOTALL)


def parse_chat(vendor: str, headers: Mapping[str, str], body: bytes) -> SimRequest:
    """Understand a Chat Completions request.

    Vendors other than OpenAI and Azure accept fields OpenAI does not know, so only those two refuse them.

    Raises:
        Rejected: OpenAI would refuse it.
    """
    parsed = json_object(body, _NOT_JSON)
    model = parsed.get("model")
    if not isinstance(model, str) or not model:
        raise Rejected.because("you must provide a model parameter")
    if vendor in _STRICT_VENDORS:
        for name in parsed:
            if name not in _KNOWN:
                raise Rejected.because(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
    tools = _tools(parsed.get("tools"))
    preamble, messages = _messages(parsed.get("messages"))
    _check_settings(parsed, tools)
    return SimRequest(
        vendor=vendor,
        wire="openai_chat",
        model=model,
        stream=bool(parsed.get("stream")),
        preamble=preamble,
        messages=messages,
        tools=tools,
        tool_choice=_tool_choice(parsed.get("tool_choice"), tools),
        max_tokens=parsed.get("max_completion_tokens") or parsed.get("max_tokens"),
        reasoning=_wants_reasoning(parsed),
        output_schema=_output_schema(parsed.get("response_format"), parsed),
        headers=headers,
        json=parsed,
        body=body,
    )


_NOT_JSON: Final = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)


def _check_settings(parsed: dict[str, Any], tools: tuple[ToolDefinition, ...]) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        value = parsed.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong_type(name, "an integer", value)
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
        if parsed.get(name) is not None and not tools:
            raise Rejected.because(
                f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.",
                param=name,
            )


def _messages(value: Any) -> tuple[str | None, tuple[Message, ...]]:
    """Messages in neutral form, tool results joined into one user message, and the leading instructions."""
    if value is None:
        raise Rejected.because(
            "Missing required parameter: 'messages'.", code="missing_required_parameter", param="messages"
        )
    if not isinstance(value, list):
        raise _wrong_type("messages", "an array of objects", value)
    if not value:
        raise _empty_array("messages")
    preamble: list[str] = []
    messages: list[Message] = []
    waiting: dict[str, ToolCall] = {}
    results: list[ToolResult] = []
    for index, item in enumerate(value):
        where = f"messages[{index}]"
        if not isinstance(item, dict):
            raise _wrong_type(where, "an object", item)
        role = item.get("role")
        if role not in _ROLES:
            raise _bad_role(where, role)
        if role == "tool":
            results.append(_result(item, waiting, index))
            continue
        _close_turn(waiting, results, messages)
        if role in {"system", "developer"}:
            text = _plain(item.get("content"), where)
            if messages:
                messages.append(SystemMessage(text))
            else:
                preamble.append(text)
        elif role == "assistant":
            turn = _assistant(item, where)
            waiting = {call.id: call for call in turn.tool_calls}
            messages.append(turn)
        else:
            messages.append(UserMessage(_user_parts(item.get("content"), where)))
    _close_turn(waiting, results, messages)
    return "\n".join(preamble) if preamble else None, tuple(messages)


def _close_turn(waiting: dict[str, ToolCall], results: list[ToolResult], messages: list[Message]) -> None:
    if waiting:
        missing = ", ".join(waiting)
        raise Rejected.because(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {missing}",
            param="messages",
        )
    if results:
        messages.append(UserMessage(tuple(results)))
        results.clear()


def _result(item: dict[str, Any], waiting: dict[str, ToolCall], index: int) -> ToolResult:
    call_id = item.get("tool_call_id")
    if not isinstance(call_id, str):
        name = f"messages[{index}].tool_call_id"
        raise Rejected.because(
            f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name
        )
    called = waiting.pop(call_id, None)
    if called is None:
        raise Rejected.because(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
            "'tool_calls'.",
            param=f"messages.[{index}].role",
        )
    text = _plain(item.get("content"), f"messages[{index}]")
    return ToolResult(call_id=call_id, name=called.name, content=(Text(text),), provider_id=call_id)


def _assistant(item: dict[str, Any], where: str) -> AssistantMessage:
    parts: list[AssistantPart] = []
    reasoning = item.get("reasoning_content") or item.get("reasoning")
    if isinstance(reasoning, str):
        parts.append(Reasoning((ReasoningText(reasoning),)))
    content, calls = item.get("content"), item.get("tool_calls")
    if content is None and not calls and not item.get("refusal") and not item.get("function_call"):
        raise _null_content(where)
    if isinstance(content, list):
        for piece in content:
            text = piece.get("text", piece.get("refusal", "")) if isinstance(piece, dict) else ""
            refused = isinstance(piece, dict) and piece.get("type") == "refusal"
            parts.append(Refusal(text) if refused else Text(text))
    elif content is not None:
        parts.append(Text(_plain(content, where)))
    if isinstance(calls, list) and not calls:
        raise _empty_array(f"{where}.tool_calls")
    for index, call in enumerate(calls or ()):
        parts.append(_call(call, f"{where}.tool_calls[{index}]"))
    return AssistantMessage(tuple(parts), wire="openai_chat")


def _call(item: Any, where: str) -> ToolCall:
    function = item.get("function") if isinstance(item, dict) else None
    if not isinstance(function, dict) or not isinstance(item.get("id"), str):
        missing = f"{where}.function" if not isinstance(function, dict) else f"{where}.id"
        raise Rejected.because(
            f"Missing required parameter: '{missing}'.", code="missing_required_parameter", param=missing
        )
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(arguments, str):
        raise _wrong_type(f"{where}.function.arguments", "a string", arguments)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _bad_name(f"{where}.function.name")
    return ToolCall(id=item["id"], name=name, arguments_json=arguments, provider_id=item["id"])


def _user_parts(content: Any, where: str) -> tuple[UserPart, ...]:
    if isinstance(content, str):
        return (Text(content),)
    if content is None:
        raise _null_content(where)
    if not isinstance(content, list):
        raise _wrong_type(f"{where}.content", "one of a string or array of objects", content)
    return tuple(_user_part(piece, f"{where}.content[{index}]") for index, piece in enumerate(content))


def _user_part(piece: Any, where: str) -> UserPart:
    kind = piece.get("type") if isinstance(piece, dict) else None
    if kind == "text" and isinstance(piece.get("text"), str):
        return Text(piece["text"])
    if kind == "image_url" and isinstance(piece.get("image_url"), dict):
        url = str(piece["image_url"].get("url", ""))
        inline = _DATA_URL.fullmatch(url)
        return Image(Base64Source(inline[2]), inline[1]) if inline else Image(UrlSource(url))
    if kind == "input_audio" and isinstance(piece.get("input_audio"), dict):
        sound = piece["input_audio"]
        return Audio(Base64Source(str(sound.get("data", ""))), f"audio/{sound.get('format', 'wav')}")
    if kind == "file" and isinstance(piece.get("file"), dict):
        file = piece["file"]
        inline = _DATA_URL.fullmatch(str(file.get("file_data", "")))
        if inline:
            return Document(Base64Source(inline[2]), title=file.get("filename"), media_type=inline[1])
        return Document(FileSource(str(file.get("file_id", ""))))
    raise Rejected.because(
        f"Invalid value: '{kind}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', "
        "and 'file'.",
        code="invalid_value",
        param=f"{where}.type",
    )


def _plain(content: Any, where: str) -> str:
    """Text content of a message: a string, or a list of text parts."""
    if isinstance(content, str):
        return content
    if content is None:
        raise _null_content(where)
    if isinstance(content, list) and all(isinstance(piece, dict) and "text" in piece for piece in content):
        return "".join(str(piece["text"]) for piece in content)
    raise _wrong_type(f"{where}.content", "one of a string or array of objects", content)


def _tools(value: Any) -> tuple[ToolDefinition, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _wrong_type("tools", "an array of objects", value)
    if not value:
        raise _empty_array("tools")
    tools: list[ToolDefinition] = []
    for index, item in enumerate(value):
        where = f"tools[{index}]"
        function = item.get("function") if isinstance(item, dict) else None
        if not isinstance(function, dict):
            raise Rejected.because(
                f"Missing required parameter: '{where}.function'.",
                code="missing_required_parameter",
                param=f"{where}.function",
            )
        name = function.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _bad_name(f"{where}.function.name")
        schema = function.get("parameters") or {"type": "object", "properties": {}}
        if not isinstance(schema, dict) or schema.get("type") != "object":
            got = schema.get("type") if isinstance(schema, dict) else schema
            raise Rejected.because(
                f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"', got "
                f"'type: \"{got}\"'.",
                code="invalid_function_parameters",
                param=f"{where}.function.parameters",
            )
        strict = function.get("strict")
        if strict:
            _check_strict(
                schema, f"function '{name}'", f"{where}.function.parameters", "invalid_function_parameters"
            )
        tools.append(ToolDefinition(name, str(function.get("description") or ""), schema, strict))
    return tuple(tools)


def _check_strict(schema: Any, what: str, param: str, code: str, context: tuple[str, ...] = ()) -> None:
    """Strict schemas close every object and require every property."""
    if not isinstance(schema, dict):
        return
    shown = f"({', '.join(repr(step) for step in context)}{',' if len(context) == 1 else ''})"
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties") is not False:
            raise Rejected.because(
                f"Invalid schema for {what}: In context={shown}, 'additionalProperties' is required to be supplied "
                "and to be false.",
                code=code,
                param=param,
            )
        missing = [name for name in schema.get("properties", {}) if name not in schema.get("required", ())]
        if missing:
            raise Rejected.because(
                f"Invalid schema for {what}: In context={shown}, 'required' is required to be supplied and to be an "
                f"array including every key in properties. Missing '{missing[0]}'.",
                code=code,
                param=param,
            )
    for keyword in ("properties", "$defs"):
        for name, inner in (schema.get(keyword) or {}).items():
            _check_strict(inner, what, param, code, (*context, keyword, name))
    _check_strict(schema.get("items"), what, param, code, (*context, "items"))
    for index, inner in enumerate(schema.get("anyOf") or ()):
        _check_strict(inner, what, param, code, (*context, "anyOf", str(index)))


def _tool_choice(value: Any, tools: tuple[ToolDefinition, ...]) -> ToolChoice | None:
    if value is None or value in ("auto", "none", "required"):
        return value if isinstance(value, str) else None  # type: ignore[return-value] - one of the three
    function = value.get("function") if isinstance(value, dict) else None
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        if function["name"] not in {tool.name for tool in tools}:
            raise Rejected.because(
                "Invalid value for 'tool_choice': no function named "
                f"'{function['name']}' was specified in the 'tools' parameter.",
                param="tool_choice",
            )
        return SpecificTools((function["name"],))
    allowed = value.get("allowed_tools") if isinstance(value, dict) else None
    if isinstance(allowed, dict):
        return SpecificTools(tuple(tool["function"]["name"] for tool in allowed.get("tools", ())))
    raise Rejected.because(
        f"Invalid value: '{value}'. Supported values are: 'none', 'auto', and 'required'.",
        code="invalid_value",
        param="tool_choice",
    )


def _wants_reasoning(parsed: dict[str, Any]) -> bool:
    """Each vendor of this wire has its own switch: OpenAI's effort, DeepSeek's thinking, Qwen's and OpenRouter's."""
    if parsed.get("reasoning_effort") not in {None, "none"} or parsed.get("enable_thinking"):
        return True
    thinking, reasoning = parsed.get("thinking"), parsed.get("reasoning")
    if isinstance(thinking, dict):
        return thinking.get("type") in {"enabled", "adaptive"}
    return isinstance(reasoning, dict) and reasoning.get("enabled") is not False


def _output_schema(value: Any, parsed: dict[str, Any]) -> dict[str, Any] | None:
    kind = value.get("type") if isinstance(value, dict) else None
    if value is None or kind == "text":
        return None
    if kind == "json_object":
        if "json" not in msgspec.json.encode(parsed["messages"]).decode().lower():
            raise Rejected.because(
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                "'json_object'.",
                param="messages",
            )
        return {}
    if kind != "json_schema":
        raise Rejected.because(
            f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            code="invalid_value",
            param="response_format.type",
        )
    described = value.get("json_schema")
    for name in ("name", "schema"):
        if not isinstance(described, dict) or not described.get(name):
            field = f"response_format.json_schema.{name}"
            raise Rejected.because(
                f"Missing required parameter: '{field}'.", code="missing_required_parameter", param=field
            )
    schema: dict[str, Any] = described["schema"]
    if described.get("strict"):
        _check_strict(
            schema, f"response_format '{described['name']}'", "response_format", "invalid_json_schema"
        )
    return schema


def _wrong_type(param: str, expected: str, value: Any) -> Rejected:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal number",
        str: "a string",
        dict: "an object",
    }
    got = "null" if value is None else names.get(type(value), "an array")
    return Rejected.because(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        code="invalid_type",
        param=param,
    )


def _empty_array(param: str) -> Rejected:
    return Rejected.because(
        f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        code="empty_array",
        param=param,
    )


def _null_content(where: str) -> Rejected:
    param = where.replace("[", ".[") + ".content"
    return Rejected.because("Invalid value for 'content': expected a string, got null.", param=param)


def _bad_role(where: str, role: Any) -> Rejected:
    if role is None:
        name = f"{where}.role"
        return Rejected.because(
            f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name
        )
    known = ", ".join(f"'{name}'" for name in _ROLES[:-1])
    return Rejected.because(
        f"Invalid value: '{role}'. Supported values are: {known}, and 'developer'.",
        code="invalid_value",
        param=f"{where}.role",
    )


def _bad_name(param: str) -> Rejected:
    return Rejected.because(
        f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern "
        "'^[a-zA-Z0-9_-]+$'.",
        code="invalid_value",
        param=param,
    )
