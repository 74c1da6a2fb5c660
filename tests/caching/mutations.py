"""Requests as the wires send them, and single changes to them whose name is known."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from msgspec import structs

from agentlab.caching.calls import RecordedCall
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Document,
    Message,
    OutputSchema,
    ReasoningOptions,
    Request,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor

VENDORS: Final = {
    "openai-chat": "gpt-5.6",
    "openai": "gpt-5.6",
    "anthropic": "claude-sonnet-5",
    "gemini": "gemini-3-pro",
    "ollama": "qwen3:4b",
    "cohere": "command-a-reasoning-08-2025",
    "bedrock": "anthropic.claude-sonnet-4-6",
}
OTHER_MODELS: Final = {
    "openai-chat": "gpt-5.4",
    "openai": "gpt-5.4",
    "anthropic": "claude-opus-5",
    "gemini": "gemini-3-flash",
    "ollama": "qwen3:8b",
    "cohere": "command-a-03-2025",
    "bedrock": "anthropic.claude-opus-4-6",
}
WORDS: Final = [
    "the",
    "of",
    "paper",
    "cache",
    "prefix",
    "model",
    "tool",
    "answer",
    "river",
    "“quoted”",
    "naïve",
    "ångström",
    "数据",
    "line\n",
    "{json}",
    "\\",
    "<b>",
]


def encoded(request: Request, vendor_name: str) -> RecordedCall:
    """The request as the vendor's wire sends it."""
    row = vendor(vendor_name)
    body = wire_for(row.wire).encode(request, row).body.decode()
    return RecordedCall(row.wire, body, vendor_name, request.model)


def text(draw: random.Random, words: int = 12) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words))


def tool(draw: random.Random, name: str) -> ToolDefinition:
    names = draw.sample(["city", "day", "unit", "query", "limit"], draw.randint(1, 4))
    properties = {each: {"type": "string", "description": text(draw, 4)} for each in names}
    return ToolDefinition(
        name, text(draw), {"type": "object", "properties": properties, "required": sorted(names)}
    )


def turn(draw: random.Random, number: int, tools: tuple[ToolDefinition, ...]) -> tuple[Message, ...]:
    """A question, perhaps with tool calls, and an answer; no two turns are alike."""
    asked = UserMessage.of(f"question {number} {text(draw)}")
    answered = AssistantMessage((Text(f"answer {number} {text(draw)}"),))
    if not tools or draw.random() < 0.5:
        return asked, answered
    calls = tuple(
        ToolCall(
            f"call_{number}_{index}",
            draw.choice(tools).name,
            f'{{"city":"{number} {index}"}}',
            f"call_{number}_{index}",
        )
        for index in range(draw.randint(1, 3))
    )
    results = tuple(
        ToolResult(call.id, call.name, (Text(f"result {call.id} {text(draw, 6)}"),), provider_id=call.id)
        for call in calls
    )
    return asked, AssistantMessage(calls), UserMessage(results), answered


def base_request(draw: random.Random, vendor_name: str, *, with_tools: bool = True) -> Request:
    tools = tuple(tool(draw, f"tool_{index}") for index in range(draw.randint(2, 5))) if with_tools else ()
    messages: tuple[Message, ...] = ()
    for number in range(draw.randint(2, 5)):
        messages += turn(draw, number, tools)
    has_context = with_tools or vendor_name != "cohere"  # there a schema moves the documents too
    return Request(
        model=VENDORS[vendor_name],
        tools=tools,
        preamble=f"You help. {text(draw, 30)}",
        context=tuple(Document.from_text(text(draw, 20), f"doc_{index}") for index in range(2 * has_context)),
        messages=(*messages, UserMessage.of(f"last {text(draw)}")),
        max_tokens=4_096,
        reasoning=ReasoningOptions(effort="low"),
    )


@dataclass(frozen=True)
class Expected:
    """What an explanation should say; `part` None where the change is neutral to this wire."""

    part: str | None
    name: str = ""
    aspect: str = "changed"
    character: int | None = None


Mutation = Callable[[random.Random, Request, str], tuple[Request, Expected]]


def inserted(draw: random.Random, old: str) -> tuple[str, int]:
    """A text with another letter somewhere inside, and where."""
    place = draw.randrange(len(old) - 1)
    return f"{old[:place]}{'#' if old[place] != '#' else '%'}{old[place:]}", place


def tool_description(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    at = draw.randrange(len(request.tools))
    changed, place = inserted(draw, request.tools[at].description)
    tools = _with(request.tools, at, structs.replace(request.tools[at], description=changed))
    return structs.replace(request, tools=tools), Expected(
        "tool", request.tools[at].name, "description", place
    )


def tool_schema(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    at = draw.randrange(len(request.tools))
    old = request.tools[at].parameters
    name = draw.choice(list(old["properties"]))
    changed: dict[str, Any] = {**old["properties"][name], "type": "integer"}
    parameters = {**old, "properties": {**old["properties"], name: changed}}
    tools = _with(request.tools, at, structs.replace(request.tools[at], parameters=parameters))
    return structs.replace(request, tools=tools), Expected("tool", request.tools[at].name, "schema")


def tool_keys(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    at = draw.randrange(len(request.tools))
    old = request.tools[at].parameters
    parameters = dict(reversed(old.items()))
    tools = _with(request.tools, at, structs.replace(request.tools[at], parameters=parameters))
    return structs.replace(request, tools=tools), Expected("tool", request.tools[at].name, "reordered")


def tool_name(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    at = draw.randrange(len(request.tools))
    old = request.tools[at]
    tools = _with(request.tools, at, structs.replace(old, name=f"{old.name}_v2"))
    # A renamed tool is called by its old name in the history, which stays.
    return structs.replace(request, tools=tools), Expected("tool", old.name, "name")


def tool_added(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    at = draw.randrange(len(request.tools) + 1)
    tools = (*request.tools[:at], tool(draw, "newcomer"), *request.tools[at:])
    return structs.replace(request, tools=tools), Expected("tool", "newcomer", "added")


def tool_removed(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    at = draw.randrange(len(request.tools))
    tools = (*request.tools[:at], *request.tools[at + 1 :])
    return structs.replace(request, tools=tools), Expected("tool", request.tools[at].name, "removed")


def tool_order(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    tools = list(request.tools)
    one, other = draw.sample(range(len(tools)), 2)
    tools[one], tools[other] = tools[other], tools[one]
    return structs.replace(request, tools=tuple(tools)), Expected("tools", "", "order")


def preamble(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    changed, place = inserted(draw, request.preamble or "")
    return structs.replace(request, preamble=changed), Expected("preamble", "preamble", "changed", place)


def document(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    at = draw.randrange(len(request.context))
    old = request.context[at]
    changed, _place = inserted(draw, old.source.text)
    context = _with(request.context, at, Document.from_text(changed, old.id))
    return structs.replace(request, context=context), Expected("document", old.id or "", "changed")


def message_edit(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    at = draw.choice(
        [index for index, each in enumerate(request.messages) if isinstance(each.content[0], Text)]
    )
    old = request.messages[at]
    changed, place = inserted(draw, old.content[0].text)
    messages = _with(request.messages, at, structs.replace(old, content=(Text(changed),)))
    return structs.replace(request, messages=messages), Expected("message", "", "changed", place)


def output_schema(draw: random.Random, request: Request, vendor_name: str) -> tuple[Request, Expected]:
    schema = {
        "type": "object",
        "properties": {"x": {"type": "string"}},
        "required": ["x"],
        "additionalProperties": False,
    }
    changed = structs.replace(request, output_schema=OutputSchema(schema))
    return changed, Expected(None if vendor_name == "ollama" else "setting", "output schema")


def effort(draw: random.Random, request: Request, _: str) -> tuple[Request, Expected]:
    level = draw.choice(["medium", "high"]) if request.model != "gemini-3-pro" else "high"
    changed = structs.replace(request, reasoning=ReasoningOptions(effort=level))
    return changed, Expected("setting", "reasoning effort")


def model(draw: random.Random, request: Request, vendor_name: str) -> tuple[Request, Expected]:
    return structs.replace(request, model=OTHER_MODELS[vendor_name]), Expected("setting", "model")


MUTATIONS: Final[dict[str, Mutation]] = {
    each.__name__: each
    for each in (
        tool_description,
        tool_schema,
        tool_keys,
        tool_name,
        tool_added,
        tool_removed,
        tool_order,
        preamble,
        document,
        message_edit,
        output_schema,
        effort,
        model,
    )
}


def appended(draw: random.Random, request: Request) -> Request:
    """The request of a later turn: an answer and a new question, perhaps with tool calls between."""
    answer = AssistantMessage((Text(f"later {text(draw)}"),))
    more = turn(draw, 90, request.tools)
    return structs.replace(request, messages=(*request.messages, answer, *more, UserMessage.of(text(draw))))


def neutral(draw: random.Random, request: Request, vendor_name: str) -> Request:
    """The request with something changed that no cache sees."""
    changes: list[dict[str, Any]] = [{"max_tokens": 5_000}, {"stream": False}]
    if vendor_name != "anthropic":
        changes.append({"temperature": draw.random()})
    if vendor_name != "openai":
        changes.append({"stop_sequences": ("END",)})
    if vendor_name in {"openai", "openai-chat", "anthropic"}:
        changes.append({"additional_params": {"metadata": {"user_id": text(draw, 2)}}})
        # On the Responses wire a marker at the preamble moves it from `instructions` to `input`: another request.
        first = ("context",) if vendor_name == "openai" else ("preamble",)
        places = draw.choice([first, ("context", "last"), ("last",), ()])
        ttl = draw.choice(["5m", "1h"]) if vendor_name == "anthropic" else None
        changes.append({"cache": CacheOptions(breakpoints=places, ttl=ttl)})
    return structs.replace(request, **draw.choice(changes))


def _with(items: tuple[Any, ...], at: int, item: Any) -> tuple[Any, ...]:
    return (*items[:at], item, *items[at + 1 :])
