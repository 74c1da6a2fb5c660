"""The Chat Completions wire: OpenAI's first chat API, spoken by most other vendors and local servers.

Source: OpenAI API reference, "Create chat completion"; how vendors deviate is data, see `ChatDialect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final

import msgspec

from agentlab.errors import ModelError, UnsupportedCapability
from agentlab.messages import CacheOptions, Message, Request, SpecificTools, ToolDefinition, UserMessage
from agentlab.models.encoding import (
    MessageBytes,
    added_tools,
    context_message,
    encode_json,
    join_array,
    raw_items,
    rendered_settings,
)
from agentlab.models.openai_chat.decoder import ChatDecoder
from agentlab.models.openai_chat.dialect import ChatDialect, dialect_of
from agentlab.models.openai_chat.errors import error_from_payload
from agentlab.models.openai_chat.messages import Marker, items_of, system_item
from agentlab.models.stretches import Said, StretchBytes
from agentlab.models.wire import EncodedRequest, Framing, Vendor, merge_params

__all__ = ["OpenAIChat"]

_RENDERED: Final = ("response_format", "reasoning_effort", "verbosity")
_SCHEMA_NOTE: Final = "Answer with one JSON object, and nothing else, that fits this JSON Schema:\n"


class OpenAIChat:
    """The wire. One instance serves one model: it keeps the bytes of that model's messages."""

    name = "openai-chat"
    framing: Framing = "sse"
    dispatch_tail = False

    def __init__(self) -> None:
        self._known: tuple[Vendor, ChatDialect, _Bytes] | None = None

    def encode(self, request: Request, vendor: Vendor) -> EncodedRequest:
        """Turn a request into bytes: what stays the same from turn to turn first, the messages last.

        Raises:
            UnsupportedCapability: The wire or the vendor's dialect has no way to say it.
        """
        dialect, known = self._for(vendor)
        body: dict[str, Any] = {"model": request.model}
        tools = [encode_json(_tool(tool, dialect)) for tool in request.tools]
        if tools:
            body["tools"] = join_array(tools)
        body |= _tool_fields(request, dialect)
        body |= _sampling_fields(request, dialect)
        body |= _reasoning_fields(request, dialect)
        body |= _format_field(request, dialect)
        body |= _cache_fields(request.cache, dialect)
        if request.stream:
            body["stream"] = True
            if dialect.stream_options:
                body["stream_options"] = {"include_usage": True}
        body |= dialect.body
        messages, pieces = _messages(request, dialect, known)
        body["messages"] = raw_items(messages)
        params = request.additional_params
        body = merge_params(body, params)
        body["messages"] = body.pop("messages")
        headers: dict[str, str] = {}
        if dialect.cache_key_header and request.cache and request.cache.key:
            headers[dialect.cache_key_header] = request.cache.key
        rendered = (*rendered_settings(body, *_RENDERED), *tools, *added_tools(params))
        return EncodedRequest(
            dialect.path,
            encode_json(body),
            headers,
            () if "messages" in params else tuple(chain(rendered, *pieces)),
        )

    def decoder(self, vendor: Vendor, *, mint: Callable[[], str] | None = None) -> ChatDecoder:
        """A decoder for one answer."""
        return ChatDecoder(self._for(vendor)[0], mint)

    def error(self, status: int, body: bytes) -> ModelError:
        """What an HTTP error response says."""
        text = body.decode("utf-8", "replace")
        try:
            payload = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError):
            payload = text.strip()
        return error_from_payload(payload, status=status, body=text)

    def _for(self, vendor: Vendor) -> tuple[ChatDialect, _Bytes]:
        known = self._known
        if known is None or known[0] is not vendor:
            known = (vendor, dialect_of(vendor.dialect, vendor.name), _Bytes())
            self._known = known
        return known[1], known[2]


def _messages(
    request: Request, dialect: ChatDialect, known: _Bytes
) -> tuple[list[bytes], list[Iterable[bytes]]]:
    """The items of `messages` as they are sent, some of them joined; and runs of them without their cache markers.

    OpenAI finds an earlier prefix only by its marker, and writes the newest four markers of any number: so `last` marks
    the end of every user message, and a message once sent keeps its bytes. Elsewhere four markers are the most a request
    may hold, and the vendor looks back from them by itself: `last` marks the newest message alone.
    """
    cache = request.cache or CacheOptions()
    items: list[bytes] = []
    pieces: list[Iterable[bytes]] = []
    static = _marker(None, cache.ttl, dialect)
    preamble = _preamble(request, dialect)
    if preamble is not None:
        marker = static if "preamble" in cache.breakpoints else None
        plain = encode_json(system_item(preamble, dialect, None))
        pieces.append((plain,))
        items.append(encode_json(system_item(preamble, dialect, marker)) if marker else plain)
    if request.context:
        context = context_message(request)
        marker = static if "context" in cache.breakpoints else None
        pieces.append(map(encode_json, items_of(context, dialect)))
        items += map(encode_json, items_of(context, dialect, marker))
    last = _marker(cache.last_ttl, cache.ttl, dialect) if "last" in cache.breakpoints else None
    every = last if dialect.cache_markers == "breakpoint" else None
    said = known.said(request.messages, dialect)
    pieces += said.items
    items += (known.said(request.messages, dialect, every) if every else said).runs
    for place, message in enumerate(request.messages[said.length :], said.length + 1):
        is_marked = place == len(request.messages) or (every and isinstance(message, UserMessage))
        unmarked = known.written(message, dialect)
        pieces.append(unmarked)
        items += known.written(message, dialect, last) if is_marked and last else unmarked
    return items, pieces


class _Bytes:
    """The bytes of one model's messages, and of the stretches they stand in."""

    def __init__(self) -> None:
        self._messages = MessageBytes()
        self._stretches = StretchBytes()

    def written(
        self, message: Message, dialect: ChatDialect, marker: Marker | None = None
    ) -> tuple[bytes, ...]:
        """A message's items."""
        variant = tuple(marker[1].items()) if marker else None
        return self._messages.of(message, lambda each: items_of(each, dialect, marker), variant)

    def said(self, messages: tuple[Message, ...], dialect: ChatDialect, marker: Marker | None = None) -> Said:
        """The items of stretches; a marker goes on each user message."""

        def build(stretch: tuple[Message, ...]) -> Iterator[bytes]:
            for each in stretch:
                yield from self.written(each, dialect, marker if isinstance(each, UserMessage) else None)

        return self._stretches.of(messages, build, tuple(marker[1].items()) if marker else None)


def _preamble(request: Request, dialect: ChatDialect) -> str | None:
    """The system prompt; with it the schema of the answer, where the vendor enforces only that it is JSON."""
    schema = request.output_schema
    if schema is None or dialect.response_format == "json_schema":
        return request.preamble
    note = _SCHEMA_NOTE + encode_json(schema.schema).decode()
    return f"{request.preamble}\n\n{note}" if request.preamble else note


def _marker(own_ttl: str | None, ttl: str | None, dialect: ChatDialect) -> Marker | None:
    """A marker; OpenAI's takes the lifetime of the request, `ttl`, where it has none of its own."""
    if dialect.cache_markers == "breakpoint":
        return "prompt_cache_breakpoint", {"mode": "explicit", **({"ttl": own_ttl} if own_ttl else {})}
    if dialect.cache_markers == "cache_control":
        lifetime = own_ttl or ttl
        return "cache_control", {"type": "ephemeral", **({"ttl": lifetime} if lifetime else {})}
    return None


def _cache_fields(cache: CacheOptions | None, dialect: ChatDialect) -> dict[str, Any]:
    if cache is None:
        return {}
    options = {name: value for name, value in (("mode", cache.mode), ("ttl", cache.ttl)) if value}
    fields = {
        "prompt_cache_key": cache.key,
        "prompt_cache_options": options,
        "prompt_cache_retention": cache.retention,
    }
    return {name: value for name, value in fields.items() if value and name in dialect.cache_fields}


def _tool(tool: ToolDefinition, dialect: ChatDialect) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters
    if tool.strict is not None and dialect.strict_tools:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_fields(request: Request, dialect: ChatDialect) -> dict[str, Any]:
    """Left out where no tool is offered: vendors refuse a choice among none."""
    if not request.tools and "tools" not in request.additional_params:
        return {}
    fields: dict[str, Any] = {}
    choice = request.tool_choice
    if isinstance(choice, SpecificTools):
        fields["tool_choice"] = _specific(choice, dialect)
    elif choice is not None:
        fields["tool_choice"] = choice
    if request.parallel_tool_calls is not None and dialect.parallel_tool_calls:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def _specific(choice: SpecificTools, dialect: ChatDialect) -> dict[str, Any]:
    named = [{"type": "function", "function": {"name": name}} for name in choice.names]
    if len(named) == 1:
        return named[0]
    if not named or not dialect.allowed_tools:
        raise UnsupportedCapability(
            f"this vendor's `tool_choice` names exactly one tool, not {len(named)}; offer fewer tools instead"
        )
    return {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": named}}


def _sampling_fields(request: Request, dialect: ChatDialect) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if request.temperature is not None:
        fields["temperature"] = request.temperature
    if request.max_tokens is not None:
        fields[dialect.max_tokens] = request.max_tokens
    if request.stop_sequences:
        fields["stop"] = list(request.stop_sequences)
    return fields


def _reasoning_fields(request: Request, dialect: ChatDialect) -> dict[str, Any]:
    """How much to think. `summary` has no place here: vendors that show reasoning always do."""
    options = request.reasoning
    if options is None or (options.effort is None and options.budget_tokens is None):
        return {}
    form, budget = dialect.reasoning, options.budget_tokens
    effort = dialect.efforts.get(options.effort, options.effort) if options.effort else None
    thinks = options.effort != "none"
    if form == "openrouter":
        chosen = {"effort": effort, "max_tokens": budget}
        return {"reasoning": {name: value for name, value in chosen.items() if value is not None}}
    if form == "enable_thinking":
        limit = {"thinking_budget": budget} if budget is not None else {}
        return {"enable_thinking": thinks, **limit}
    if budget is not None:
        raise UnsupportedCapability(
            "this vendor takes no thinking budget in tokens; use `ReasoningOptions(effort=)`"
        )
    level = {"reasoning_effort": effort}
    if form == "template":
        return {"chat_template_kwargs": {"enable_thinking": thinks, **(level if thinks else {})}}
    if form == "thinking_adaptive":
        return {"thinking": {"type": "adaptive" if thinks else "disabled"}}
    if form in {"thinking", "thinking_off"} and not thinks:
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled"}, **level} if form == "thinking" else level


def _format_field(request: Request, dialect: ChatDialect) -> dict[str, Any]:
    schema = request.output_schema
    if schema is None:
        return {}
    if dialect.response_format == "json_object":
        return {"response_format": {"type": "json_object"}}
    described: dict[str, Any] = {"name": schema.name}
    if schema.description:
        described["description"] = schema.description
    described |= {"strict": schema.strict, "schema": schema.schema}
    return {"response_format": {"type": "json_schema", "json_schema": described}}
