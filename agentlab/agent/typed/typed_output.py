"""Answers of a type: how the shape is asked for, how the answer is read, and how a misfit is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal

import msgspec

from agentlab.agent.hooks import Hook, HookContext, RequestPatch, RetryTurn
from agentlab.agent.run import Run
from agentlab.agent.settings import AgentSettings
from agentlab.agent.typed.output_mode import OutputMode, chosen_mode
from agentlab.agent.typed.output_schema import enforceable
from agentlab.agent.typed.output_type import OutputType, Reading
from agentlab.errors import NoData, OutputInvalid
from agentlab.messages import (
    OutputSchema,
    Request,
    SpecificTools,
    ToolCall,
    ToolDefinition,
    ToolResult,
    TurnFinished,
)
from agentlab.models import Model
from agentlab.short_repr import one_line
from agentlab.tools import Toolset

__all__ = ["OutputMode", "TypedOutput"]

_TOOL_NAME: Final = "final_result"
_CUT: Final = frozenset({"length", "content_filter"})

Check = Callable[[Any], str | None]
"""What is wrong with a value of the right type, in words for the model; None where nothing is."""


class TypedOutput:
    """One type asked of one agent.

    All of it is in `settings`: an agent with them asks for the type, and its runs mend misfits by themselves. The mode is
    chosen here, once, and stays for every run, also where a hook calls another model.

    Args:
        output: The type; one that is no object is wrapped in one with the single key `result`.
        mode: How the shape is enforced, or `auto`.
        model: The model.
        settings: The agent.
        retries: How often the model is told what is wrong and asked again; anew after each tool that did its work.
        check: Looks at a value of the type; what it says is a misfit too.

    Attributes:
        mode: How the shape is enforced.
        reason: Why that way.
        settings: The agent's settings, with all that asks for the type.
    """

    def __init__(
        self,
        output: Any,
        mode: OutputMode | Literal["auto"],
        model: Model,
        settings: AgentSettings,
        *,
        retries: int = 0,
        check: Check | None = None,
    ) -> None:
        self.type = OutputType(output)
        self._check = check
        has_tools = bool(settings.tool_names) and settings.tool_choice != "none"
        chosen = chosen_mode(mode, model, settings, has_tools=has_tools)
        self.mode: OutputMode = chosen.mode
        self.reason = chosen.reason
        self._tool_name = _free_name(settings.tool_names)
        self._schema = enforceable(self.type.schema, self.type.title)
        forced = model.supports("tool_choice_required") and not _reasons(settings)
        if settings.tool_names and not has_tools and not _stand_beside(self.mode, model):
            # No tool may be called: where the schema stands in their place, none is offered either.
            settings = replace(settings, tools=Toolset(), dynamic_tools=(), tool_choice=None)
        applied = _asking(self, settings, deferred=chosen.is_deferred, has_tools=has_tools, forced=forced)
        hook = _Fitting(
            self, retries, max_turns=settings.max_turns, schema=self._schema if chosen.is_deferred else None
        )
        others = tuple(each for each in settings.hooks if not isinstance(each, _Fitting))
        self.settings = replace(applied, hooks=(*others, hook))

    def __repr__(self) -> str:
        return one_line(f"TypedOutput({self.type.name}, mode={self.mode!r}, reason={self.reason!r})")

    @property
    def schema(self) -> OutputSchema:
        """The shape in the form providers enforce."""
        return self._schema

    @property
    def tool_name(self) -> str:
        """Name of the tool whose arguments are the answer, in mode `tool`; no other tool of the agent has it."""
        return self._tool_name

    def read(self, text: str) -> Reading:
        """A text as a value, or what is wrong with it."""
        reading = self.type.read(text)
        if reading.problem is None and self._check is not None:
            problem = self._check(reading.value)
            return reading if problem is None else Reading(problem=problem)
        return reading

    def value_of(self, run: Run) -> Any:
        """The value a finished run ended with.

        Raises:
            NoData: The model gave nothing that could be read.
            OutputInvalid: What it gave does not fit.
        """
        reading = self.read(run.text)
        if reading.problem is None:
            return reading.value
        kind = NoData if reading.is_missing else OutputInvalid
        error = kind(f"the answer is no `{self.type.name}`: {reading.problem}", history=run.all_messages)
        error.usage, error.cost_usd = run.usage, run.cost_usd
        raise error

    def feedback(self, problem: str) -> str:
        """What the model is told of an answer that does not fit."""
        how = f"Call the tool `{self._tool_name}`" if self.mode == "tool" else "Answer with JSON only,"
        return f"Your answer does not fit the required schema: {problem}. {how} with all required fields."

    def said(self, turn: TurnFinished) -> str | None:
        """The answer in a turn; None where it calls tools that are not the answer."""
        calls = turn.message.tool_calls
        if self.mode == "tool":
            answer = next((call for call in calls if call.name == self._tool_name), None)
            if answer is not None:
                return answer.arguments_json or "{}"
        return None if calls else turn.message.text


class _Fitting(Hook):
    """Tells the model what is wrong with an answer, and lets it answer again.

    Args:
        typed: Reads the answers.
        retries: How often.
        max_turns: Model calls a run may make: behind the last there is nothing to wait for.
        schema: The shape that is withheld until the model has answered; None where it is not.
    """

    def __init__(
        self, typed: TypedOutput, retries: int, *, max_turns: int, schema: OutputSchema | None
    ) -> None:
        self._typed = typed
        self._retries = retries
        self._max_turns = max_turns
        self._schema = schema

    def on_completion_call(self, context: HookContext, request: Request) -> RequestPatch | None:
        """Send the withheld schema, and no tools, once the model is done with them."""
        state = self._state(context)
        if self._schema is None or not state.is_closing:
            return None
        return RequestPatch(
            output_schema=self._schema, active_tools=(), tool_choice="none" if request.tools else None
        )

    def on_tool_result(self, context: HookContext, call: ToolCall, result: ToolResult) -> None:
        """Real work was done: what comes next is another answer, with all its chances."""
        if result.status == "success" and call.name != self._typed.tool_name:
            self._state(context).left = self._retries

    def on_model_turn_finished(self, context: HookContext, turn: TurnFinished) -> RetryTurn | None:
        """Refuse an answer that does not fit, as often as there are retries."""
        said = self._typed.said(turn)
        if said is None or (not said and turn.finish_reason in _CUT) or context.turn >= self._max_turns:
            return None
        problem = self._typed.read(said).problem
        if problem is None:
            return None
        state = self._state(context)
        if self._schema is not None and not state.is_closing:
            state.is_closing = True
            return RetryTurn("Now give your answer as JSON that fits the required schema.")
        if state.left <= 0:
            return None
        state.left -= 1
        return RetryTurn(self._typed.feedback(problem))

    def _state(self, context: HookContext) -> _State:
        state = context.scratchpad.get(_State)
        if state is None:
            state = _State(self._retries)
            context.scratchpad.insert(state)
        return state


class _State:
    """Of one run: the retries left, and whether the withheld schema is sent now."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.is_closing = False


def _asking(
    typed: TypedOutput, settings: AgentSettings, *, deferred: bool, has_tools: bool, forced: bool
) -> AgentSettings:
    """The settings that ask for the type, and for nothing else."""
    settings = replace(settings, output_schema=None, output_tool=None)
    if typed.mode == "native":
        return settings if deferred else replace(settings, output_schema=typed.schema)
    if typed.mode == "tool":
        tool = ToolDefinition(typed.tool_name, "Give the final answer with this tool.", typed.type.schema)
        choice = settings.tool_choice
        if isinstance(choice, SpecificTools):
            choice = SpecificTools((*choice.names, typed.tool_name))
        elif forced and not has_tools:
            choice = "required"
        return replace(settings, output_tool=tool, tool_choice=choice)
    schema = msgspec.json.encode(typed.type.schema).decode()
    words = f"Answer with JSON only, no other words, that fits this JSON Schema:\n{schema}"
    preamble = f"{settings.preamble}\n\n{words}" if settings.preamble else words
    return replace(settings, preamble=preamble)


def _stand_beside(mode: OutputMode, model: Model) -> bool:
    """Whether tools that may not be called can be offered all the same, so that the cached prefix stays."""
    return mode == "prompted" or (mode == "native" and model.supports("structured_output_with_tools"))


def _reasons(settings: AgentSettings) -> bool:
    """Whether the model is told to think: Anthropic then takes no forced tool call.

    Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking (with tool use)
    """
    return settings.reasoning is not None and settings.reasoning.effort != "none"


def _free_name(taken: tuple[str, ...]) -> str:
    if _TOOL_NAME not in taken:
        return _TOOL_NAME
    return next(
        name for number in range(2, len(taken) + 3) if (name := f"{_TOOL_NAME}_{number}") not in taken
    )
