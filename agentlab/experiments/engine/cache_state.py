"""How a run's cache is prepared: a salt that makes a prefix new, and the call that primes it.

A cache can only be compared from a known state. A controlled run sends a prefix that no run before it can have sent,
because a salt stands in its first block; the prefix is sent once, waited for until it can be read, and then used.
Every arm gets a salt of the same length in the same place, so arms differ in nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, structs

from agentlab.agent.agent import Agent
from agentlab.caching.blocks.chain import chain
from agentlab.caching.blocks.splitting import blocks_of
from agentlab.caching.orderings.arrangement import arrange
from agentlab.experiments.priming import PRIME_PROMPT
from agentlab.messages import ToolDefinition
from agentlab.tools import Tool, ToolContext, Toolset

__all__ = ["ArmPrefix", "SaltedTool", "prefix_of", "primer", "salt_for", "salted"]

_PRIME_TOKENS: Final = 16  # the fewest that every provider accepts
_SHARED: Final = frozenset({"settings", "tools", "preamble", "documents", "few_shots"})
_SALT_LENGTH: Final = 12


class ArmPrefix(Struct, frozen=True):
    """What every request of an arm begins with.

    Attributes:
        hash: Chain hash of its last block; empty where nothing is shared.
        tokens: About how long it is.
    """

    hash: str
    tokens: int


class SaltedTool:
    """A tool with a reference behind its description, and the same behaviour."""

    def __init__(self, tool: Tool, tag: str) -> None:
        self._tool = tool
        definition = tool.definition
        self._definition = structs.replace(definition, description=f"{definition.description}\n{tag}".strip())

    @property
    def definition(self) -> ToolDefinition:
        """The tool as the model sees it."""
        return self._definition

    @property
    def timeout_s(self) -> float | None:
        """As the tool has it."""
        return self._tool.timeout_s

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Call the tool."""
        return await self._tool.call(arguments, context)


def salt_for(*names: object) -> str:
    """A salt that is the same for the same names, and of one length for all."""
    return hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()[:_SALT_LENGTH]


def salted(agent: Agent, salt: str) -> Agent:
    """The agent with a salt in the first block of its prompt: its first tool, else its preamble.

    Providers render tools before the system prompt, and a cached prefix ends at the first block that differs.
    """
    tag = f"[ref {salt}]"
    tools = tuple(agent.tools)
    if tools:
        return agent.with_(tools=Toolset((SaltedTool(tools[0], tag), *tools[1:])))
    preamble = agent.settings.preamble
    return agent.with_(preamble=f"{tag}\n{preamble}" if preamble else tag)


def primer(agent: Agent) -> Agent:
    """The agent that sends the same prefix and asks for next to nothing.

    Hooks are left out: they would see a call that is no part of the experiment.
    """
    return agent.with_(max_tokens=_PRIME_TOKENS, max_turns=1, hooks=(), output_schema=None)


def prefix_of(agent: Agent) -> ArmPrefix:
    """What all requests of an agent begin with: everything before its history, in its ordering."""
    request = arrange(agent.completion(PRIME_PROMPT))
    blocks = blocks_of(request)
    count = 0
    for block in blocks:
        if block.part not in _SHARED:
            break
        count += 1
    links = chain(blocks[:count])
    return ArmPrefix(links[-1] if links else "", sum(block.tokens for block in blocks[:count]))
