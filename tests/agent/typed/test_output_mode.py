"""Which mode is chosen, and the reason it gives."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.agent.settings import AgentSettings
from agentlab.agent.typed.typed_output import TypedOutput
from agentlab.errors import UsageError
from agentlab.messages import ReasoningOptions, SpecificTools
from agentlab.tools import Toolset
from tests.agent.bench import add
from tests.agent.in_process import Capable

ALONE = "structured_output_with_tools"
TOOLS = Toolset([add])


def typed(*lacks: str, mode: Any = "auto", **settings: Any) -> TypedOutput:
    return TypedOutput(int, mode, Capable(*lacks), AgentSettings(**settings))


@pytest.mark.parametrize(
    ("lacks", "settings", "mode", "reason"),
    [
        ((), {}, "native", "vendor:model holds its answer to a schema"),
        (
            (),
            {"tools": TOOLS},
            "native",
            "vendor:model holds its answer to a schema, also while it is offered tools",
        ),
        ((ALONE,), {"tools": TOOLS}, "tool", "vendor:model calls no tools while it is held to a schema"),
        ((ALONE,), {}, "native", "vendor:model holds its answer to a schema"),
        (
            (ALONE,),
            {"tools": TOOLS, "tool_choice": "none"},
            "native",
            "vendor:model holds its answer to a schema",
        ),
        (
            (ALONE,),
            {"tools": TOOLS, "tool_choice": SpecificTools(("add",))},
            "native",
            "vendor:model is held to the schema in a call of its own, for its tools are chosen by name",
        ),
        (
            (),
            {"tools": TOOLS, "tool_choice": "required"},
            "tool",
            "every turn must call a tool, so the answer has to be a call too",
        ),
        (("structured_output",), {}, "tool", "vendor:model is not held to a schema, but calls tools"),
        (
            ("structured_output", "tools"),
            {},
            "prompted",
            "vendor:model is neither held to a schema nor free to call a tool of ours",
        ),
        (
            ("structured_output",),
            {"tools": TOOLS, "tool_choice": SpecificTools(("add",))},
            "prompted",
            "vendor:model is neither held to a schema nor free to call a tool of ours",
        ),
    ],
)
def test_the_automatic_choice_and_its_reason(
    lacks: tuple[str, ...], settings: dict[str, Any], mode: str, reason: str
) -> None:
    output = typed(*lacks, **settings)
    assert (output.mode, output.reason) == (mode, reason)
    assert mode in repr(output)


def test_a_mode_that_was_asked_for_is_taken_and_says_so() -> None:
    for mode in ("native", "tool", "prompted"):
        assert (typed(mode=mode).mode, typed(mode=mode).reason) == (mode, "it was asked for")
    with pytest.raises(UsageError, match="`mode` is `auto`, `native`, `tool` or `prompted`, not 'json'"):
        typed(mode="json")


def test_a_lone_output_tool_is_forced_where_the_model_can_be_and_does_not_think() -> None:
    assert typed(mode="tool").settings.tool_choice == "required"
    assert typed("tool_choice_required", mode="tool").settings.tool_choice is None
    thinking = ReasoningOptions(effort="low")
    assert typed(mode="tool", reasoning=thinking).settings.tool_choice is None
    assert typed(mode="tool", tools=TOOLS).settings.tool_choice is None


def test_tools_chosen_by_name_leave_room_for_the_answer() -> None:
    output = typed(mode="tool", tools=TOOLS, tool_choice=SpecificTools(("add",)))
    assert output.settings.tool_choice == SpecificTools(("add", "final_result"))


def test_tools_that_may_not_be_called_stand_back_where_they_would_be_in_the_way() -> None:
    forbidden: dict[str, Any] = {"tools": TOOLS, "tool_choice": "none"}
    assert typed(**forbidden).settings.tools.names == ("add",)
    assert typed(ALONE, **forbidden).settings.tools.names == ()
    tool = typed(mode="tool", **forbidden).settings
    assert (tool.tools.names, tool.tool_choice) == ((), "required")
