"""Agents that retrieve, in sweeps: what they are known by, and what a run of them is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import agentlab as al
from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools
from agentlab.agent.retrieving.retrieved import searches_of
from agentlab.experiments.batch.single_turn import check_single_turn
from agentlab.experiments.engine.cache_state import primer
from agentlab.experiments.fingerprint import agent_parts
from agentlab.retrieval.documents import Document
from agentlab.retrieval.filters import F
from agentlab.retrieval.lexical import LexicalIndex


@al.tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@al.tool(name="add")
def add_wrongly(a: int, b: int) -> int:
    """Add two integers."""
    return a + b + 1


def pages(*texts: str) -> LexicalIndex:
    """An index of these pages."""
    index = LexicalIndex()
    asyncio.run(index.insert(Document(str(number), text) for number, text in enumerate(texts)))
    return index


def agent(**options: Any) -> al.Agent:
    return al.Agent("sim:openai/gpt-5.6", **options)


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an index": ({}, {"dynamic_context": pages("a")}),
    "what is in an index": ({"dynamic_context": pages("a")}, {"dynamic_context": pages("b")}),
    "how much is retrieved": ({"dynamic_context": (1, pages("a"))}, {"dynamic_context": (2, pages("a"))}),
    "what is chosen among": (
        {"dynamic_context": DynamicContext(pages("a"), filter=F("year") > 2000)},
        {"dynamic_context": DynamicContext(pages("a"), filter=F("year") > 2001)},
    ),
    "where documents stand": (
        {"dynamic_context": pages("a")},
        {"dynamic_context": DynamicContext(pages("a"), placement="preamble")},
    ),
    "a tool that may be found": (
        {"dynamic_tools": al.Toolset([add])},
        {"dynamic_tools": al.Toolset([add_wrongly])},
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_whatever_changes_what_is_retrieved_changes_the_key(case: str) -> None:
    before, after = (agent_parts(agent(**options)) for options in CHANGES[case])
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert len(changed) == 1, changed


async def asked(entry: DynamicContext | DynamicTools) -> None:
    await entry.index.top_n("add")


def test_an_index_that_was_asked_is_known_by_the_same_key_as_before() -> None:
    made = agent(dynamic_context=pages("a"), dynamic_tools=al.Toolset([add]))
    before = agent_parts(made)
    for entry in searches_of(made.settings):
        asyncio.run(asked(entry))
    assert agent_parts(made) == before
    assert agent_parts(agent(dynamic_context=pages("a"), dynamic_tools=al.Toolset([add]))) == before


def test_an_agent_that_may_find_tools_is_no_single_turn() -> None:
    with pytest.raises(al.errors.UnsupportedCapability, match="has tools"):
        check_single_turn(agent(dynamic_tools=al.Toolset([add])))


def test_what_is_primed_is_what_all_prompts_share() -> None:
    primed = primer(agent(preamble="Be brief.", dynamic_context=pages("a"), dynamic_tools=al.Toolset([add])))
    assert (primed.settings.dynamic_context, primed.settings.dynamic_tools) == ((), ())
    assert primed.settings.preamble == "Be brief."


@pytest.mark.anyio
async def test_a_sweep_compares_where_documents_stand(tmp_path: Path) -> None:
    index = LexicalIndex()
    await index.insert([Document("a", "Refunds take five days. " * 60), Document("b", "Parcels weigh 5 kg.")])
    plan = al.sweep(
        agent(preamble="You know the handbook."),
        over={"dynamic_context": {"prompt": index, "preamble": DynamicContext(index, placement="preamble")}},
        data=[{"input": "How long do refunds take?"}],
        store=tmp_path / "store.db",
        progress=False,
    )
    results = await plan.run()
    frame = results.df
    assert list(frame["status"]) == ["ok", "ok"]
    assert frame["input_tokens"].min() > 300
