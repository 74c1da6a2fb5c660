"""From what a user writes to an agent's settings: texts become documents, functions tools, words options."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Final, get_args

import pydantic

from agentlab.agent.approving.policy import ApprovalPolicy
from agentlab.agent.composition.inner_tools import all_tools
from agentlab.agent.hooks import Hook
from agentlab.agent.memory.policy import Memory
from agentlab.agent.retrieving.entries import read_dynamic_context, read_dynamic_tools
from agentlab.agent.settings import AgentSettings
from agentlab.agent.typed.output_schema import enforceable
from agentlab.caching.orderings import ordering_of
from agentlab.errors import UsageError
from agentlab.messages import (
    AssistantMessage,
    Document,
    Effort,
    Message,
    OutputSchema,
    ReasoningOptions,
    UserMessage,
)
from agentlab.tools import Tool, ToolContext, Toolset

__all__ = ["SETTINGS", "settings_from"]

SETTINGS: Final = frozenset(field.name for field in fields(AgentSettings)) - {"output_tool"}


def settings_from(base: AgentSettings, options: Mapping[str, Any]) -> AgentSettings:
    """Settings with options laid over them.

    Args:
        base: The settings to start from.
        options: Options by name, as the user wrote them.

    Raises:
        UsageError: An option is unknown or cannot be read.
    """
    for name in options:
        if name not in SETTINGS:
            near = difflib.get_close_matches(name, SETTINGS, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(sorted(SETTINGS))}"
            raise UsageError(f"an agent has no option `{name}`{hint}")
    read = {name: _READERS[name](value) if name in _READERS else value for name, value in options.items()}
    settings = replace(base, **read)
    if settings.max_turns < 0:
        raise UsageError(f"`max_turns` is the number of model calls, 0 or more, not {settings.max_turns}")
    if settings.approvals is not None:
        settings.approvals.check(all_tools(settings))
    return settings


def _documents(given: Iterable[str | Document]) -> tuple[Document, ...]:
    if isinstance(given, str | Document):
        given = (given,)
    return tuple(
        Document.from_text(item, id=f"static_doc_{number}") if isinstance(item, str) else item
        for number, item in enumerate(given)
    )


def _reasoning(given: Any) -> ReasoningOptions | None:
    if given is None or isinstance(given, ReasoningOptions):
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        return ReasoningOptions(budget_tokens=given)
    if isinstance(given, str) and given in get_args(Effort):
        return ReasoningOptions(effort=given)  # type: ignore[arg-type]
    raise UsageError(
        f"`reasoning` is an effort ({', '.join(get_args(Effort))}), a number of tokens, or `ReasoningOptions`, "
        f"not {given!r}"
    )


def _tools(given: Any) -> Toolset:
    if isinstance(given, Toolset):
        return given
    return Toolset((given,) if isinstance(given, Tool) or callable(given) else given)


def _hooks(given: Any) -> tuple[Hook, ...]:
    hooks = (given,) if isinstance(given, Hook) else tuple(given)
    for hook in hooks:
        if not isinstance(hook, Hook):
            raise UsageError(f"{hook!r} is no hook; subclass `Hook`")
    return hooks


def _memory(given: Any) -> Memory | None:
    if given is None or isinstance(given, Memory):
        return given
    raise UsageError(f"{given!r} is no memory; use one of `agentlab.agent.memory`, such as `Window(20)`")


def _approvals(given: Any) -> ApprovalPolicy | None:
    if given is None or isinstance(given, ApprovalPolicy):
        return given
    raise UsageError(f"{given!r} is no `ApprovalPolicy`; `read_policy` makes one of a file")


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _few_shots(given: Iterable[Message | tuple[str, str]]) -> tuple[Message, ...]:
    """Messages, and pairs of what a user says and what the model should answer."""
    shots: list[Message] = []
    for shot in given:
        if isinstance(shot, tuple):
            asked, answered = shot
            shots += [UserMessage.of(asked), AssistantMessage.of(answered)]
        else:
            shots.append(shot)
    return tuple(shots)


def _volatile(given: Any) -> tuple[str | Callable[[], str], ...]:
    return (given,) if isinstance(given, str) or callable(given) else tuple(given)


def _output_schema(given: Any) -> OutputSchema | None:
    if given is None or isinstance(given, OutputSchema):
        return given
    if isinstance(given, Mapping):
        return enforceable(dict(given), str(given.get("title", "response_schema")))
    try:
        schema = pydantic.TypeAdapter(given).json_schema()
    except pydantic.PydanticUserError as error:
        raise UsageError(f"{given!r} has no JSON schema: {error}") from None
    return enforceable(schema, getattr(given, "__name__", "response_schema"))


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "context": _documents,
    "dynamic_context": read_dynamic_context,
    "few_shots": _few_shots,
    "volatile": _volatile,
    "ordering": ordering_of,
    "tools": _tools,
    "dynamic_tools": read_dynamic_tools,
    "stop_sequences": _texts,
    "reasoning": _reasoning,
    "output_schema": _output_schema,
    "additional_params": lambda given: dict(given or {}),
    "tool_context": lambda given: given or ToolContext(),
    "hooks": _hooks,
    "approvals": _approvals,
    "memory": _memory,
}
