"""Reads a request of Anthropic's Messages API the way the API does, and refuses in its words.

Rules: https://platform.claude.com/docs/en/api/messages, and the guides to tool use, extended thinking and prompt
caching beside it. Sentences are those of the API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct, field

from agentlab.messages import SpecificTools, ToolChoice, ToolDefinition
from agentlab.simulator.dialects.anthropic_history import Turn, Wording, check_pairs, read_turn, to_messages
from agentlab.simulator.dialects.base import Rejected, json_object
from agentlab.simulator.dialects.shape import Misfit, fit
from agentlab.simulator.exchange import SimRequest

__all__ = ["read_request"]

_THINKING_GUIDE: Final = "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_MOST_MARKERS: Final = 4
_ROLES: Final[tuple[Literal["user", "assistant", "system"], ...]] = ("user", "assistant", "system")


class _CacheControl(Struct, forbid_unknown_fields=True):
    type: Literal["ephemeral"]
    ttl: str = "5m"


class _SystemText(Struct, forbid_unknown_fields=True):
    type: Literal["text"]
    text: str
    cache_control: _CacheControl | None = None
    citations: Any = None


class _Message(Struct, forbid_unknown_fields=True):
    role: str
    content: str | list[dict[str, Any]]


class _Thinking(Struct, forbid_unknown_fields=True):
    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: int | None = None
    display: Literal["summarized", "omitted"] | None = None


class _ToolChoice(Struct, forbid_unknown_fields=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class _OutputFormat(Struct):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class _Diagnostics(Struct, forbid_unknown_fields=True):
    previous_message_id: str | None = None


class _OutputConfig(Struct):
    effort: str | None = None
    format: _OutputFormat | None = None


class _Body(Struct, forbid_unknown_fields=True, kw_only=True):
    model: str
    messages: list[_Message]
    max_tokens: int
    system: str | list[_SystemText] = ""
    stream: bool = False
    tools: list[dict[str, Any]] = field(default_factory=list)
    tool_choice: _ToolChoice | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    stop_sequences: list[str] = field(default_factory=list)
    thinking: _Thinking | None = None
    cache_control: _CacheControl | None = None
    output_config: _OutputConfig | None = None
    output_format: _OutputFormat | None = None
    metadata: dict[str, Any] | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    container: Any = None
    context_management: Any = None
    mcp_servers: Any = None
    inference_geo: str | None = None
    speed: Literal["standard", "fast"] | None = None
    diagnostics: _Diagnostics | None = None


def read_request(
    vendor: str, headers: Mapping[str, str], body: bytes, *, in_path: str | None = None
) -> SimRequest:
    """Understand a request.

    Args:
        vendor: First segment of the URL's path.
        headers: Names in lower case, without the key.
        body: The body.
        in_path: The model that the path names, on Vertex AI.

    Raises:
        Rejected: The API would not accept it.
    """
    if "anthropic-version" not in headers and in_path is None:
        raise Rejected.because("anthropic-version: header is required")
    parsed = json_object(body, "The request body is not valid JSON")
    if in_path is not None:
        parsed = _of_vertex(parsed, in_path)
    try:
        asked = fit(parsed, _Body)
        turns = [_read_turn(index, message) for index, message in enumerate(asked.messages)]
        tools = _read_tools(asked)
        _check_markers(asked, parsed)
    except Misfit as misfit:
        raise Rejected.because(Wording.of(misfit)) from None
    _check_settings(asked)
    _check_conversation(asked, turns)
    schema = (asked.output_config and asked.output_config.format) or asked.output_format
    return SimRequest(
        vendor=vendor,
        wire="anthropic",
        model=asked.model,
        stream=asked.stream,
        preamble=_preamble(asked.system),
        messages=to_messages(turns),
        tools=tools,
        tool_choice=_tool_choice(asked),
        max_tokens=asked.max_tokens,
        reasoning=_thinks(asked),
        output_schema=schema.schema if schema else None,
        headers=headers,
        json=parsed,
        body=body,
    )


def _of_vertex(parsed: dict[str, Any], model: str) -> dict[str, Any]:
    """The body in Anthropic's own form."""
    if not isinstance(parsed.get("anthropic_version"), str):
        raise Rejected.because("anthropic_version: Field required")
    if "model" in parsed:
        raise Rejected.because("model: Extra inputs are not permitted")
    rest = {name: value for name, value in parsed.items() if name != "anthropic_version"}
    return {"model": model, **rest}


def _read_turn(index: int, message: _Message) -> Turn:
    for role in _ROLES:
        if message.role == role:
            return read_turn(index, role, message.content)
    raise Rejected.because(f"messages.{index}.role: Input should be 'user', 'assistant' or 'system'")


def _preamble(system: str | list[_SystemText]) -> str | None:
    if isinstance(system, str):
        return system or None
    for block in system:
        if not block.text:
            raise Rejected.because("system: text content blocks must be non-empty")
    return "\n".join(block.text for block in system) or None


def _thinks(asked: _Body) -> bool:
    return asked.thinking is not None and asked.thinking.type != "disabled"


class _Tool(Struct):
    name: str
    input_schema: dict[str, Any]
    description: str = ""
    strict: bool | None = None


class _ToolName(Struct):
    name: str = ""


def _read_tools(asked: _Body) -> tuple[ToolDefinition, ...]:
    """The client's tools; those the provider runs itself are checked no further."""
    definitions: list[ToolDefinition] = []
    names = [fit(tool, _ToolName, "tools", index).name for index, tool in enumerate(asked.tools)]
    for index, given in enumerate(asked.tools):
        if given.get("type") not in {None, "custom"}:
            continue
        tool = fit(given, _Tool, "tools", index, "custom")
        kind = tool.input_schema.get("type")
        if kind is None:
            raise Misfit(("tools", index, "custom", "input_schema", "type"), "missing")
        if kind != "object":
            raise Rejected.because(f"tools.{index}.custom.input_schema.type: Input should be 'object'")
        if not _TOOL_NAME.fullmatch(tool.name):
            raise Rejected.because(
                f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )
        definitions.append(ToolDefinition(tool.name, tool.description, tool.input_schema, tool.strict))
    if len(set(names)) < len(names):
        raise Rejected.because("tools: Tool names must be unique.")
    return tuple(definitions)


def _tool_choice(asked: _Body) -> ToolChoice | None:
    choice = asked.tool_choice
    if choice is None:
        return None
    if not asked.tools:
        raise Rejected.because("tool_choice may only be specified while providing tools.")
    if choice.type == "tool":
        if choice.name is None:
            raise Rejected.because("tool_choice.tool.name: Field required")
        if choice.name not in {tool.get("name") for tool in asked.tools}:
            raise Rejected.because(f"Tool '{choice.name}' not found in provided tools")
        return SpecificTools((choice.name,))
    choices: dict[str, ToolChoice] = {"auto": "auto", "any": "required", "none": "none"}
    return choices[choice.type]


def _check_settings(asked: _Body) -> None:
    if asked.max_tokens < 0:
        raise Rejected.because("max_tokens: Input should be greater than or equal to 0")
    if asked.temperature is not None and not 0 <= asked.temperature <= 1:
        raise Rejected.because("temperature: range: 0..1")
    if any(not text.strip() for text in asked.stop_sequences):
        raise Rejected.because("stop_sequences: each stop sequence must contain non-whitespace")
    thinking = asked.thinking
    if thinking is None or thinking.type == "disabled":
        return
    if asked.temperature not in {None, 1.0}:
        raise Rejected.because(
            "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at "
            f"{_THINKING_GUIDE}#important-considerations-when-using-extended-thinking"
        )
    if thinking.type == "enabled":
        if asked.tool_choice is not None and asked.tool_choice.type in {"any", "tool"}:
            raise Rejected.because("Thinking may not be enabled when tool_choice forces tool use.")
        _check_budget(thinking.budget_tokens, asked.max_tokens)


def _check_budget(budget: int | None, max_tokens: int) -> None:
    if budget is None:
        raise Rejected.because("thinking.enabled.budget_tokens: Field required")
    if budget < 1024:
        raise Rejected.because(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        )
    if max_tokens <= budget:
        raise Rejected.because(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
            f"{_THINKING_GUIDE}#max-tokens-and-context-window-size"
        )


def _check_conversation(asked: _Body, turns: list[Turn]) -> None:
    if not turns:
        raise Rejected.because("messages: at least one message is required")
    for turn in turns:
        if not turn.blocks and not (turn is turns[-1] and turn.role == "assistant"):
            raise Rejected.because(
                f"messages.{turn.number}: all messages must have non-empty content except for the optional final "
                "assistant message"
            )
    check_pairs(turns)
    last = turns[-1]
    if last.role == "assistant" and last.blocks and last.blocks[-1].get("type") == "text":
        text = last.blocks[-1]["text"]
        if text != text.rstrip():
            raise Rejected.because("messages: final assistant content cannot end with trailing whitespace")
    if asked.thinking is not None and asked.thinking.type == "enabled":
        _check_thinking_kept(turns)


def _check_thinking_kept(turns: list[Turn]) -> None:
    """While a tool is being used, the turn that called it must be sent back with its thinking."""
    assistants = [turn for turn in turns if turn.role == "assistant"]
    if not assistants:
        return
    first = assistants[-1].blocks[0]["type"] if assistants[-1].blocks else "thinking"
    uses_tool = any(block["type"] == "tool_use" for block in assistants[-1].blocks)
    if uses_tool and first not in {"thinking", "redacted_thinking"}:
        raise Rejected.because(
            f"messages.{assistants[-1].number}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{first}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block "
            "(preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking "
            "blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our "
            f"documentation at {_THINKING_GUIDE}"
        )


def _check_markers(asked: _Body, parsed: dict[str, Any]) -> None:
    """At most four cache markers, none that lives longer after one that lives shorter."""
    found = [
        (path, fit(block["cache_control"], _CacheControl, *path, "cache_control").ttl)
        for path, block in _cacheable(parsed)
        if block.get("cache_control") is not None
    ]
    count = len(found)
    if asked.cache_control is not None:
        last = [path for path, _ in _cacheable(parsed)][-1:]
        count += 0 if last == [path for path, _ in found[-1:]] else 1
    if count > _MOST_MARKERS:
        raise Rejected.because(
            f"A maximum of {_MOST_MARKERS} blocks with cache_control may be provided. Found {count}."
        )
    short = False
    for path, ttl in found:
        if ttl not in {"5m", "1h"}:
            raise Rejected.because(
                f"{'.'.join(map(str, path))}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'"
            )
        if ttl == "1h" and short:
            raise Rejected.because(
                f"{'.'.join(map(str, path))}.cache_control.ttl: a ttl='1h' cache_control block must not come after a "
                "ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, "
                "`system`, `messages`."
            )
        short = short or ttl == "5m"


def _cacheable(parsed: dict[str, Any]) -> Iterable[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every block that may carry a marker, with its path, in the order the API reads them."""
    for index, tool in enumerate(parsed.get("tools") or []):
        yield ("tools", index), tool
    system = parsed.get("system")
    for index, block in enumerate(system if isinstance(system, list) else []):
        yield ("system", index), block
    for index, message in enumerate(parsed.get("messages") or []):
        content = message["content"]
        for place, block in enumerate(content if isinstance(content, list) else []):
            at: tuple[str | int, ...] = ("messages", index, "content", place)
            nested = block.get("content") if block.get("type") == "tool_result" else None
            for deeper, inner in enumerate(nested if isinstance(nested, list) else []):
                yield (*at, "content", deeper), inner
            yield at, block
