"""What a cell's key is made of."""

from __future__ import annotations

import pytest

import agentlab as al
from agentlab.experiments.plan.axes import arms_of, axes_of
from agentlab.experiments.plan.cells import CacheMode, cells_of
from agentlab.experiments.sample import Sample
from agentlab.messages import CacheOptions

SAMPLE = Sample(sample_id="q1", input="What is 1 + 1?")


def key_of(agent: al.Agent, cache: CacheMode = "natural") -> str:
    (cell,) = cells_of(arms_of(agent, axes_of({})), [SAMPLE], repeats=1, seed=0, cache=cache)
    return cell.key


@pytest.fixture
def agent() -> al.Agent:
    return al.Agent("sim:openai/gpt-5.2", preamble="Be terse.")


def test_agents_that_place_their_cache_markers_otherwise_are_other_cells(agent: al.Agent) -> None:
    marked = agent.with_(cache=CacheOptions(breakpoints=("preamble",)))
    assert key_of(marked) != key_of(agent.with_(cache=CacheOptions(breakpoints=("last",)))) != key_of(agent)


def test_a_cache_prepared_otherwise_makes_other_cells_of_one_agent(agent: al.Agent) -> None:
    marked = agent.with_(cache=CacheOptions(breakpoints=("preamble",)))
    assert key_of(marked, "natural") != key_of(marked, "warm")
