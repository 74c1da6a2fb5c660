"""Two to six agents answer one prompt side by side."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from agentlab.agent import Agent, RunResult, RunStream
from agentlab.agent.agent import Prompt
from agentlab.agent.heartbeat import heartbeat
from agentlab.agent.portal import run_sync
from agentlab.errors import RunStopped, UsageError
from agentlab.messages import Message
from agentlab.notebook.comparison.comparison import Comparison
from agentlab.notebook.comparison.live_lanes import LiveLanes

__all__ = ["compare_live", "compare_live_sync"]

FEWEST: Final = 2
MOST: Final = 6
_CLEANUP_S: Final = 5.0


async def compare_live(
    agents: Mapping[str, Agent] | Sequence[Agent],
    prompt: Prompt,
    *,
    history: Sequence[Message] = (),
    max_turns: int | None = None,
) -> Comparison:
    """Let agents answer one prompt at the same time, and watch them side by side.

    For a first look at a few models or prompts with one question. Use `agentlab.compare` for datasets, repeats and
    statistics: one answer of each proves nothing.

    Every agent has a lane with its answer, state, tokens, cost, time to first token and time, and a Stop button; another
    button stops all. An agent that fails or is stopped does not end the others. Outside a notebook a table is printed.
    A kernel interrupt stops all, leaves the picture of what there is, and is raised again.

    Args:
        agents: Two to six: label to agent, or a list, labelled by their models.
        prompt: What all are asked; as in `Agent.prompt`.
        history: What was said before; not changed.
        max_turns: Exact number of model calls for each run.

    Returns:
        The comparison: `df` with one row an agent, `runs`, `errors`.

    Raises:
        UsageError: There are fewer than two agents or more than six, or one of them is no agent; nothing was sent.
    """
    return await _compared(_labelled(agents), prompt, history, max_turns, stops_each=True)


def compare_live_sync(
    agents: Mapping[str, Agent] | Sequence[Agent],
    prompt: Prompt,
    *,
    history: Sequence[Message] = (),
    max_turns: int | None = None,
) -> Comparison:
    """`compare_live` without `await`, in a script or a notebook.

    A cell that blocks may hear no single lane's Stop, so there is one button, which stops all. Arguments, result and errors
    as in `compare_live`.
    """
    return run_sync(_compared, _labelled(agents), prompt, history, max_turns, stops_each=False)


async def _compared(
    agents: Mapping[str, Agent],
    prompt: Prompt,
    history: Sequence[Message],
    max_turns: int | None,
    *,
    stops_each: bool,
) -> Comparison:
    streams = {
        label: agent.stream_prompt(prompt, history=history, max_turns=max_turns)
        for label, agent in agents.items()
    }
    asked = list(streams.values())
    title = asked[0].trace.title
    models = [(label, agent.model.name) for label, agent in agents.items()]

    def stop(lane: int | None) -> None:
        for number, stream in enumerate(asked):
            if lane in {None, number}:
                stream.stop()

    def decide(lane: int, call_id: str, approved: bool) -> None:
        if 0 <= lane < len(asked):
            asked[lane].decide(call_id, approved)

    live = LiveLanes(title, models, stop=stop, decide=decide, stops_each=stops_each)
    for stream in asked:
        stream.attended = live.is_live
    errors = await _all_answered(streams, live)
    runs = {label: RunResult(stream.run, stream.trace) for label, stream in streams.items()}
    return Comparison(live.lanes, runs, errors)


async def _all_answered(streams: Mapping[str, RunStream], live: LiveLanes) -> dict[str, Exception]:
    """Show all runs to their ends; gives the errors of those that failed."""
    live.start()
    tasks = {
        label: asyncio.create_task(_answered(index, stream, live), name=f"compare {label}")
        for index, (label, stream) in enumerate(streams.items())
    }
    try:
        async with heartbeat():
            await asyncio.wait(tasks.values())
    finally:
        left = [task for task in tasks.values() if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_CLEANUP_S)
        live.finish()
    found = {label: task.result() for label, task in tasks.items() if not task.cancelled()}
    return {label: error for label, error in found.items() if error is not None}


async def _answered(index: int, stream: RunStream, live: LiveLanes) -> Exception | None:
    """Show one run to its end; gives the error it failed with."""
    try:
        async for event in stream:
            live.apply(index, event, stream.trace.events[-1].at_s)
    except RunStopped:
        pass
    except Exception as error:  # noqa: BLE001 - one that fails does not end the others; it is shown and handed out
        live.end(index, "error", f"{type(error).__name__}: {error}")
        return error
    return None


def _labelled(agents: object) -> dict[str, Agent]:
    """The agents by label, checked."""
    if isinstance(agents, Mapping):
        pairs = list(agents.items())
    elif isinstance(agents, Sequence) and not isinstance(agents, str | bytes):
        pairs = _by_model(agents)
    else:
        given = "one agent" if isinstance(agents, Agent) else repr(agents)
        raise UsageError(f"`agents` is a dict of label to agent, or a list of agents, and not {given}")
    named = {_label(label): _agent(label, agent) for label, agent in pairs}
    if not FEWEST <= len(named) <= MOST:
        more = "; `agentlab.compare` takes any number" if len(named) > MOST else ""
        raise UsageError(f"two to six agents are compared side by side, and {len(named)} were given{more}")
    return named


def _by_model(agents: Sequence[object]) -> list[tuple[str, Agent]]:
    """Each agent with the name of its model, numbered where several have the same."""
    found: list[tuple[str, Agent]] = []
    seen: Counter[str] = Counter()
    for place, given in enumerate(agents):
        agent = _agent(place, given)
        name = agent.model.name
        seen[name] += 1
        found.append((name if seen[name] == 1 else f"{name} ({seen[name]})", agent))
    return found


def _label(label: object) -> str:
    if not isinstance(label, str) or not label.strip():
        raise UsageError(f"a label is what readers call an agent, and {label!r} is no text")
    return label


def _agent(place: object, agent: object) -> Agent:
    if isinstance(agent, Agent):
        return agent
    raise UsageError(
        f'agents are compared, and {agent!r} at {place!r} is none; make one with `al.Agent("vendor:model")`'
    )
