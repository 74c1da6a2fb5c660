"""Models at a simulator, datasets and agents that the tests of sweeps share."""

from __future__ import annotations

from typing import Any

from agentlab.messages import CacheOptions
from agentlab.models import WireModel, model
from agentlab.simulator import Simulator

__all__ = ["GUIDE", "MARKED", "at", "questions"]

GUIDE = "\n".join(
    f"Rule {number}: the town of number {number} has {number * 7} houses and {number % 9} bridges, and is old."
    for number in range(72)
)
"""A system prompt that every provider is willing to cache."""

MARKED = CacheOptions(breakpoints=("preamble",))
"""A marker behind the system prompt, for providers that cache only what is marked."""


def at(sim: Simulator, name: str, **options: Any) -> WireModel:
    """A model whose requests go to a simulator."""
    return model(name, api_key=sim.token, base_url=sim.base_url(name.partition(":")[0]), **options)


def questions(count: int) -> list[dict[str, Any]]:
    """Sums, in clusters of two."""
    return [
        {
            "sample_id": f"q{number}",
            "cluster_id": f"c{number // 2}",
            "input": f"What is {number} + 1?",
            "target": str(number + 1),
        }
        for number in range(count)
    ]
