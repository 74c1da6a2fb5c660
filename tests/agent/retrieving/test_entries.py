"""What an agent may retrieve, as a user writes it."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools
from agentlab.errors import UsageError
from agentlab.tools import Toolset, tool
from tests.agent.bench import add
from tests.agent.shelf import Shelf


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@tool
def search_flights(origin: str) -> str:
    """Find flights that leave an airport."""
    return f"none from {origin}"


LARGE = Toolset([weather, search_flights])


def test_an_entry_is_written_in_several_ways() -> None:
    shelf = Shelf()
    plain = Agent("sim:openai/gpt-5.6")
    for given in (
        shelf,
        [shelf],
        (4, shelf),
        [(4, shelf)],
        DynamicContext(shelf),
        [DynamicContext(shelf, 4)],
    ):
        assert plain.with_(dynamic_context=given).settings.dynamic_context == (DynamicContext(shelf, 4),)
    for tools in (DynamicTools(shelf, LARGE), (4, shelf, LARGE), [(4, shelf, LARGE)]):
        assert plain.with_(dynamic_tools=tools).settings.dynamic_tools == (DynamicTools(shelf, LARGE, 4),)
    for few in (LARGE, [LARGE], (4, LARGE), [DynamicTools.lexical([weather, search_flights])]):
        [entry] = plain.with_(dynamic_tools=few).settings.dynamic_tools
        assert (entry.n, entry.toolset.names, entry.name) == (4, LARGE.names, "tools")
    assert plain.with_(dynamic_tools=LARGE, tools=[add]).settings.tool_names == ("add", *LARGE.names)
    assert plain.with_(dynamic_context=shelf).with_(dynamic_context=()).settings.dynamic_context == ()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dynamic_context": "index"}, "takes a list of entries"),
        ({"dynamic_context": [5]}, r"takes `DynamicContext\(index, n\)`"),
        ({"dynamic_context": [(2, "index")]}, "takes an index, an object with `top_n`"),
        ({"dynamic_context": [(0, Shelf())]}, "n is 0; take 1 or more"),
        ({"dynamic_context": [(True, Shelf())]}, "n is True"),
        ({"dynamic_tools": [weather]}, r"takes `DynamicTools\(index, toolset, n\)`"),
        ({"dynamic_tools": [(2, Shelf(), [weather])]}, "takes a `Toolset`"),
    ],
)
def test_an_entry_that_is_none_says_what_one_is(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Agent("sim:openai/gpt-5.6", **options)


def test_an_option_that_no_entry_can_have_is_refused() -> None:
    with pytest.raises(UsageError, match="`prompt` or `preamble`"):
        DynamicContext(Shelf(), placement="end")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="above 0"):
        DynamicContext(Shelf(), timeout_s=0)


def test_an_entry_shows_itself_without_its_defaults() -> None:
    assert repr(DynamicContext(Shelf(), 2, threshold=0.5)).endswith("n=2, threshold=0.5, name='shelf')")
