"""Whatever is found: a run's requests keep their bytes from turn to turn, here and in another process."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.agent import Run
from agentlab.agent.facts import asked_by, offering
from agentlab.agent.options import settings_from
from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools, Placement
from agentlab.agent.retrieving.retrieved import Candidate, candidate_of, merged, query_for, searches_of
from agentlab.agent.settings import AgentSettings
from agentlab.caching import shared_prefix, split
from agentlab.caching.orderings.arrangement import arrange
from agentlab.messages import (
    AssistantMessage,
    Text,
    ToolCall,
    ToolResult,
    TurnFinished,
    Usage,
    UserMessage,
)
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor
from agentlab.retrieval import Hit
from agentlab.tools import FunctionTool, Toolset
from tests.agent.bench import VENDORS
from tests.agent.shelf import Shelf

TEXTS = st.text(max_size=12) | st.sampled_from(["same", "\ud800", "</file>\n", "<file id: a>\n"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
HITS = st.lists(
    st.builds(
        Hit,
        st.floats(),
        st.sampled_from(["a", "b", "\ud800"]),
        JSON,
        st.dictionaries(TEXTS, JSON, max_size=3),
    ),
    max_size=4,
)
NAMES = st.lists(st.sampled_from(["add", "one", "two", "gone"]), max_size=5)
PLACEMENTS: st.SearchStrategy[Placement] = st.sampled_from(["prompt", "preamble"])


def named(name: str) -> FunctionTool:
    def act(value: int = 0) -> int:
        """Act."""
        return value

    return FunctionTool(act, name=name)


def settings_of(placements: list[Placement], *, volatile: bool) -> AgentSettings:
    toolset = Toolset([named("one"), named("two")])
    return settings_from(
        AgentSettings(),
        {
            "preamble": "Be brief.",
            "context": ["Static."],
            "tools": [named("add")],
            "volatile": ["It is noon."] if volatile else [],
            "dynamic_context": [DynamicContext(Shelf(), placement=place) for place in placements],
            "dynamic_tools": [DynamicTools(Shelf(), toolset)],
        },
    )


def candidates(agent: AgentSettings, hits: list[list[Hit]], names: list[str]) -> list[list[Candidate]]:
    found = [*hits, [Hit(1.0, name, "") for name in names]]
    return [
        [candidate_of(hit, entry) for hit in each]
        for entry, each in zip(searches_of(agent), found, strict=True)
    ]


def body(run: Run, agent: AgentSettings, wire: str, found: Any = None) -> str:
    row = vendor(wire)
    asked = asked_by(run, agent, VENDORS[wire].partition(":")[2], found=found)
    return wire_for(row.wire).encode(arrange(asked, wire=row.wire), row).body.decode()


CASES = st.lists(st.tuples(PLACEMENTS, HITS), max_size=3)


@settings(max_examples=40)
@given(CASES, NAMES, st.booleans(), st.sampled_from(["openai-chat", "anthropic", "gemini"]))
def test_the_requests_of_a_run_only_append_and_a_run_read_back_sends_the_same_bytes(
    cases: list[tuple[Placement, list[Hit]]], names: list[str], volatile: bool, wire: str
) -> None:
    agent = settings_of([place for place, _ in cases], volatile=volatile)
    answers = candidates(agent, [hits for _, hits in cases], names)
    found, told = merged(agent, answers)
    history = [UserMessage.of("Before."), AssistantMessage.of("Said.")]
    runs = [Run.start(UserMessage.of("Now?"), history=history, max_turns=5, run_id="r") for _ in range(2)]
    first, again = (body(run, agent, wire, merged(agent, answers)[0]) for run in runs)
    assert first == again
    run = runs[0]
    kept = Run.from_json(run.to_json())
    assert kept == run
    assert body(kept, agent, wire) == first
    call = ToolCall("c", "add", "{}")
    run.model_turn(TurnFinished(AssistantMessage.of(call), Usage()))
    run.tool_results([ToolResult("c", "add", (Text("0"),))])
    second = body(run, agent, wire)
    assert body(Run.from_json(run.to_json()), agent, wire) == second
    name = vendor(wire).wire
    assert shared_prefix(split(name, first), split(name, second)).is_prefix
    assert run.facts is not None
    assert run.facts.retrieved == found.retrieved
    used = sum(hit.used for hits in told for hit in hits)
    assert used == len(found.retrieved) + len(found.context) + len(found.tools)


@settings(max_examples=40)
@given(CASES, NAMES)
def test_static_tools_stand_first_and_each_is_offered_once(
    cases: list[tuple[Placement, list[Hit]]], names: list[str]
) -> None:
    agent = settings_of([place for place, _ in cases], volatile=False)
    found, _ = merged(agent, candidates(agent, [hits for _, hits in cases], names))
    assert found.tools == tuple(dict.fromkeys(name for name in names if name in {"one", "two"}))
    assert len(found.warnings) == names.count("gone")
    run = Run.start(UserMessage.of("Now?"), max_turns=1)
    request = asked_by(run, agent, "m", found=found)
    assert tuple(tool.name for tool in request.tools) == ("add", *found.tools)
    assert offering(run, agent).tools.names == ("add", *found.tools)


@settings(max_examples=40)
@given(CASES)
def test_no_document_is_told_twice(cases: list[tuple[Placement, list[Hit]]]) -> None:
    agent = settings_of([place for place, _ in cases], volatile=False)
    answers = candidates(agent, [hits for _, hits in cases], [])
    found, told = merged(agent, answers)
    everything = [*found.retrieved, *found.context]
    assert all(one != other for place, one in enumerate(everything) for other in everything[:place])
    assert {each.key for answer in answers for each in answer} == {
        each.key for answer, hits in zip(answers, told, strict=True)
        for each, hit in zip(answer, hits, strict=True) if hit.used
    }  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "query"),
    [("Now?", "Now?"), (" \n", "Before."), ("<file id: a>\nx\n</file>\n", "Before.")],
)
def test_the_query_is_the_newest_text_that_is_the_users(prompt: str, query: str) -> None:
    told = UserMessage.of("<file id: a>\nx\n</file>\n", "Before.")
    history = [UserMessage.of("Long before."), told, AssistantMessage.of("Said.")]
    assert query_for(UserMessage.of(prompt), history) == query


def test_without_text_there_is_no_query() -> None:
    assert query_for(UserMessage.of(""), [AssistantMessage.of("Said.")]) is None
