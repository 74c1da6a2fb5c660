"""What is asked of a model, before any wire format."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from msgspec import Struct, field

from agentlab.errors import UsageError
from agentlab.messages.message import Message
from agentlab.messages.parts import Document
from agentlab.short_repr import ShortRepr

__all__ = [
    "CacheOptions",
    "Effort",
    "OutputSchema",
    "ReasoningOptions",
    "Request",
    "SpecificTools",
    "ToolChoice",
    "ToolDefinition",
]


class ToolDefinition(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """A tool as the model sees it.

    Attributes:
        name: 1 to 64 letters, digits, `_` or `-`.
        description: What it does and when to use it.
        parameters: JSON Schema of its arguments, an object.
        strict: Whether the provider should hold the model to the schema; None leaves it to the provider.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None


class SpecificTools(ShortRepr, Struct, frozen=True, tag="specific", tag_field="type"):
    """The model must call one of these tools."""

    names: tuple[str, ...]


ToolChoice = Literal["auto", "none", "required"] | SpecificTools
Breakpoint = Literal["tools", "preamble", "context", "last"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

_BREAKPOINTS: Final = get_args(Breakpoint)


class ReasoningOptions(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """How much the model should think; a vendor that cannot is refused before any I/O.

    Attributes:
        effort: A level by name.
        budget_tokens: A limit in tokens (Anthropic, Gemini).
        summary: Whether to ask for a readable summary (OpenAI, Gemini).
    """

    effort: Effort | None = None
    budget_tokens: int | None = None
    summary: Literal["auto", "concise", "detailed", "none"] | None = None


class CacheOptions(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """Where a provider should cache, and for how long; each field is used where the wire has a place for it.

    Attributes:
        breakpoints: Places that get an explicit marker. `tools`: after the last tool; `preamble`: after the system
            prompt; `context`: after the static context; `last`: after the last message. Anthropic allows 4 in all.
        ttl: Lifetime of the entries at the breakpoints `tools`, `preamble` and `context`; also of `last` where
            `last_ttl` is None.
        last_ttl: Lifetime of the entry at `last`; a longer one may not follow a shorter one.
        automatic: Whether the provider places one moving marker itself (Anthropic top-level `cache_control`).
        key: `prompt_cache_key`: keeps requests with one prefix on one machine (OpenAI, xAI).
        mode: `prompt_cache_options.mode` (OpenAI from GPT-5.6).
        retention: `prompt_cache_retention` (OpenAI before GPT-5.6).
        cached_content: Name of an explicit cache resource (Gemini).
        cached_parts: What the resource holds, each part with its digest; `CachedContent.options` has them. A request with
            the same parts is sent without them, one with others is refused. Empty: the request must have none.
        diagnose: Whether to ask the provider why it missed, see `CacheDiagnosis`: Anthropic's own API, and OpenAI's
            Responses from GPT-5.6. It moves no prefix and costs nothing; the provider keeps a fingerprint of the request.
        compare_with: Id of the answer whose request is compared with this one. An agent sets it for each call after a
            run's first; by hand for calls without an agent. Read only where `diagnose` is set.
    """

    breakpoints: tuple[Breakpoint, ...] = ()
    ttl: str | None = None
    last_ttl: str | None = None
    automatic: bool = False
    key: str | None = None
    mode: Literal["implicit", "explicit"] | None = None
    retention: Literal["in_memory", "24h"] | None = None
    cached_content: str | None = None
    cached_parts: tuple[str, ...] = ()
    diagnose: bool = False
    compare_with: str | None = None

    def __post_init__(self) -> None:
        for place in self.breakpoints:
            if place not in _BREAKPOINTS:
                raise UsageError(
                    f"a cache breakpoint stands behind {', '.join(_BREAKPOINTS)}, not behind {place!r}"
                )


class OutputSchema(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """The JSON Schema the answer must fit, where the wire can enforce one."""

    schema: dict[str, Any]
    name: str = "response_schema"
    description: str | None = None
    strict: bool = True


class Request(ShortRepr, Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model call. The order of the fields is the order on the wire, and so the order of the cached prefix.

    Attributes:
        model: The provider's name of the model.
        tools: Offered tools, in a stable order.
        preamble: The system prompt.
        context: Static documents, rendered as one user message before the history.
        few_shots: Worked examples: user and assistant messages shown before the history.
        messages: History and current prompt; the last message is the newest.
        retrieved: Documents found for this prompt, the most relevant first.
        volatile: Facts that are true now and not later: the time, the user's place.
        prompt_index: Place in `messages` of the prompt that is being answered; None takes the last user message that
            holds more than tool results.
        ordering: Names of the parts in the order they are sent; empty for the usual one. A request with `few_shots`,
            `retrieved`, `volatile` or an ordering is made plain by `agentlab.caching.arrange` before a wire sees it.
        tool_choice: Which tools the model may or must call.
        temperature: Sampling temperature.
        max_tokens: Limit of generated tokens, reasoning included.
        stop_sequences: Texts at which generation ends.
        parallel_tool_calls: Whether one turn may hold several calls; None leaves it to the provider.
        reasoning: How much to think.
        output_schema: The shape of the answer.
        cache: Cache controls.
        additional_params: Merged into the body last: objects recurse, lists append, scalars replace.
        stream: Whether the answer comes as a stream.
    """

    model: str
    tools: tuple[ToolDefinition, ...] = ()
    preamble: str | None = None
    context: tuple[Document, ...] = ()
    few_shots: tuple[Message, ...] = ()
    messages: tuple[Message, ...] = ()
    retrieved: tuple[Document, ...] = ()
    volatile: tuple[str, ...] = ()
    prompt_index: int | None = None
    ordering: tuple[str, ...] = ()
    tool_choice: ToolChoice | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningOptions | None = None
    output_schema: OutputSchema | None = None
    cache: CacheOptions | None = None
    additional_params: dict[str, Any] = field(default_factory=dict)
    stream: bool = True
