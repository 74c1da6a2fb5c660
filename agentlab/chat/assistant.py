"""The agent of a chat: made of its configuration, and kept while that is unchanged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from agentlab.agent import Agent, Hook
from agentlab.agent.approving import ApprovalPolicy
from agentlab.agent.settings import Approver
from agentlab.chat.config import AgentConfig
from agentlab.chat.persona import Persona
from agentlab.http import Clock
from agentlab.messages import CacheOptions
from agentlab.models.configured import model_from_config
from agentlab.tools import ToolContext, Toolset

__all__ = ["Assistants", "cache_options"]


class Assistants:
    """Makes agents and keeps the last one: the same as long as configuration, persona and tools are the same.

    Args:
        base: An agent to begin with: its model, as long as the configuration names no other, and all its options.
        tools: The tools, in both modes alike.
        approvals: Which calls may run, and which are asked about.
        approver: Decides in place of a person.
        context: What tools are given beside their arguments.
        hooks: Asked at every step.
        clock: Time.
    """

    def __init__(
        self,
        *,
        base: Agent | None,
        tools: Toolset,
        approvals: ApprovalPolicy | None,
        approver: Approver | None,
        context: ToolContext,
        hooks: Iterable[Hook],
        clock: Clock,
    ) -> None:
        self._base = base
        self._tools = tools
        self._fixed: dict[str, Any] = {
            "tools": tools,
            "tool_context": context,
            "hooks": tuple(hooks),
            "approvals": approvals,
            "approver": approver,
        }
        self._clock = clock
        self._key: bytes = b""
        self._agent: Agent | None = None

    def agent(self, config: AgentConfig, persona: Persona) -> Agent:
        """The agent of a configuration.

        Raises:
            UsageError: The configuration names something that is not there.
            MissingKey: The model's vendor needs a key and there is none.
        """
        key = msgspec.json.encode((config, persona))
        if self._agent is None or key != self._key:
            self._agent, self._key = self._made(config, persona), key
        return self._agent

    def _made(self, config: AgentConfig, persona: Persona) -> Agent:
        told = {
            "name": persona.name,
            "description": persona.description or None,
            "preamble": persona.preamble or None,
            **self._fixed,
        }
        cache = cache_options(config, persona, self._tools.names)
        base = self._base
        if base is not None and base.model.name == config.model:
            return base.with_(cache=base.settings.cache or cache, **told)
        model = model_from_config(config.model_config, clock=self._clock)
        if base is not None:
            return base.with_(model=model, cache=base.settings.cache or cache, **told)
        return Agent(
            model,
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            reasoning=config.reasoning,
            max_turns=config.max_turns,
            cache=cache,
            clock=self._clock,
            **told,
        )


def cache_options(config: AgentConfig, persona: Persona, tools: Sequence[str]) -> CacheOptions:
    """Where a provider should cache: behind the preamble and behind the newest message, on one machine.

    All sessions of one persona share a key, so that they share what is cached of its preamble and tools. Each field is used
    where the wire has a place for it.
    """
    if config.cache is not None:
        return config.cache
    what = msgspec.json.encode((persona.preamble, tuple(tools)))
    return CacheOptions(
        breakpoints=("preamble", "last"), key=f"agentlab-{hashlib.sha256(what).hexdigest()[:16]}"
    )
