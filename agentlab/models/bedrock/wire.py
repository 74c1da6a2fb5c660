"""The Amazon Bedrock wire: Converse and ConverseStream, one request form for the models of every maker.

The model stands in the path, and a body holds neither its name nor whether it streams. It is written in the order in
which the prompt is rendered (tools, system, messages); cache markers are items of their own between them.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from msgspec import Raw, structs

from agentlab.errors import ModelError, UnsupportedCapability
from agentlab.messages import CacheOptions, Message, Request, SpecificTools, SystemMessage, ToolDefinition
from agentlab.models.assembly import mint_id
from agentlab.models.bedrock.content import WIRE, Form, has_tool_blocks, message_items, role_of
from agentlab.models.bedrock.decoder import BedrockDecoder
from agentlab.models.bedrock.markers import cache_point, check_markers, last_ttl, ttl_of
from agentlab.models.bedrock.reasoning import reasoning_fields
from agentlab.models.bedrock.report import error_from
from agentlab.models.encoding import MessageBytes, conversation, encode_json, join_array
from agentlab.models.tool_history import results_before_system
from agentlab.models.wire import EncodedRequest, Framing, Vendor, merge_params

__all__ = ["BedrockConverse"]

_HEADS: Final = {role: f'{{"role":"{role}","content":['.encode() for role in ("user", "assistant")}
_TAIL: Final = b"]}"
_PROMPT: Final = frozenset({"messages", "system"})


class BedrockConverse:
    """Speaks Converse. One instance belongs to one model, whose messages it remembers as bytes.

    `guardrailConfig`, `performanceConfig`, `serviceTier`, `requestMetadata` and a model's own settings
    (`additionalModelRequestFields`) go into `additional_params`, which are merged into the body last.
    """

    name = WIRE
    framing: Framing = "event-stream"
    dispatch_tail = False

    def __init__(self) -> None:
        self._bytes = MessageBytes()

    def encode(self, request: Request, vendor: Vendor) -> EncodedRequest:  # noqa: ARG002 - Wire
        """Turn a request into bytes; equal requests give equal bytes.

        Raises:
            UsageError: More than 4 cache markers, a marker of 1 hour after one of 5 minutes, or an unknown lifetime.
            UnsupportedCapability: The wire or the model has no way to say it.
        """
        cache = request.cache or CacheOptions()
        params = request.additional_params
        offered = request.tools if request.tool_choice != "none" else ()
        tools = [encode_json(_tool(tool)) for tool in offered]
        offers = bool(tools) or any(True for _ in _added_tools(params))
        leading = _leading(request)
        system = [encode_json({"text": text}) for text in (request.preamble, *leading) if text]
        messages, pieces, marked = self._messages(
            request, cache, len(leading), Form(calls_as_text=not offers)
        )
        body: dict[str, Any] = {}
        if tools:
            body["toolConfig"] = _tool_config(request, _marked(tools, "tools", cache, marked))
        if system:
            body["system"] = join_array(_marked(system, "preamble", cache, marked))
        body["messages"] = messages
        body = merge_params(body | _settings(request), params)
        check_markers(marked, params)
        operation = "converse-stream" if request.stream else "converse"
        return EncodedRequest(
            path=f"/model/{quote(request.model, safe='')}/{operation}",
            body=encode_json(body),
            pieces=() if _PROMPT & params.keys() else (*tools, *_added_tools(params), *system, *pieces),
        )

    def decoder(self, vendor: Vendor, *, mint: Callable[[], str] | None = None) -> BedrockDecoder:  # noqa: ARG002 - Wire
        """A decoder for one response; `mint` makes ids for calls that come without."""
        return BedrockDecoder(mint=mint or mint_id)

    def error(self, status: int, body: bytes) -> ModelError:
        """What an HTTP error response says."""
        return error_from(status, body)

    def _messages(
        self, request: Request, cache: CacheOptions, skipped: int, form: Form
    ) -> tuple[Raw, list[bytes], dict[str, str]]:
        """The messages' array, each message's own bytes without markers, and the lifetimes of the markers by place.

        The wire wants the roles in turns, so neighbours of one role become one message: the static context and the first
        prompt, a result and the prompt behind it.
        """
        rest = structs.replace(request, messages=request.messages[skipped:]) if skipped else request
        told = list(results_before_system(conversation(rest)))
        if form.calls_as_text and not has_tool_blocks(told):
            form = Form()
        pieces: list[bytes] = []
        turns: list[tuple[str, list[bytes]]] = []
        marked: dict[str, str] = {}
        for number, message in enumerate(told):
            role = role_of(message)
            for piece in self._written(message, form):
                pieces.append(piece)
                blocks = piece.removeprefix(_HEADS[role]).removesuffix(_TAIL)
                if turns and turns[-1][0] == role:
                    turns[-1][1].append(blocks)
                else:
                    turns.append((role, [blocks]))
            if number == 0 and request.context and "context" in cache.breakpoints:
                marked["context"] = ttl_of(cache.ttl)
                turns[-1][1].append(cache_point(marked["context"]))
        at_context = "context" in marked and len(pieces) == 1
        if turns and "last" in cache.breakpoints and not at_context:
            marked["last"] = last_ttl(cache)
            turns[-1][1].append(cache_point(marked["last"]))
        array = join_array(_HEADS[role] + b",".join(blocks) + _TAIL for role, blocks in turns)
        return array, pieces, marked

    def _written(self, message: Message, form: Form) -> tuple[bytes, ...]:
        return self._bytes.of(message, lambda each: message_items(each, form), form)


def _leading(request: Request) -> tuple[str, ...]:
    """System messages before the conversation: they belong to the system prompt."""
    found: list[str] = []
    for message in request.messages:
        if not isinstance(message, SystemMessage):
            break
        found.append(message.content)
    return tuple(found)


def _marked(items: list[bytes], place: str, cache: CacheOptions, marked: dict[str, str]) -> list[bytes]:
    """The items with a marker behind the last, where one is wanted."""
    if place not in cache.breakpoints:
        return items
    marked[place] = ttl_of(cache.ttl)
    return [*items, cache_point(marked[place])]


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    schema = tool.parameters
    spec: dict[str, Any] = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": schema if "type" in schema else {"type": "object", **schema}}
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return {"toolSpec": spec}


def _tool_config(request: Request, tools: Iterable[bytes]) -> dict[str, Any]:
    config: dict[str, Any] = {"tools": join_array(tools)}
    choice = request.tool_choice
    if isinstance(choice, SpecificTools):
        if len(choice.names) != 1:
            raise UnsupportedCapability(
                f"Bedrock can require one tool, or any; not {len(choice.names)} by name"
            )
        config["toolChoice"] = {"tool": {"name": choice.names[0]}}
    elif choice is not None:
        config["toolChoice"] = {"any": {}} if choice == "required" else {"auto": {}}
    return config


def _settings(request: Request) -> dict[str, Any]:
    """Everything that stands after the messages, in a fixed order."""
    if request.parallel_tool_calls is False:
        raise UnsupportedCapability("Bedrock has no way to forbid several tool calls in one turn")
    settings: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    if request.max_tokens is not None:
        limits["maxTokens"] = request.max_tokens
    if request.temperature is not None:
        limits["temperature"] = request.temperature
    if request.stop_sequences:
        limits["stopSequences"] = list(request.stop_sequences)
    if limits:
        settings["inferenceConfig"] = limits
    if request.output_schema is not None:
        wanted = request.output_schema
        named = {"schema": encode_json(wanted.schema).decode(), "name": wanted.name}
        if wanted.description:
            named["description"] = wanted.description
        settings["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": named}}}
    fields = reasoning_fields(request)
    if fields:
        settings["additionalModelRequestFields"] = fields
    return settings


def _added_tools(params: Mapping[str, Any]) -> Iterable[bytes]:
    """The tools a caller put into `additional_params`, each as JSON."""
    config = params.get("toolConfig")
    added = config.get("tools") if isinstance(config, Mapping) else None
    return [
        encode_json(tool) for tool in added or () if not (isinstance(tool, Mapping) and "cachePoint" in tool)
    ]
