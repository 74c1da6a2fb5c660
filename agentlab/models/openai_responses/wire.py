"""The OpenAI Responses API, spoken by OpenAI, Azure, xAI, ChatGPT, Copilot, OpenRouter and local servers.

Requests are stateless: `store` is false and the history is sent whole, with encrypted reasoning before the items it
led to, every item under the id it came with (https://platform.openai.com/docs/guides/reasoning). History of another
wire, and turns that were cut off, are sent without ids: an id the server cannot pair is refused.

The rendered prompt is tools, instructions, input (https://platform.openai.com/docs/guides/prompt-caching), and the body
has the same order. The preamble goes in `instructions`: it stays out of the list that grows. Only a breakpoint at
`preamble` moves it to the first item of `input`, because `instructions` is bare text with no place for a marker.

Flags of a vendor's `dialect`:
    store: Whether the vendor knows `store` (default true).
    encrypted_reasoning: Whether it can be asked for encrypted reasoning (default true).
    item_ids: Whether item ids are sent back (default true).
    system_role: Role of system messages in `input` (default `system`).
    refuses: Body fields it does not take, such as `max_output_tokens`; asking for one is an error here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final

import msgspec

from agentlab.errors import ModelError, UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Message,
    Request,
    SpecificTools,
    SystemMessage,
    ToolDefinition,
    UserMessage,
)
from agentlab.models.assembly import Assembly, mint_id
from agentlab.models.encoding import (
    MessageBytes,
    added_tools,
    context_message,
    encode_json,
    join_array,
    raw_items,
    rendered_settings,
)
from agentlab.models.openai_responses.decoder import ResponsesDecoder
from agentlab.models.openai_responses.errors import error_of
from agentlab.models.openai_responses.items import (
    NAME,
    assistant_items,
    breakpoint_marker,
    custom_calls,
    system_items,
    user_items,
)
from agentlab.models.stretches import StretchBytes
from agentlab.models.wire import EncodedRequest, Framing, Vendor, merge_params

__all__ = ["OpenAIResponses"]

_RENDERED: Final = ("text", "reasoning.effort")


class OpenAIResponses:
    """The wire; one instance belongs to one model, whose messages it serialises once each."""

    name: str = NAME
    framing: Framing = "sse"
    dispatch_tail = False

    def __init__(self) -> None:
        self._message_bytes = MessageBytes()
        self._stretches = StretchBytes()

    def encode(self, request: Request, vendor: Vendor) -> EncodedRequest:
        """Turn a request into bytes; see `Wire`.

        Raises:
            UnsupportedCapability: Stop sequences, a thinking budget in tokens, sound or film: not on this wire. Or a
                field that the vendor's dialect refuses.
            InvalidHistory: Inline media without its media type, or a context document that is not text.
        """
        if request.stop_sequences:
            raise UnsupportedCapability("the OpenAI Responses API has no stop sequences")
        cache = request.cache or CacheOptions()
        marked_preamble = request.preamble if "preamble" in cache.breakpoints else None
        body: dict[str, Any] = {"model": request.model}
        tools = [encode_json(_tool(tool)) for tool in request.tools]
        if tools:
            body["tools"] = join_array(tools)
        if request.preamble and not marked_preamble:
            body["instructions"] = request.preamble
        items, pieces = self._input(request, vendor, cache, marked_preamble)
        body["input"] = raw_items(items)
        body |= _settings(request) | _cache_settings(cache)
        for name in vendor.dialect.get("refuses", ()):
            if name in body:
                raise UnsupportedCapability(f"{vendor.title or vendor.name} does not take `{name}`")
        if vendor.dialect.get("store", True):
            body["store"] = False
        if vendor.dialect.get("encrypted_reasoning", True) and _reasons(request.model, vendor):
            body["include"] = ["reasoning.encrypted_content"]
        body["stream"] = request.stream
        params = request.additional_params
        body = merge_params(body, params)
        pieces = [*rendered_settings(body, *_RENDERED), *tools, *added_tools(params), *pieces]
        known = "input" not in params and "instructions" not in params
        return EncodedRequest("/responses", encode_json(body), pieces=tuple(pieces) if known else ())

    def decoder(self, vendor: Vendor, *, mint: Callable[[], str] | None = None) -> ResponsesDecoder:  # noqa: ARG002 - the same for every vendor
        """A decoder for one response; see `Wire`."""
        return ResponsesDecoder(Assembly(NAME, mint=mint or mint_id))

    def error(self, status: int, body: bytes) -> ModelError:
        """What an HTTP error response says; see `Wire`."""
        text = body.decode("utf-8", "replace")
        try:
            details: Any = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError):
            details = text
        return error_of(status, details, body=text)

    def _input(
        self, request: Request, vendor: Vendor, cache: CacheOptions, preamble: str | None
    ) -> tuple[list[bytes], list[bytes]]:
        """The items of `input`, some of them joined; and all that is rendered, one by one and without breakpoints.

        A breakpoint at `last` marks the end of every user message, not of the newest alone: an earlier prefix is found
        by its marker, and a message once sent keeps its bytes. The provider writes the newest four and ignores the rest.
        """
        role = vendor.dialect.get("system_role", "system")
        item_ids = vendor.dialect.get("item_ids", True)
        inherited, last = breakpoint_marker(None), breakpoint_marker(cache.last_ttl)
        items: list[bytes] = []
        pieces = [encode_json(request.preamble)] if request.preamble else []
        if preamble:
            items += map(encode_json, system_items(preamble, role, inherited))
        if request.context:
            context = context_message(request)
            marker = inherited if "context" in cache.breakpoints else None
            pieces += map(encode_json, user_items(context, None, frozenset()))
            items += map(encode_json, user_items(context, marker, frozenset()))
        marker = last if "last" in cache.breakpoints else None
        runs, plain = self._said(request.messages, role, None, item_ids=item_ids)
        if marker is not None:
            runs, _ = self._said(request.messages, role, marker, item_ids=item_ids)
        return items + runs, pieces + plain

    def _said(
        self, messages: tuple[Message, ...], role: str, marker: dict[str, Any] | None, *, item_ids: bool
    ) -> tuple[list[bytes], list[bytes]]:
        """The items of a conversation, those of stretches joined, and one by one."""
        variant = (role, marker and marker.get("ttl", True), item_ids)
        said = self._stretches.of(
            messages, lambda each: self._items_of(each, role, marker, item_ids=item_ids), variant
        )
        end = list(self._items_of(messages[said.length :], role, marker, item_ids=item_ids))
        return said.runs + end, [*chain(*said.items), *end]

    def _items_of(
        self, messages: tuple[Message, ...], role: str, marker: dict[str, Any] | None, *, item_ids: bool
    ) -> Iterator[bytes]:
        """The items of messages that begin with a turn of the model, or begin the conversation."""
        custom: frozenset[str] = frozenset()
        for message in messages:
            yield from self._bytes_of(message, role, marker, custom, item_ids=item_ids)
            if isinstance(message, AssistantMessage):
                custom = custom_calls(message)

    def _bytes_of(
        self,
        message: Message,
        role: str,
        marker: dict[str, Any] | None,
        custom: frozenset[str],
        *,
        item_ids: bool,
    ) -> tuple[bytes, ...]:
        if isinstance(message, UserMessage):
            variant = (marker and marker.get("ttl", True), custom)
            return self._message_bytes.of(message, lambda _: user_items(message, marker, custom), variant)
        if isinstance(message, SystemMessage):
            return self._message_bytes.of(message, lambda _: system_items(message.content, role, None), role)
        return self._message_bytes.of(
            message, lambda _: assistant_items(message, item_ids=item_ids), item_ids
        )


def _reasons(model: str, vendor: Vendor) -> bool:
    """Whether the model may reason; asking others for encrypted reasoning is a bad request."""
    by_model = (lacking for prefix, lacking in vendor.lacks_by_model.items() if model.startswith(prefix))
    return not any("reasoning" in lacking for lacking in (vendor.lacks, *by_model))


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    encoded: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description:
        encoded["description"] = tool.description
    encoded["parameters"] = tool.parameters
    if tool.strict is not None:
        encoded["strict"] = tool.strict
    return encoded


def _settings(request: Request) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if request.tool_choice is not None:
        settings["tool_choice"] = _tool_choice(request)
    if request.parallel_tool_calls is not None:
        settings["parallel_tool_calls"] = request.parallel_tool_calls
    if request.temperature is not None:
        settings["temperature"] = request.temperature
    if request.max_tokens is not None:
        settings["max_output_tokens"] = request.max_tokens
    if reasoning := _reasoning(request):
        settings["reasoning"] = reasoning
    if request.output_schema is not None:
        settings["text"] = {"format": _text_format(request)}
    return settings


def _tool_choice(request: Request) -> str | dict[str, Any]:
    choice = request.tool_choice
    if not isinstance(choice, SpecificTools):
        return choice or "auto"
    added = request.additional_params.get("tools") or ()
    kinds = {tool.get("name"): tool.get("type", "function") for tool in added if isinstance(tool, dict)}
    named = [{"type": kinds.get(name, "function"), "name": name} for name in choice.names]
    if len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "mode": "required", "tools": named}


def _reasoning(request: Request) -> dict[str, Any]:
    options = request.reasoning
    if options is None:
        return {}
    if options.budget_tokens is not None:
        raise UnsupportedCapability("the OpenAI Responses API takes a reasoning effort, not `budget_tokens`")
    reasoning: dict[str, Any] = {}
    if options.effort is not None:
        reasoning["effort"] = options.effort
    if options.summary not in {None, "none"}:
        reasoning["summary"] = options.summary
    return reasoning


def _text_format(request: Request) -> dict[str, Any]:
    output = request.output_schema
    assert output is not None
    described = {} if output.description is None else {"description": output.description}
    return {
        "type": "json_schema",
        "name": output.name,
        **described,
        "schema": output.schema,
        "strict": output.strict,
    }


def _cache_settings(cache: CacheOptions) -> dict[str, Any]:
    """The request-wide cache controls; markers stand in `input` (https://platform.openai.com/docs/guides/prompt-caching)."""
    settings: dict[str, Any] = {}
    if cache.key is not None:
        settings["prompt_cache_key"] = cache.key
    compared = cache.compare_with if cache.diagnose else None
    named = (("comparison_response_id", compared), ("mode", cache.mode), ("ttl", cache.ttl))
    options = {name: value for name, value in named if value is not None}
    if options:
        settings["prompt_cache_options"] = options
    if cache.retention is not None:
        settings["prompt_cache_retention"] = cache.retention
    return settings
