"""Foresees what a memory does to the cached prefix: the last request and the coming one, judged by the provider's policy.

A memory's cuts hang on the history alone, so what it sent with the last prompt can be worked out from the history before
that prompt, and nothing has to be kept from one run to the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentlab.agent.current_run import RunScope, inside
from agentlab.agent.frames import provider_and_model
from agentlab.agent.memory.plan import MemoryPlan, MemoryStep
from agentlab.agent.memory.policy import Memory
from agentlab.agent.memory.remembered import Remembered, exchange_starts, leading
from agentlab.agent.memory.window import tokens_of
from agentlab.caching.blocks.cutting import NeutralBlocks
from agentlab.caching.blocks.prefix import shared_prefix
from agentlab.caching.calls import RecordedCall
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.layouts import layouts
from agentlab.caching.replaying.provider import provider_of
from agentlab.caching.replaying.replay import Judged, judged
from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, Message, UserMessage, repair

if TYPE_CHECKING:
    from agentlab.agent.agent import Agent, Prompt
    from agentlab.agent.run import Run
    from agentlab.agent.settings import AgentSettings

__all__ = ["foreseen", "memory_plan", "remembered_by"]

_PAUSE_S: Final = 60.0


def memory_plan(
    agent: Agent, prompt: Prompt, history: Sequence[Message], *, memory: Memory | None = None
) -> MemoryPlan:
    """What an agent's memory would do with a prompt, before anything is sent or any model asked.

    Args:
        agent: The agent.
        prompt: What would be asked.
        history: What was said before, whole.
        memory: Another memory than the agent's, to compare.

    Raises:
        UsageError: The agent has no memory, and none is given.
    """
    chosen = memory or agent.settings.memory
    if chosen is None:
        raise UsageError(
            "this agent has no memory: it sends every history whole. Pass `memory=` to compare one"
        )
    run = agent.start(prompt, history=repair(history))
    asked = run.messages[0]
    assert isinstance(asked, UserMessage)
    return foreseen(chosen, agent.settings, agent.model.name, run.history, asked, at=agent.clock.time())


async def remembered_by(
    settings: AgentSettings, run: Run, scope: RunScope, *, at: float
) -> Remembered | None:
    """Let a run's memory say what it will do, and do it; None where there is none, or it was done.

    Args:
        settings: The agent.
        run: The run, before its first model call.
        scope: What a summary's run belongs to; its trace takes the plan and what came of it.
        at: Unix time in seconds.
    """
    memory, prompt = settings.memory, run.messages[0]
    if memory is None or run.facts is not None or run.turns_made or not isinstance(prompt, UserMessage):
        return None
    name = scope.model.name if scope.model is not None else ""
    plan = foreseen(memory, settings, name, run.history, prompt, at=at)
    with inside(scope):
        done = await memory.remember(run.history, prompt)
    scope.trace.memory = MemoryStep(plan, done)
    return done


def foreseen(
    memory: Memory,
    settings: AgentSettings,
    model: str,
    history: Sequence[Message],
    prompt: UserMessage,
    *,
    at: float,
) -> MemoryPlan:
    """What a memory will do. Pure.

    Args:
        memory: The memory.
        settings: The agent.
        model: `"vendor:model"`, which tells the cache and the prices.
        history: The history, valid and whole.
        prompt: What is asked now.
        at: Unix time in seconds; the prices of that time are used.
    """
    now = memory.foreseen(history)
    first = leading(history)
    view = now.view(history)
    is_written = getattr(memory, "is_written", None)
    plan = MemoryPlan(
        policy=memory.name,
        kept_messages=len(history) - now.dropped,
        dropped_messages=now.dropped,
        newly_dropped=0,
        tokens=tokens_of(view),
        dropped_tokens=tokens_of(history[first : first + now.dropped]),
        writes_summary=is_written is not None and not is_written(history),
        most_recalled=getattr(memory, "n", 0) if now.dropped else 0,
    )
    starts = exchange_starts(history)
    if not starts:
        return plan
    before = memory.foreseen(history[: starts[-1]])
    if before.dropped == now.dropped and before.summary == now.summary:
        return plan
    last = _without_last_answer((*before.view(history[: starts[-1]]), *history[starts[-1] :]))
    sent_on = (*before.view(history), prompt)
    plan = structs.replace(plan, newly_dropped=now.dropped - before.dropped)
    return _with_cache(plan, settings, model, (last, (*view, prompt), sent_on), at)


def _without_last_answer(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What the last model call of a conversation was sent: all but what it answered."""
    end = len(messages)
    while end and isinstance(messages[end - 1], AssistantMessage):
        end -= 1
    return tuple(messages[:end])


def _with_cache(
    plan: MemoryPlan,
    settings: AgentSettings,
    model: str,
    requests: tuple[tuple[Message, ...], tuple[Message, ...], tuple[Message, ...]],
    at: float,
) -> MemoryPlan:
    """The plan with what the cache will make of it; `requests` are the last, the coming one, and that with all sent on."""
    vendor, name = provider_and_model(model)
    last, coming, on = (
        RecordedCall("", "", vendor, name, request=arrange(settings.request(name, messages)), output_tokens=0)
        for messages in requests
    )
    cut = NeutralBlocks()
    assert last.request is not None
    assert coming.request is not None
    match = shared_prefix(cut.of(last.request), cut.of(coming.request))
    block = match.before
    moves = None if block is None else f"{block.path or block.label} ({block.role or block.kind})"
    planned, kept = _second_of(last, coming, at), _second_of(last, on, at)
    delta = planned.input_cost_usd - kept.input_cost_usd
    lost = (kept.usage.cache_read_tokens or 0) - (planned.usage.cache_read_tokens or 0)
    return structs.replace(
        plan,
        moves=moves,
        cache_read_tokens=planned.usage.cache_read_tokens,
        cache_read_lost_tokens=max(0, lost),
        input_tokens=planned.usage.input_tokens,
        cost_delta_usd=None if math.isnan(delta) else delta,
    )


def _second_of(last: RecordedCall, next_one: RecordedCall, at: float) -> Judged:
    """What the second of two calls costs, a minute after the first."""
    calls = [last, next_one]
    laid = list(layouts(calls, neutral=True))
    return judged(
        calls,
        laid,
        provider_of(last),
        totals=[None, None],
        times=[at - _PAUSE_S, at],
        first_token=FirstToken(),
    )[1]
