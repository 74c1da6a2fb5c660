"""Hooks: see every step of a run, and steer it.

Subclass `Hook` and override what you need; methods may be plain or async. Hooks run in the order they were added; for
an answer that stops or replaces, the first hook that gives one wins and later hooks do not see the event, so put
observers first.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct, field, structs

from agentlab.errors import UsageError
from agentlab.messages import (
    CacheOptions,
    Document,
    Message,
    OutputSchema,
    ReasoningOptions,
    Request,
    SpecificTools,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolResultContent,
    TurnFinished,
)
from agentlab.short_repr import ShortRepr

__all__ = [
    "Hook",
    "HookContext",
    "Hooks",
    "RenameCall",
    "RequestPatch",
    "RetryTurn",
    "RewriteArguments",
    "RewriteResult",
    "Scratchpad",
    "Skip",
    "Stop",
    "UseModel",
]

Value = TypeVar("Value")
_PLAIN: Final = (
    "preamble",
    "messages",
    "temperature",
    "max_tokens",
    "tool_choice",
    "reasoning",
    "cache",
    "output_schema",
)
"""Fields of a patch that replace those of the request."""


class Stop(ShortRepr, Struct, frozen=True):
    """End the run; it raises `RunStopped` with the reason and the history."""

    reason: str


class Skip(ShortRepr, Struct, frozen=True):
    """Do not run the tool; the model is given the reason as its result, word for word."""

    reason: str


class RewriteArguments(ShortRepr, Struct, frozen=True):
    """Run the tool with other arguments; the history keeps what the model wrote."""

    arguments: dict[str, Any]


class RewriteResult(ShortRepr, Struct, frozen=True):
    """Show the model another result; what the tool really returned is not kept."""

    content: tuple[ToolResultContent, ...]


class RenameCall(ShortRepr, Struct, frozen=True):
    """Take a call to an unknown tool as one to this tool."""

    name: str


class RetryTurn(ShortRepr, Struct, frozen=True):
    """Reject an answer and call the model again, which counts as a turn.

    With feedback the answer stays and the feedback follows it as a user message; without, the same request is made
    again. Turns that call tools cannot be retried.
    """

    feedback: str | None = None


class UseModel(ShortRepr, Struct, frozen=True):
    """Make this call with another model."""

    model: Any


class RequestPatch(ShortRepr, Struct, frozen=True, kw_only=True):
    """Changes to the next request only; the run and later requests stay as they are.

    Of several hooks' patches the last wins for each field; `extra_context` adds up, `additional_params` are laid over
    each other, `active_tools` are intersected.

    Attributes:
        preamble: Another system prompt.
        messages: Another history, sent but not kept.
        temperature: Another temperature.
        max_tokens: Another limit.
        tool_choice: Another tool choice.
        active_tools: Names of the tools to offer; all where None.
        extra_context: Documents added behind the static context.
        additional_params: Laid over the agent's.
        reasoning: Other reasoning options.
        cache: Other cache controls.
        output_schema: Another shape of the answer.
    """

    preamble: str | None = None
    messages: tuple[Message, ...] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    tool_choice: ToolChoice | None = None
    active_tools: tuple[str, ...] | None = None
    extra_context: tuple[Document, ...] = ()
    additional_params: dict[str, Any] = field(default_factory=dict)
    reasoning: ReasoningOptions | None = None
    cache: CacheOptions | None = None
    output_schema: OutputSchema | None = None

    def applied(self, request: Request) -> Request:
        """The request with the changes.

        Raises:
            UsageError: `active_tools` names a tool the request does not have.
        """
        changes: dict[str, Any] = {
            name: value for name in _PLAIN if (value := getattr(self, name)) is not None
        }
        changes["context"] = request.context + self.extra_context
        changes["prompt_index"] = request.prompt_index if self.messages is None else None
        changes["additional_params"] = {**request.additional_params, **self.additional_params}
        if self.active_tools is not None:
            offered = [tool.name for tool in request.tools]
            unknown = [name for name in self.active_tools if name not in offered]
            if unknown:
                raise UsageError(
                    f"`active_tools` names {', '.join(unknown)}; offered are {', '.join(offered) or 'none'}"
                )
            changes["tools"] = tuple(tool for tool in request.tools if tool.name in self.active_tools)
        patched = structs.replace(request, **changes)
        check_tool_choice(patched)
        return patched


def check_tool_choice(request: Request) -> None:
    """Refuse a tool choice that cannot be met.

    Raises:
        UsageError: A tool must be called and none is offered, or one is named that is not.
    """
    offered = {tool.name for tool in request.tools}
    if request.tool_choice == "required" and not offered:
        raise UsageError("`tool_choice` is `required`, but the request offers no tools")
    if isinstance(request.tool_choice, SpecificTools):
        missing = [name for name in request.tool_choice.names if name not in offered]
        if missing or not request.tool_choice.names:
            named = ", ".join(missing) or "no tool"
            raise UsageError(
                f"`tool_choice` names {named}; offered are {', '.join(sorted(offered)) or 'none'}"
            )


class Scratchpad:
    """A place for hooks to keep values through a run, by type."""

    def __init__(self) -> None:
        self._values: dict[type, Any] = {}

    def insert(self, value: Any) -> None:
        """Keep a value under its type."""
        self._values[type(value)] = value

    def get(self, kind: type[Value]) -> Value | None:
        """The value of a type, or None."""
        found: Value | None = self._values.get(kind)
        return found

    def remove(self, kind: type[Value]) -> Value | None:
        """Take the value of a type out."""
        found: Value | None = self._values.pop(kind, None)
        return found


class HookContext(ShortRepr, Struct):
    """Where a run stands when a hook is asked.

    Attributes:
        run_id: The run.
        agent_name: The agent.
        turn: Model call, from 1.
        is_streaming: Whether the model's answer is streamed.
        scratchpad: Values hooks keep through the run.
    """

    run_id: str
    agent_name: str
    turn: int
    is_streaming: bool
    scratchpad: Scratchpad


class Hook:
    """Base of hooks. Every method may return None, which lets the run go on."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def on_completion_call(self, context: HookContext, request: Request) -> Any:
        """Before a model call. May return `RequestPatch` or `Stop`."""

    def on_model_select(self, context: HookContext, request: Request, model: Any) -> Any:
        """After `on_completion_call`: which model makes the call. May return `UseModel` or `Stop`."""

    def on_text_delta(self, context: HookContext, delta: str, text: str) -> Any:
        """More of the answer; `text` is all of this turn so far. May return `Stop`."""

    def on_reasoning_delta(self, context: HookContext, delta: str, text: str) -> Any:
        """More of the reasoning; `text` is all of this turn so far. May return `Stop`."""

    def on_tool_call_delta(self, context: HookContext, call_id: str, name: str, delta: str) -> Any:
        """More of a tool call's arguments. May return `Stop`."""

    def on_completion_response(self, context: HookContext, turn: TurnFinished) -> Any:
        """A model call that was not streamed is complete. May return `Stop`."""

    def on_stream_response_finish(self, context: HookContext, turn: TurnFinished) -> Any:
        """A streamed model call is complete. May return `Stop`."""

    def on_model_turn_finished(self, context: HookContext, turn: TurnFinished) -> Any:
        """A model call is complete, streamed or not. May return `RetryTurn` or `Stop`."""

    def on_invalid_tool_call(self, context: HookContext, call: ToolCall, available: Sequence[str]) -> Any:
        """The model called a tool that was not offered. May return `RenameCall`, `Skip` or `Stop`.

        Without an answer the model is told which tools there are, and the run goes on.
        """

    def on_tool_call(self, context: HookContext, call: ToolCall) -> Any:
        """Before a tool runs. May return `RewriteArguments`, `Skip` or `Stop`."""

    def on_tool_result(self, context: HookContext, call: ToolCall, result: ToolResult) -> Any:
        """After a tool ran or was skipped. May return `RewriteResult` or `Stop`."""


class Hooks:
    """The hooks of a run, asked in order.

    Args:
        hooks: The hooks.
    """

    def __init__(self, hooks: Sequence[Hook] = ()) -> None:
        self._hooks = tuple(hooks)
        self._observed = {name for name in vars(Hook) if name.startswith("on_") and self._overridden(name)}

    def observes(self, event: str) -> bool:
        """Whether any hook overrides this method; deltas nobody observes cost nothing."""
        return event in self._observed

    async def ask(self, event: str, *arguments: Any) -> Any:
        """The first answer any hook gives; None where none does.

        Args:
            event: Name of the method.
            arguments: Passed to it.

        Raises:
            UsageError: A hook answered with something this event does not take.
        """
        if event not in self._observed:
            return None
        for hook in self._hooks:
            answer = await _answered(hook, event, *arguments)
            if answer is not None:
                return answer
        return None

    async def patch(self, context: HookContext, request: Request) -> Request | Stop:
        """The request after every hook's patch, or the first `Stop`."""
        for hook in self._hooks:
            answer = await _answered(hook, "on_completion_call", context, request)
            if isinstance(answer, Stop):
                return answer
            if isinstance(answer, RequestPatch):
                request = answer.applied(request)
        return request

    def _overridden(self, event: str) -> bool:
        return any(getattr(type(hook), event) is not getattr(Hook, event) for hook in self._hooks)


_MORE_THAN_STOP: Final[dict[str, tuple[type, ...]]] = {
    "on_completion_call": (RequestPatch,),
    "on_model_select": (UseModel,),
    "on_model_turn_finished": (RetryTurn,),
    "on_invalid_tool_call": (RenameCall, Skip),
    "on_tool_call": (RewriteArguments, Skip),
    "on_tool_result": (RewriteResult,),
}


async def _answered(hook: Hook, event: str, *arguments: Any) -> Any:
    """What a hook says to an event; an answer the event does not take would be lost in silence."""
    answer = getattr(hook, event)(*arguments)
    if inspect.isawaitable(answer):
        answer = await answer
    allowed = (*_MORE_THAN_STOP.get(event, ()), Stop)
    if answer is not None and not isinstance(answer, allowed):
        names = ", ".join(f"`{kind.__name__}`" for kind in allowed)
        raise UsageError(f"`{type(hook).__name__}.{event}` may return {names} or None, not {answer!r}")
    return answer
