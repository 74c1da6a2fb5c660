"""Answers of a type: how the shape is asked for, and how the answer is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from agentlab.agent.output_schema import enforceable
from agentlab.agent.run import Run
from agentlab.agent.settings import AgentSettings
from agentlab.errors import OutputInvalid, UsageError
from agentlab.messages import ToolDefinition
from agentlab.models import Model

__all__ = ["OutputMode", "TypedOutput"]

OutputMode = Literal["native", "tool", "prompted"]
_TOOL_NAME: Final = "final_result"
_WRAPPED: Final = "result"


class TypedOutput:
    """One type asked of one agent.

    Providers want an object at the top, so any other type is wrapped in one with the single key `result`.

    Args:
        output: The type.
        mode: How the shape is enforced, or `auto`.
        model: The model.
        settings: The agent.
    """

    def __init__(
        self, output: Any, mode: OutputMode | Literal["auto"], model: Model, settings: AgentSettings
    ) -> None:
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(output)
            schema = self._adapter.json_schema()
        except PydanticUserError as error:
            raise UsageError(f"{output!r} has no JSON schema: {error}") from None
        self._wrapped = schema.get("type") != "object" and "$ref" not in schema
        self._schema = _wrap(schema) if self._wrapped else schema
        self._name = getattr(output, "__name__", "response_schema")
        self.mode: OutputMode = self._resolved(model, settings) if mode == "auto" else mode
        self._forces = model.supports("tool_choice_required")
        self.settings = self._applied(settings)

    def read(self, text: str) -> tuple[Any, str | None]:
        """The value, or what is wrong with the text."""
        try:
            if self._wrapped:
                wrapper: dict[str, Any] = TypeAdapter(dict[str, Any]).validate_json(_bare_json(text))
                return self._adapter.validate_python(wrapper.get(_WRAPPED)), None
            return self._adapter.validate_json(_bare_json(text)), None
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in error.errors(include_url=False)[:5]
            ]
            return None, "; ".join(problem.removeprefix(": ") for problem in problems)

    def feedback(self, problem: str) -> str:
        """What the model is told of an answer that does not fit."""
        how = f"Call the tool `{self._tool_name}`" if self.mode == "tool" else "Answer with JSON only,"
        return f"Your answer does not fit the required schema: {problem}. {how} with all required fields."

    def error(self, problem: str, run: Run) -> OutputInvalid:
        """The error for an answer that still does not fit."""
        return OutputInvalid(f"the answer is no `{self._name}`: {problem}", history=run.all_messages)

    def _resolved(self, model: Model, settings: AgentSettings) -> OutputMode:
        composes = not len(settings.tools) or model.supports("structured_output_with_tools")
        if model.supports("structured_output") and composes:
            return "native"
        free = settings.tool_choice in {None, "auto", "required"}
        return "tool" if model.supports("tools") and free else "prompted"

    def _applied(self, settings: AgentSettings) -> AgentSettings:
        if self.mode == "native":
            return replace(settings, output_schema=enforceable(self._schema, self._name))
        if self.mode == "tool":
            self._tool_name = _free_name(settings.tools.names)
            tool = ToolDefinition(self._tool_name, "Give the final answer with this tool.", self._schema)
            forced = self._forces and not len(settings.tools)
            choice = "required" if forced else settings.tool_choice
            return replace(settings, output_tool=tool, tool_choice=choice)
        words = (
            f"Answer with JSON only, no other words, that fits this JSON Schema:\n{_compact(self._schema)}"
        )
        preamble = f"{settings.preamble}\n\n{words}" if settings.preamble else words
        return replace(settings, preamble=preamble)


def _wrap(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = {"$defs": schema.pop("$defs")} if "$defs" in schema else {}
    return {
        "type": "object",
        "properties": {_WRAPPED: schema},
        "required": [_WRAPPED],
        "additionalProperties": False,
        **definitions,
    }


def _free_name(taken: tuple[str, ...]) -> str:
    if _TOOL_NAME not in taken:
        return _TOOL_NAME
    return next(
        name for number in range(2, len(taken) + 3) if (name := f"{_TOOL_NAME}_{number}") not in taken
    )


def _compact(schema: dict[str, Any]) -> str:
    return TypeAdapter(dict[str, Any]).dump_json(schema).decode()


def _bare_json(text: str) -> str:
    """The text without a Markdown fence around it."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```"):
        return stripped[3:-3].removeprefix("json").strip()
    return stripped
