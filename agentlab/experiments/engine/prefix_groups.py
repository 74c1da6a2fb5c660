"""What cells that share a prefix do for each other: the first one warms the cache, the others wait for it.

In a natural run the first cell of a group leads: the others start at the first token of its answer, from when providers
let a prefix be read. In a warm or controlled run nobody leads: a call of its own primes the prefix, is repeated until
it is read from the cache, and made again when the prefix was not used for most of its lifetime.

Providers give no promise: OpenAI's writes were seen to take half a minute to become readable. A prefix that does not
become readable is used all the same, and its rows say so (`cache_contaminated`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from msgspec import structs

from agentlab.agent.agent import Agent
from agentlab.agent.frames import provider_and_model
from agentlab.agent.run import Run
from agentlab.caching.profiles.registry import profile_for
from agentlab.errors import ModelError, RunError, RunStopped
from agentlab.experiments.engine.cache_state import ArmPrefix, primer, salt_for, salted
from agentlab.experiments.engine.run_row import Circumstances
from agentlab.experiments.engine.schedule import PlannedCell
from agentlab.experiments.plan.cells import CacheMode
from agentlab.experiments.priming import PRIME_PROMPTS, idle_limit_s
from agentlab.http import Clock
from agentlab.messages import Usage
from agentlab.models import Model

__all__ = ["Member", "Metered", "PrefixGroups"]

_READABLE: Final = 0.8
"""Share of a prefix that must be read for it to count as warm; a read above nothing is no proof."""

_WAITS_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Between the calls that look whether a prefix can be read: half a minute in all."""

_STATES: Final[Mapping[CacheMode, str]] = {"controlled": "primed", "warm": "warm", "natural": "natural"}


class Metered(Protocol):
    """Gives a model whose calls wait for a slot and for money."""

    def model(self, inner: Model) -> Model:
        """The metered model."""
        ...


@dataclass
class _Group:
    """One shared prefix."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    priming: asyncio.Lock = field(default_factory=asyncio.Lock)
    used_at: float | None = None
    readable: bool = True


@dataclass(frozen=True)
class Member:
    """A cell about to run, its cache prepared.

    Attributes:
        agent: The arm's agent, salted where the mode asks for it.
        state: How the cache was prepared.
        readable: Whether the prepared prefix was read back.
        since_prefix_s: Seconds since the prefix was last sent; None for the first.
        opened: To be called when the answer begins.
    """

    agent: Agent
    state: str
    readable: bool
    since_prefix_s: float | None
    opened: Callable[[], None]

    def circumstances(self, shared: Circumstances, attempt: int) -> Circumstances:
        """What is known of the run before it begins."""
        return structs.replace(
            shared,
            attempt=attempt,
            cache_state=self.state,
            cache_contaminated=not self.readable,
            since_prefix_s=self.since_prefix_s,
        )


class PrefixGroups:
    """The groups of one execution.

    Args:
        cache: How caches are prepared.
        execution_id: Names the execution; salts come from it, so that no two executions share a prefix.
        prefixes: By `id` of the arm, what its requests begin with.
        clock: Time.
        on_prime: Told of every call that only prepares; they cost money too.
    """

    def __init__(
        self,
        cache: CacheMode,
        execution_id: str,
        prefixes: Mapping[int, ArmPrefix],
        clock: Clock,
        on_prime: Callable[[Run], None] = lambda _: None,
    ) -> None:
        self._cache = cache
        self._execution_id = execution_id
        self._prefixes = prefixes
        self._clock = clock
        self._on_prime = on_prime
        self._groups: dict[str, _Group] = {}

    @asynccontextmanager
    async def member(self, planned: PlannedCell, metering: Metered) -> AsyncIterator[Member]:
        """Prepare the cache for a cell, and hold it back until its group is warm."""
        cell = planned.cell
        agent, prefix = cell.arm.agent, self._prefixes[id(cell.arm)]
        if self._cache == "off" or (planned.group is None and self._cache == "controlled"):
            agent = salted(agent, salt_for(self._execution_id, cell.key))
            yield Member(agent, "cold", readable=True, since_prefix_s=None, opened=_nothing)
            return
        if planned.group is None:
            yield Member(agent, "natural", readable=True, since_prefix_s=None, opened=_nothing)
            return
        group = self._groups.setdefault(planned.group, _Group())
        state = _STATES[self._cache]
        if self._cache == "controlled":
            agent = salted(agent, salt_for(self._execution_id, planned.group))
        if state != "natural":
            await self._prime(group, agent, metering, prefix)
        elif not planned.leads:
            await group.opened.wait()
        now = self._clock.monotonic()
        since, group.used_at = (None if group.used_at is None else now - group.used_at), now
        try:
            yield Member(agent, state, group.readable, since, group.opened.set)
        finally:
            group.opened.set()  # also where the leader failed: the next one warms the cache

    async def _prime(self, group: _Group, agent: Agent, metering: Metered, prefix: ArmPrefix) -> None:
        """Send the prefix, and again until it is read back; at once where that was done a short time ago."""
        profile = profile_for(*provider_and_model(agent.model.name))
        cache = agent.settings.cache
        async with group.priming:
            idle = math.inf if group.used_at is None else self._clock.monotonic() - group.used_at
            if idle < idle_limit_s(profile, cache.ttl if cache is not None else None):
                return
            agent = primer(agent)
            agent = agent.with_(model=metering.model(agent.model))
            waits = (*[0.0] * (prefix.primes + 1), *_WAITS_S)
            for number, wait in enumerate(waits):
                await self._clock.sleep(wait)
                usage = await self._sent(agent, PRIME_PROMPTS[number % len(PRIME_PROMPTS)])
                read = usage.cache_read_tokens
                group.used_at = self._clock.monotonic()
                group.readable = number >= prefix.primes and (read or 0) >= _READABLE * prefix.readable
                if group.readable or (number >= prefix.primes and usage.input_tokens and read is None):
                    return  # read back, or a provider that does not say

    async def _sent(self, agent: Agent, prompt: str) -> Usage:
        """Send the prefix once. A call that fails has primed nothing; the rows then say so.

        Raises:
            RunStopped: There was no money for it, or no request is wanted any more.
        """
        stream = agent.stream_prompt(prompt)
        try:
            async for _ in stream:
                pass
        except RunStopped:
            raise
        except (ModelError, RunError):
            pass  # an answer cut at its few tokens, or that calls a tool, has sent the prefix too
        finally:
            await stream.aclose()
            self._on_prime(stream.run)
        return stream.run.usage


def _nothing() -> None:
    """Nobody waits."""
