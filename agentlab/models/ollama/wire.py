"""Ollama's own chat wire: `/api/chat`, one JSON object a line.

Sources: https://docs.ollama.com/api/chat, https://docs.ollama.com/capabilities/tool-calling,
https://docs.ollama.com/capabilities/thinking, https://docs.ollama.com/api/errors
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw

from agentlab.errors import ModelError, UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    Base64Source,
    Document,
    Image,
    Message,
    ReasoningOptions,
    Refusal,
    Request,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
    UserPart,
)
from agentlab.models.assembly import mint_id
from agentlab.models.encoding import MessageBytes, added_tools, conversation, encode_json, join_array
from agentlab.models.ollama.decoder import OllamaDecoder
from agentlab.models.wire import EncodedRequest, Framing, Vendor, error_for_status, merge_params

__all__ = ["OllamaChat"]

_LEVELS: Final = frozenset({"low", "medium", "high", "max"})


class OllamaChat:
    """Speaks `/api/chat`.

    Runner settings (`num_ctx`, `seed`, ...) go into `additional_params["options"]`, how long the model stays loaded
    into `additional_params["keep_alive"]`.
    """

    name = "ollama"
    framing: Framing = "ndjson"
    dispatch_tail = True

    def __init__(self) -> None:
        self._messages = MessageBytes()

    def encode(self, request: Request, vendor: Vendor) -> EncodedRequest:  # noqa: ARG002 - Wire
        """Turn a request into bytes.

        Raises:
            UnsupportedCapability: The wire has no way to say it: a tool choice other than auto and none, tools
                together with an output schema, media other than inline images, a budget of thinking tokens.
        """
        _check(request)
        body: dict[str, Any] = {"model": request.model}
        offered = request.tools if request.tool_choice != "none" else ()
        tools = [encode_json(_tool(tool)) for tool in offered]
        if tools:
            body["tools"] = join_array(tools)
        messages = self._conversation(request)
        body["messages"] = join_array(messages)
        if request.reasoning is not None:
            think = _think(request.reasoning)
            if think is not None:
                body["think"] = think
        if request.output_schema is not None:
            body["format"] = request.output_schema.schema
        options = _options(request)
        if options:
            body["options"] = options
        body["stream"] = request.stream
        params = request.additional_params
        pieces = () if "messages" in params else (*tools, *added_tools(params), *messages)
        return EncodedRequest("/api/chat", encode_json(merge_params(body, params)), pieces=pieces)

    def decoder(self, vendor: Vendor, *, mint: Callable[[], str] | None = None) -> OllamaDecoder:  # noqa: ARG002 - Wire
        """A decoder for one response; `mint` makes ids for calls that come without."""
        return OllamaDecoder(mint=mint or mint_id)

    def error(self, status: int, body: bytes) -> ModelError:
        """What an HTTP error response says."""
        text = body.decode("utf-8", "replace")
        return error_for_status(status, _message(body) or text.strip(), body=text)

    def rejects_tools(self, status: int, body: bytes) -> bool:
        """Whether an error response says that the model cannot call tools.

        Ollama knows that only of the model's template, so the request itself has to be tried.
        """
        return status == 400 and "does not support tools" in _message(body)

    def _conversation(self, request: Request) -> list[bytes]:
        items: list[bytes] = []
        if request.preamble:
            items.append(encode_json({"role": "system", "content": request.preamble}))
        for message in conversation(request):
            items += self._messages.of(message, _encoded)
        return items


def _message(body: bytes) -> str:
    """The sentence of an error body, which is a string or an object with a message."""
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError):
        return ""
    said = payload.get("error") if isinstance(payload, dict) else None
    if isinstance(said, dict):
        said = said.get("message")
    return said if isinstance(said, str) else ""


def _check(request: Request) -> None:
    if request.tool_choice not in {None, "auto", "none"}:
        raise UnsupportedCapability("Ollama has no way to require a tool call, only `auto` and `none`")
    if request.parallel_tool_calls is False:
        raise UnsupportedCapability("Ollama has no way to forbid several tool calls in one turn")
    if request.output_schema is not None and request.tools and request.tool_choice != "none":
        raise UnsupportedCapability(
            "Ollama's `format` binds every turn, so that no tool would be called: ask for the output schema without tools"
        )


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _think(options: ReasoningOptions) -> bool | str | None:
    if options.budget_tokens is not None:
        raise UnsupportedCapability("Ollama takes no budget of thinking tokens, only an effort")
    if options.effort == "none":
        return False
    if options.effort is None:
        return None if options.summary is None else options.summary != "none"
    if options.effort not in _LEVELS:
        known = ", ".join(sorted(_LEVELS))
        raise UnsupportedCapability(f"Ollama knows no effort {options.effort!r}, only {known}, none")
    return options.effort


def _options(request: Request) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if request.max_tokens is not None:
        options["num_predict"] = request.max_tokens
    if request.stop_sequences:
        options["stop"] = list(request.stop_sequences)
    return options


def _encoded(message: Message) -> list[dict[str, Any]]:
    """The messages one of ours becomes: a tool's result is a message of its own."""
    if isinstance(message, SystemMessage):
        return [{"role": "system", "content": message.content}]
    if isinstance(message, AssistantMessage):
        return _assistant(message)
    results = [_tool_message(part) for part in message.content if isinstance(part, ToolResult)]
    return results + _user(message)


def _user(message: UserMessage) -> list[dict[str, Any]]:
    said = [part for part in message.content if not isinstance(part, ToolResult)]
    if not said:
        return []
    encoded: dict[str, Any] = {"role": "user", "content": "\n".join(filter(None, map(_text_of, said)))}
    images = [_image(part) for part in said if isinstance(part, Image)]
    return [{**encoded, "images": images} if images else encoded]


def _text_of(part: UserPart) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Document):
        return part.rendered()
    if isinstance(part, Image):
        return ""
    raise UnsupportedCapability(f"Ollama takes no {type(part).__name__.lower()} in a prompt")


def _image(image: Image) -> str:
    if not isinstance(image.source, Base64Source):
        raise UnsupportedCapability("Ollama takes images inline only, not by address or file id")
    return image.source.data


def _assistant(message: AssistantMessage) -> list[dict[str, Any]]:
    """The model's turn; thoughts go back only where they came from."""
    content = "".join(part.text for part in message.content if isinstance(part, Text | Refusal))
    encoded: dict[str, Any] = {"role": "assistant", "content": content}
    thinking = message.reasoning if message.wire == OllamaChat.name else ""
    if thinking:
        encoded["thinking"] = thinking
    calls = [_call(part) for part in message.content if isinstance(part, ToolCall)]
    if calls:
        encoded["tool_calls"] = calls
    return [encoded] if content or len(encoded) > 2 else []


def _call(call: ToolCall) -> dict[str, Any]:
    """The call, with the arguments as the model wrote them; ids minted here stay here.

    Ollama takes arguments as an object only, so text that is none is sent as an empty object: the result that follows
    tells the model what was wrong.
    """
    written = call.arguments_json.strip()
    arguments = Raw(written.encode()) if written and call.has_valid_arguments else {}
    function = {"name": call.name, "arguments": arguments}
    return (
        {"function": function} if call.provider_id is None else {"id": call.provider_id, "function": function}
    )


def _tool_message(result: ToolResult) -> dict[str, Any]:
    if any(isinstance(piece, Image) for piece in result.content):
        raise UnsupportedCapability("Ollama takes no images in a tool's result")
    encoded = {"role": "tool", "content": result.text, "tool_name": result.name}
    return encoded if result.provider_id is None else {**encoded, "tool_call_id": result.provider_id}
