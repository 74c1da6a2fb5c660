"""The Cohere wire: `POST /v2/chat`.

Static context goes into the request's own `documents`, which the model cites; only beside an output schema, where the
API takes none, it is a user message as on other wires.

Sources: https://docs.cohere.com/reference/chat, https://docs.cohere.com/docs/tool-use-overview,
https://docs.cohere.com/docs/reasoning, https://docs.cohere.com/docs/structured-outputs
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from agentlab.errors import ModelError, UnsupportedCapability
from agentlab.messages import ReasoningOptions, Request, SpecificTools, ToolDefinition
from agentlab.models.assembly import mint_id
from agentlab.models.cohere.decoder import CohereDecoder, error_from
from agentlab.models.cohere.messages import WIRE, document_item, message_items
from agentlab.models.encoding import (
    MessageBytes,
    added_tools,
    conversation,
    encode_json,
    join_array,
    rendered_settings,
)
from agentlab.models.wire import Dialect, EncodedRequest, Framing, Vendor, merge_params

__all__ = ["CohereChat"]

_CHOICES: Final = {"none": "NONE", "required": "REQUIRED"}
_IN_THE_PROMPT: Final = frozenset({"messages", "documents"})


class CohereChat:
    """Speaks `/v2/chat`.

    `citation_options`, `safety_mode`, `seed`, `k`, `p` and the like go into `additional_params`, and so do documents of
    the caller's own.

    Dialect flag of a vendor:
        effort_budgets: Tokens of thought by effort; an effort that is not in it lets the model think without limit.
    """

    name = WIRE
    framing: Framing = "sse"
    dispatch_tail = True

    def __init__(self) -> None:
        self._messages = MessageBytes()

    def encode(self, request: Request, vendor: Vendor) -> EncodedRequest:
        """Turn a request into bytes.

        Raises:
            UnsupportedCapability: The wire has no way to say it: one certain tool as the choice, no parallel calls,
                tools together with an output schema, media other than images.
        """
        _check(request)
        native = request.output_schema is None
        body: dict[str, Any] = {"model": request.model}
        tools = [encode_json(_tool(tool)) for tool in request.tools]
        if tools:
            body["tools"] = join_array(tools)
        documents = [encode_json(document_item(document)) for document in request.context if native]
        if documents:
            body["documents"] = join_array(documents)
        messages = self._conversation(request, native=native)
        body["messages"] = join_array(messages)
        body |= _settings(request, vendor.dialect)
        params = request.additional_params
        body = merge_params(body, params)
        settings = rendered_settings(body, "response_format")
        pieces = (*settings, *tools, *added_tools(params), *documents, *messages)
        return EncodedRequest(
            "/v2/chat", encode_json(body), pieces=() if _IN_THE_PROMPT & params.keys() else pieces
        )

    def decoder(self, vendor: Vendor, *, mint: Callable[[], str] | None = None) -> CohereDecoder:  # noqa: ARG002 - Wire
        """A decoder for one response; `mint` makes ids for calls that come without."""
        return CohereDecoder(mint=mint or mint_id)

    def error(self, status: int, body: bytes) -> ModelError:
        """What an HTTP error response says."""
        return error_from(status, body)

    def _conversation(self, request: Request, *, native: bool) -> list[bytes]:
        items: list[bytes] = []
        if request.preamble:
            items.append(encode_json({"role": "system", "content": request.preamble}))
        for message in request.messages if native else conversation(request):
            items += self._messages.of(message, message_items)
        return items


def _check(request: Request) -> None:
    if isinstance(request.tool_choice, SpecificTools):
        raise UnsupportedCapability(
            "Cohere can require that some tool is called, not which one: offer only that tool, with `required`"
        )
    if request.parallel_tool_calls is False:
        raise UnsupportedCapability("Cohere has no way to forbid several tool calls in one turn")
    if request.output_schema is not None and request.tools:
        raise UnsupportedCapability(
            "Cohere takes no tools together with an output schema: ask for the schema without tools"
        )


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters
    return {"type": "function", "function": function}


def _settings(request: Request, dialect: Dialect) -> dict[str, Any]:
    """Everything that stands after the messages, in a fixed order."""
    settings: dict[str, Any] = {}
    if request.tools and request.tool_choice in _CHOICES:
        settings["tool_choice"] = _CHOICES[str(request.tool_choice)]
    strict = {tool.strict for tool in request.tools} - {None}
    if strict == {True}:  # one switch for all tools
        settings["strict_tools"] = True
    thinking = _thinking(request.reasoning, dialect)
    if thinking is not None:
        settings["thinking"] = thinking
    if request.output_schema is not None:
        schema = request.output_schema.schema
        settings["response_format"] = {"type": "json_object", "json_schema": schema}
    if request.temperature is not None:
        settings["temperature"] = request.temperature
    if request.max_tokens is not None:
        settings["max_tokens"] = request.max_tokens
    if request.stop_sequences:
        settings["stop_sequences"] = list(request.stop_sequences)
    settings["stream"] = request.stream
    return settings


def _thinking(wanted: ReasoningOptions | None, dialect: Dialect) -> dict[str, Any] | None:
    """On with a budget, on without one, or off: the wire knows no levels."""
    if wanted is None or (wanted.effort is None and wanted.budget_tokens is None):
        return None
    if wanted.effort == "none":
        return {"type": "disabled"}
    budget = wanted.budget_tokens
    if budget is None:
        budget = dialect.get("effort_budgets", {}).get(wanted.effort)
    return {"type": "enabled"} if budget is None else {"type": "enabled", "token_budget": budget}
