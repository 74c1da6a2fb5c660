"""Sweeps that the tests of executors share."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentlab.agent.agent import Agent
from agentlab.experiments.results import Results
from agentlab.experiments.scoring import contains
from agentlab.experiments.sweep import sweep
from agentlab.experiments.sweep_plan import Plan
from agentlab.models import model
from agentlab.simulator import SimRequest, Simulator
from agentlab.simulator.behaviours import Behaviour
from tests.experiments.simulated import questions

__all__ = ["AtRequest", "agent_at", "asked", "plan_on", "said"]


class AtRequest:
    """A simulator's behaviour that does something when the n-th request comes, once.

    Args:
        behaviour: What answers.
        number: Which request.
        act: What is done; in the simulator's thread.
    """

    def __init__(self, behaviour: Behaviour, number: int, act: Callable[[], None]) -> None:
        self.come = threading.Event()
        self._behaviour = behaviour
        self._left = number
        self._act = act

    def __call__(self, request: SimRequest) -> Any:
        self._left -= 1
        if self._left == 0:
            self._act()
            self.come.set()
        return self._behaviour(request)


def agent_at(sim: Simulator, name: str = "openai:gpt-5.6", **options: Any) -> Agent:
    """An agent whose key is where workers find it."""
    return Agent(model(name, base_url=sim.base_url(name.partition(":")[0])), **options)


def plan_on(executor: Any, sim: Simulator, store: Path, count: int, **options: Any) -> Plan:
    """A sweep of two arms over so many questions."""
    base = options.pop("base", None) or agent_at(sim, max_tokens=60)
    return sweep(
        base,
        over={"preamble": options.pop("preambles", {"terse": "Be terse.", "chatty": "Be chatty."})},
        data=questions(count),
        score=options.pop("score", contains("target")),
        store=store,
        executor=executor,
        progress=False,
        **options,
    )


def asked(sim: Simulator) -> Counter[tuple[str, str]]:
    """How often each arm asked each question."""
    sim.requests.wait_idle()
    found: Counter[tuple[str, str]] = Counter()
    for entry in sim.requests:
        text = str(entry.json)
        found[text.partition("What is ")[2].partition(" +")[0], "terse" if "terse" in text else "chatty"] += 1
    return found


def said(results: Results) -> list[tuple[Any, ...]]:
    """What of the rows must be the same wherever they were made."""
    return [
        (
            row.cell_key,
            tuple(row.levels.items()),
            row.sample_id,
            row.status,
            row.output,
            row.n_tool_calls,
            [(turn.input_tokens, turn.output_tokens, turn.cost_usd) for turn in row.turns],
            [(score.scorer, score.value, score.error) for score in row.scores],
            row.cache_state,
            row.attempt,
        )
        for row in results.rows
    ]
