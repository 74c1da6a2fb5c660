"""The cells of a plan: every arm on every sample, as often as it is repeated, each with the key it is stored under."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Final, Literal

from msgspec import structs

from agentlab.experiments.fingerprint import agent_parts
from agentlab.experiments.plan.axes import Arm
from agentlab.experiments.rows import RunRow
from agentlab.experiments.sample import Sample
from agentlab.experiments.store.cell_key import CellKey, KeyPart

__all__ = ["CacheMode", "Cell", "cells_of"]

CacheMode = Literal["natural", "warm", "controlled", "off"]

_KEY_VERSION: Final = "1"


@dataclass(frozen=True)
class Cell:
    """One arm on one sample, once.

    Attributes:
        arm: The arm.
        sample: The sample.
        repeat: Which repeat, from 0.
        seed: Seed of the cell, the same for all arms of a sample and repeat.
        prompt: What the agent is asked.
        cell_key: What determines the answer, part by part.
        agent_hash: Hash of the agent, without its model.
    """

    arm: Arm
    sample: Sample
    repeat: int
    seed: int
    prompt: str
    cell_key: CellKey
    agent_hash: str

    @cached_property
    def key(self) -> str:
        """What the run is stored under."""
        return self.cell_key.digest

    def as_named(self, row: RunRow, scorers: Collection[str] | None = None) -> RunRow:
        """A stored row under this plan's names: another sweep may have called the same cell otherwise.

        Args:
            row: The row.
            scorers: Names of the scorers whose scores are kept; all where None.
        """
        sample = self.sample
        return structs.replace(
            row,
            levels=dict(self.arm.levels),
            sample_id=sample.sample_id,
            cluster_id=sample.cluster_id,
            target=sample.target,
            scores=tuple(score for score in row.scores if scorers is None or score.scorer in scorers),
        )


def cells_of(
    arms: Sequence[Arm], samples: Sequence[Sample], *, repeats: int, seed: int, cache: CacheMode
) -> tuple[Cell, ...]:
    """Every cell: repeats, then samples, then arms, so that arms stand side by side.

    The key holds what determines the answer: agent, prompt, repeat, how the cache is prepared. Not the labels, which
    are names, and not the target, which decides only the score.
    Samples that are asked the same are runs of their own: the second one is the first one's twin.
    """
    described = [_described(arm, cache) for arm in arms]
    found = []
    for repeat in range(repeats):
        which = KeyPart.of(repeat, "repeat")
        twins: Counter[tuple[int, str]] = Counter()
        for sample in samples:
            drawn = Random(f"{seed}/{sample.sample_id}/{repeat}").getrandbits(31)
            for number, (arm, (parts, agent_hash)) in enumerate(zip(arms, described, strict=True)):
                prompt = arm.template.fill(sample)
                made = {**parts, "prompt": prompt, "repeat": which}
                if twins[number, prompt]:
                    made["twin"] = twins[number, prompt]
                twins[number, prompt] += 1
                key = CellKey.of(made)
                found.append(Cell(arm, sample, repeat, drawn, prompt, key, agent_hash))
    return tuple(found)


def _described(arm: Arm, cache: CacheMode) -> tuple[dict[str, KeyPart], str]:
    """The parts that all cells of an arm share, and the hash of its agent."""
    parts = agent_parts(arm.agent)
    agent = {name: text for name, text in parts.items() if name not in {"model", "base_url"}}
    all_parts = {**parts, "cache_mode": cache, "key_version": _KEY_VERSION}  # `cache` is the agent's
    hashed = {name: KeyPart.of(text, name) for name, text in all_parts.items()}
    return hashed, hashlib.sha256(json.dumps(agent, sort_keys=True).encode()).hexdigest()[:16]
