"""How an answer's shape is enforced, and why that way."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from agentlab.agent.settings import AgentSettings
from agentlab.errors import UsageError
from agentlab.messages import SpecificTools
from agentlab.models import Model

__all__ = ["ChosenMode", "OutputMode", "chosen_mode"]

OutputMode = Literal["native", "tool", "prompted"]


class ChosenMode(Struct, frozen=True):
    """A mode, chosen once and kept for the whole run.

    Attributes:
        mode: `native`: the provider holds the answer to the schema. `tool`: the answer is the arguments of a tool.
            `prompted`: the schema stands in the preamble.
        reason: Why this one, in words.
        is_deferred: Whether the schema is withheld while the model may call tools, for a provider that calls none
            under a schema: it is sent with one more call, without tools, when the model has answered.
    """

    mode: OutputMode
    reason: str
    is_deferred: bool = False


def chosen_mode(
    asked: OutputMode | Literal["auto"], model: Model, settings: AgentSettings, *, has_tools: bool
) -> ChosenMode:
    """The mode of a run.

    Args:
        asked: What the user wants; `auto` takes `native` where the model has it and tools do not stand against it, else
            `tool`, else `prompted`.
        model: The model.
        settings: The agent.
        has_tools: Whether the model is offered tools it may call.

    Raises:
        UsageError: There is no such mode.
    """
    if asked not in {"auto", "native", "tool", "prompted"}:
        raise UsageError(f"`mode` is `auto`, `native`, `tool` or `prompted`, not {asked!r}")
    composes = not has_tools or model.supports("structured_output_with_tools")
    if asked != "auto":
        return ChosenMode(asked, "it was asked for", is_deferred=asked == "native" and not composes)
    return _automatic(model, settings, has_tools=has_tools, composes=composes)


def _automatic(model: Model, settings: AgentSettings, *, has_tools: bool, composes: bool) -> ChosenMode:
    can_call = model.supports("tools") and not (has_tools and isinstance(settings.tool_choice, SpecificTools))
    if has_tools and settings.tool_choice == "required" and can_call:
        return ChosenMode("tool", "every turn must call a tool, so the answer has to be a call too")
    if model.supports("structured_output"):
        if composes:
            beside = ", also while it is offered tools" if has_tools else ""
            return ChosenMode("native", f"{model.name} holds its answer to a schema{beside}")
        if can_call:
            return ChosenMode("tool", f"{model.name} calls no tools while it is held to a schema")
        return ChosenMode(
            "native",
            f"{model.name} is held to the schema in a call of its own, for its tools are chosen by name",
            is_deferred=True,
        )
    if can_call:
        return ChosenMode("tool", f"{model.name} is not held to a schema, but calls tools")
    return ChosenMode("prompted", f"{model.name} is neither held to a schema nor free to call a tool of ours")
