"""The Gemini wire: `generateContent` and `streamGenerateContent`, of the Gemini API and of Vertex AI.

A body is written in the order in which Gemini's implicit cache reads it: `tools`, `systemInstruction`, `contents`,
then what is not part of the prompt.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/function-calling,
https://ai.google.dev/gemini-api/docs/thought-signatures, https://ai.google.dev/gemini-api/docs/caching
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import structs

from agentlab.errors import ModelError, UnsupportedCapability
from agentlab.messages import (
    Message,
    ReasoningOptions,
    Request,
    SystemMessage,
    UserMessage,
)
from agentlab.models.assembly import mint_id
from agentlab.models.encoding import MessageBytes, added_tools, conversation, encode_json, join_array
from agentlab.models.gemini.decoder import GeminiDecoder
from agentlab.models.gemini.errors import error_from
from agentlab.models.gemini.parts import model_parts, user_parts
from agentlab.models.gemini.static_part import StaticPart, leading_system, tools_and_system
from agentlab.models.wire import Dialect, EncodedRequest, Framing, Vendor, merge_params

__all__ = ["GeminiGenerate"]

_LEVELS: Final = frozenset({"minimal", "low", "medium", "high", "xhigh"})
_PROMPT: Final = frozenset({"contents", "systemInstruction", "system_instruction"})


class GeminiGenerate:
    """Speaks `generateContent`.

    Dialect flags of a vendor:
        effort_budgets: For models that know token budgets but no levels (Gemini 2.5): model-name prefix to a table of
            tokens by effort.
        model_path: What stands before a model's name in the path; `models` where it is not given.
        foreign_call_signature: Model-name prefix to the signature sent with tool calls that came without one, from
            another vendor's model or an older one, for models that refuse unsigned calls (Gemini 3).
    """

    name = "gemini"
    framing: Framing = "sse"
    dispatch_tail = False

    def __init__(self) -> None:
        self._messages = MessageBytes()

    def encode(self, request: Request, vendor: Vendor) -> EncodedRequest:
        """Turn a request into bytes.

        System messages at the head join the preamble in `systemInstruction`. Later ones stay in their place as user
        turns: Gemini has no system role in `contents`, and moving them up would move the cached prefix.

        Raises:
            UnsupportedCapability: The wire has no way to say it: a ban on parallel calls, an effort and a budget at
                once, system prompt or tools beside a `cached_content` that does not tell what it holds.
            UsageError: The cache resource holds other parts than the request has.
        """
        if request.parallel_tool_calls is False:
            raise UnsupportedCapability("Gemini has no way to forbid several tool calls in one turn")
        static = StaticPart.of(request)
        body, with_context = tools_and_system(static, request.cache)
        tool_config = body.pop("toolConfig", None)
        cached = request.cache.cached_content if request.cache is not None else None
        if cached:
            pieces = [encode_json({"cachedContent": cached})]
        else:
            pieces = [
                *static.tools,
                *added_tools(request.additional_params),
                *map(encode_json, static.system),
            ]
        contents = self._contents(request, vendor, with_context=with_context)
        body["contents"] = join_array(contents)
        if tool_config:
            body["toolConfig"] = tool_config
        generation = _generation_config(request, vendor.dialect)
        if generation:
            body["generationConfig"] = generation
        if cached:
            body["cachedContent"] = cached
        known = _PROMPT.isdisjoint(request.additional_params)
        body = merge_params(body, request.additional_params)
        return EncodedRequest(
            _path(request, vendor.dialect), encode_json(body), pieces=(*pieces, *contents) if known else ()
        )

    def decoder(self, vendor: Vendor, *, mint: Callable[[], str] | None = None) -> GeminiDecoder:  # noqa: ARG002 - Wire
        """A decoder for one response; `mint` makes ids for calls that come without."""
        return GeminiDecoder(mint=mint or mint_id)

    def error(self, status: int, body: bytes) -> ModelError:
        """What an HTTP error response says. The body is an error object, or a list of one where SSE was not asked for."""
        return error_from(status, body)

    def _contents(self, request: Request, vendor: Vendor, *, with_context: bool) -> list[bytes]:
        rest = structs.replace(
            request,
            messages=request.messages[leading_system(request.messages) :],
            context=request.context if with_context else (),
        )
        signature = _by_prefix(vendor.dialect.get("foreign_call_signature"), request.model)

        def build(message: Message) -> list[dict[str, Any]]:
            return _content(message, signature)

        items: list[bytes] = []
        for message in conversation(rest):
            items += self._messages.of(message, build, signature)
        return items


def _path(request: Request, dialect: Dialect) -> str:
    """Where the model is; one with a slash in its name (`endpoints/123`, `tunedModels/mine`) has its own place."""
    folder = dialect.get("model_path", "models")
    resource = request.model if "/" in request.model else f"{folder}/{request.model}"
    return f"/{resource}:" + ("streamGenerateContent?alt=sse" if request.stream else "generateContent")


def _content(message: Message, foreign_signature: str | None) -> list[dict[str, Any]]:
    """The content a message becomes; none where it has nothing this wire can carry."""
    if isinstance(message, SystemMessage):
        return [{"role": "user", "parts": [{"text": message.content}]}] if message.content else []
    if isinstance(message, UserMessage):
        return [{"role": "user", "parts": user_parts(message)}]
    parts = model_parts(message, foreign_signature)
    return [{"role": "model", "parts": parts}] if parts else []


def _generation_config(request: Request, dialect: Dialect) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if request.temperature is not None:
        config["temperature"] = request.temperature
    if request.max_tokens is not None:
        config["maxOutputTokens"] = request.max_tokens
    if request.stop_sequences:
        config["stopSequences"] = list(request.stop_sequences)
    if request.reasoning is not None:
        budgets = _by_prefix(dialect.get("effort_budgets"), request.model) or {}
        thinking = _thinking(request.reasoning, budgets)
        if thinking:
            config["thinkingConfig"] = thinking
    if request.output_schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = request.output_schema.schema
    return config


def _thinking(options: ReasoningOptions, budgets: Mapping[str, int]) -> dict[str, Any]:
    """How much to think: a level by name, or a budget in tokens where the model knows only budgets."""
    config: dict[str, Any] = {}
    if options.budget_tokens is not None:
        if options.effort is not None:
            raise UnsupportedCapability("Gemini takes an effort or a budget of thinking tokens, not both")
        config["thinkingBudget"] = options.budget_tokens
    elif options.effort == "none":
        config["thinkingBudget"] = 0
    elif options.effort is not None and options.effort in budgets:
        config["thinkingBudget"] = budgets[options.effort]
    elif options.effort in _LEVELS and not budgets:
        config["thinkingLevel"] = options.effort
    elif options.effort is not None:
        known = ", ".join(sorted(budgets or _LEVELS))
        raise UnsupportedCapability(
            f"this Gemini model knows no effort {options.effort!r}, only {known}, none"
        )
    if options.summary is not None:
        config["includeThoughts"] = options.summary != "none"
    return config


def _by_prefix(table: Mapping[str, Any] | None, model: str) -> Any:
    """The entry of the longest prefix of a model's name; None where there is none."""
    bare = model.rpartition("/")[2]
    fitting = [prefix for prefix in table or () if bare.startswith(prefix)]
    return table[max(fitting, key=len)] if table and fitting else None
