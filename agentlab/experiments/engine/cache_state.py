"""How a run's cache is prepared: a salt that makes a prefix new, and the call that primes it.

A cache can only be compared from a known state. A controlled run sends a prefix that no run before it can have sent,
because a salt stands in its first block; the prefix is sent once, waited for until it can be read, and then used.
Every arm gets a salt of the same length in the same place, so arms differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from msgspec import Struct, structs

from agentlab.agent.agent import Agent
from agentlab.agent.frames import provider_and_model
from agentlab.caching.blocks.chain import chain
from agentlab.caching.blocks.splitting import blocks_of, decoded_body, split
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.orderings.ordering import split_part
from agentlab.caching.policies.policy import Prompt
from agentlab.caching.profiles.registry import make_policy, profile_for
from agentlab.experiments.priming import PRIME_PROMPTS, prime_request, readable_tokens
from agentlab.messages import Request, TextSource, ToolDefinition
from agentlab.models.model import WireModel
from agentlab.tools import Tool, ToolContext, Toolset

__all__ = ["ArmPrefix", "SaltedTool", "prefix_of", "primer", "salt_for", "salted"]

_PRIME_TOKENS: Final = 16  # the fewest that every provider accepts
_SHARED: Final = frozenset({"settings", "tools", "preamble", "documents", "few_shots"})
_WORDS: Final = tuple(
    [
        "time",
        "year",
        "work",
        "part",
        "life",
        "hand",
        "week",
        "case",
        "home",
        "room",
        "line",
        "side",
        "head",
        "face",
        "door",
        "book",
        "game",
        "road",
        "food",
        "land",
        "city",
        "town",
        "tree",
        "fire",
        "wind",
        "rain",
        "snow",
        "star",
        "moon",
        "wall",
        "hill",
        "ship",
        "boat",
        "fish",
        "bird",
        "horse",
    ][:32]
)
_SALT_WORDS: Final = 12  # 32 to the 12th power: sixty bits


class ArmPrefix(Struct, frozen=True):
    """What every request of an arm begins with.

    Attributes:
        hash: Chain hash of its last block; empty where nothing is shared.
        tokens: About how long it is.
        readable: How much of it the provider's rule lets another prompt read, in the provider's tokens; 0 where the
            prefix is too short or the provider keeps only what is marked.
        primes: How many prompts must have been sent before one reads it.
    """

    hash: str
    tokens: int
    readable: int = 0
    primes: int = 0


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
    """A salt that is the same for the same names, and of one length for all, also in tokens: common short words."""
    drawn = Random("/".join(map(str, names)))
    return " ".join(drawn.choices(_WORDS, k=_SALT_WORDS))


def salted(agent: Agent, salt: str) -> Agent:
    """The agent with a salt in the first block of its prompt.

    Providers render tools before all else, and a cached prefix ends at the first block that differs: the salt stands
    behind the first tool's description, where there are tools (behind each, where an ordering offers some of them),
    else before the first of preamble, documents and examples that the ordering sends.
    """
    tag = f"[ref {salt}]"
    settings = agent.settings
    names = [split_part(part) for part in settings.ordering.parts]
    if len(settings.tools):
        some = any(variant for name, variant in names if name == "tools")
        tools = [
            SaltedTool(tool, tag) if some or not number else tool
            for number, tool in enumerate(settings.tools)
        ]
        return agent.with_(tools=Toolset(tools))
    for name, _ in names:
        if name == "documents" and settings.context and isinstance(settings.context[0].source, TextSource):
            first, *others = settings.context
            text = TextSource(f"{tag}\n{settings.context[0].source.text}")
            return agent.with_(context=(structs.replace(first, source=text), *others))
        if name == "preamble" and settings.preamble:
            return agent.with_(preamble=f"{tag}\n{settings.preamble}")
    return agent.with_(preamble=tag)


def primer(agent: Agent) -> Agent:
    """The agent that sends the same prefix and asks for next to nothing.

    Hooks are left out: they would see a call that is no part of the experiment. So is what is retrieved: it fits a prompt,
    and stands behind what all prompts share. A model that thinks keeps its limit,
    which must be above what it may think.
    """
    limit = _PRIME_TOKENS if agent.settings.reasoning is None else agent.settings.max_tokens
    return agent.with_(
        max_tokens=limit, max_turns=1, hooks=(), output_schema=None, dynamic_context=(), dynamic_tools=()
    )


def prefix_of(agent: Agent) -> ArmPrefix:
    """What all requests of an agent begin with: everything before its history, in its ordering."""
    profile = profile_for(*provider_and_model(agent.model.name))
    asked = primer(agent).completion(PRIME_PROMPTS[0])
    blocks = blocks_of(arrange(asked))
    count = next((place for place, block in enumerate(blocks) if block.part not in _SHARED), len(blocks))
    links = chain(blocks[:count])
    policy = make_policy(profile, model=agent.model.model_id, strict=True)
    primes = [_prompt(agent, prime_request(asked, number)) for number in range(len(PRIME_PROMPTS))]
    readable, needed = readable_tokens(policy, primes)
    return ArmPrefix(
        links[-1] if links else "", sum(block.tokens for block in blocks[:count]), readable, needed
    )


def _prompt(agent: Agent, request: Request) -> Prompt:
    """A request as its provider's cache sees it."""
    model = agent.model
    if not isinstance(model, WireModel):
        return Prompt(blocks_of(arrange(request)))
    body = model.wire.encode(arrange(request, wire=model.wire.name), model.vendor).body
    return Prompt(split(model.wire.name, body), body=decoded_body(body))
