"""Hooks that observe the deltas of one model call."""

from __future__ import annotations

from typing import Final

from agentlab.agent.hooks import HookContext, Hooks
from agentlab.messages import Event, ReasoningDelta, TextDelta, ToolCallDelta

__all__ = ["DELTAS", "DeltaHooks"]

_HOOKS: Final[dict[type, str]] = {
    TextDelta: "on_text_delta",
    ReasoningDelta: "on_reasoning_delta",
    ToolCallDelta: "on_tool_call_delta",
}
DELTAS: Final = frozenset(_HOOKS)


class DeltaHooks:
    """Asks the hooks of a run about the deltas of one model call.

    Args:
        hooks: The hooks.
        context: Where the run stands.

    Attributes:
        unasked: Kinds of events about which nobody is asked, because no hook observes any delta.
    """

    def __init__(self, hooks: Hooks, context: HookContext) -> None:
        observed = any(hooks.observes(name) for name in _HOOKS.values())
        self.unasked: frozenset[type] = frozenset() if observed else DELTAS
        self._hooks = hooks
        self._context = context
        self._so_far: dict[type[Event], str] = {}

    async def ask(self, event: Event) -> object:
        """What the hooks say of a delta."""
        hook = _HOOKS[type(event)]
        if isinstance(event, ToolCallDelta):
            return await self._hooks.ask(hook, self._context, event.id, event.name, event.arguments)
        assert isinstance(event, TextDelta | ReasoningDelta)
        so_far = self._so_far[type(event)] = self._so_far.get(type(event), "") + event.text
        return await self._hooks.ask(hook, self._context, event.text, so_far)
