"""Agents that ask each other at one simulated provider: who speaks is told by the preamble."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentlab.agent import Agent
from agentlab.simulator import Function, SimRequest, Turn, call, reply
from tests.agent.bench import Bench, results_of

__all__ = ["asks", "cast", "one_of"]

Says = Callable[[SimRequest], Turn]


def cast(bench: Bench, **speakers: Says) -> None:
    """Let the provider answer each request as the one whose name its preamble begins with."""

    def say(request: SimRequest) -> Turn:
        who = (request.preamble or "").split(maxsplit=1)[0]
        return speakers[who](request)

    bench.sim.behaviour = Function(say)


def one_of(bench: Bench, who: str, *, vendor: str = "openai", **options: Any) -> Agent:
    """The agent a speaker stands for."""
    return Agent(bench.model(vendor), name=who, preamble=f"{who} is an agent.", **options)


def asks(tool: str, arguments: Mapping[str, Any], *, then: str = "so it is: ") -> Says:
    """A speaker that calls a tool once and then tells what it got."""

    def say(request: SimRequest) -> Turn:
        results = results_of([request.messages[-1]])
        if results:
            return reply(then + "; ".join(result.text for result in results))
        return reply("Let me ask.", calls=[call(tool, **arguments)])

    return say
