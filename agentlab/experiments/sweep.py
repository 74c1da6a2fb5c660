"""Comparisons as the user states them: a base agent, axes, a dataset, scorers - and out comes a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from agentlab.agent.agent import Agent
from agentlab.caching.orderings.ordering import Ordering
from agentlab.errors import UsageError
from agentlab.experiments.datasets import Data, samples_of
from agentlab.experiments.plan.axes import arms_of, axes_of
from agentlab.experiments.plan.cells import CacheMode
from agentlab.experiments.plan.settings import SweepSettings
from agentlab.experiments.plan.stopping import Stopping
from agentlab.experiments.scoring import Scorer, scorers_of
from agentlab.experiments.sweep_plan import Plan
from agentlab.models import Model

__all__ = ["compare", "grid", "sweep"]

Scorers = Scorer | Callable[..., Any] | Iterable[Scorer | Callable[..., Any]]


def sweep(
    base: Agent | None = None,
    *,
    over: Mapping[str, Any] | None = None,
    data: Data,
    score: Scorers = (),
    repeats: int = 1,
    seed: int = 0,
    cache: CacheMode = "natural",
    store: str | Path | None = None,
    budget_usd: float | None = None,
    allow_unpriced: bool = False,
    concurrency: int = 64,
    rpm: float | None = None,
    tpm: float | None = None,
    executor: Any = None,
    stopping: Stopping | None = None,
    progress: bool | Literal["auto"] = "auto",
    columns: Mapping[str, str] | None = None,
) -> Plan:
    """Plan every combination of an agent's variations, on every row of a dataset, as often as asked.

        plan = al.sweep(agent, over={"model": ["openai:gpt-5.6", "anthropic:claude-sonnet-5"],
                                     "preamble": {"terse": TERSE, "cot": STEP_BY_STEP}},
                        data="arithmetic_tools", score=al.numeric("target"), repeats=5, budget_usd=2)
        plan                            # cells, dollars, time, what it can detect; nothing was sent
        results = await plan.run()

    Args:
        base: The agent that is varied; not needed where an axis `agent` gives whole agents.
        over: Axis to its levels: a list, or a mapping of label to value. An axis is an option of the agent (`model`,
            `preamble`, `ordering`, `tools`, `temperature`, `hooks`, ...), `prompt` (a template such as
            `"Answer briefly: {input}"`), `agent`, or any other name for functions from agent to agent.
        data: The dataset: a name, a path, a DataFrame, or rows with `input` and, for scorers, `target`.
        score: Scorers, or functions of `(output, sample)`.
        repeats: Runs of each arm on each row.
        seed: Source of all chance.
        cache: How caches are prepared: `natural`, `warm`, `controlled` or `off`.
        store: File for finished rows, such as `"sweep.agentlab.db"`; runs that are in it are not made again.
        budget_usd: Most that may be spent.
        allow_unpriced: Whether models without a known price may run in spite of a budget.
        concurrency: Calls in flight at most.
        rpm: Requests a minute, where a provider's limit is known.
        tpm: Tokens a minute, in the same way.
        executor: Where cells run; see `SweepSettings`.
        stopping: When the sweep may end early.
        progress: Whether a bar is shown; `auto` does except in notebooks whose output is compared.
        columns: The dataset's names of columns to the names here.

    Returns:
        The plan. `await` it, or its `run()`, to run it.

    Raises:
        UsageError: Anything that can be seen to be wrong before a request is sent; the message says where.
    """
    axes = axes_of(over or {})
    arms = arms_of(base, axes)
    scorers = scorers_of(score)
    settings = SweepSettings(
        repeats=repeats,
        seed=seed,
        cache=cache,
        store=Path(store) if store is not None else None,
        budget_usd=budget_usd,
        allow_unpriced=allow_unpriced,
        concurrency=concurrency,
        rpm=rpm,
        tpm=tpm,
        executor=executor,
        stopping=stopping,
        progress=progress,
    )
    needed = dict.fromkeys(column for scorer in scorers for column in scorer.needs)
    return Plan(axes, arms, samples_of(data, needed, columns=columns), scorers, settings)


def grid(over: Mapping[str, Any], *, data: Data, **options: Any) -> Plan:
    """A sweep without a base agent: every combination of `model` and the other axes.

        al.grid({"model": ["openai:gpt-5.6", "deepseek:deepseek-chat"], "temperature": [0, 1]}, data="lookup_tools")

    Args:
        over: As in `sweep`; `model` or `agent` must be among the axes.
        data: As in `sweep`.
        **options: The other arguments of `sweep`.
    """
    return sweep(_first_agent(over), over=over, data=data, **options)


def compare(
    *agents: Agent,
    data: Data | None = None,
    dataset: Data | None = None,
    models: Sequence[str | Model] | Mapping[str, str | Model] | None = None,
    prompts: Sequence[str] | Mapping[str, str] | None = None,
    preambles: Sequence[str] | Mapping[str, str] | None = None,
    orderings: Sequence[str | Ordering] | Mapping[str, str | Ordering] | None = None,
    **options: Any,
) -> Plan:
    """Compare agents, or an agent under several models, prompts, preambles or orderings.

        results = await al.compare(terse, chatty, data="arithmetic_tools", score=al.numeric("target"))

    Args:
        *agents: Whole agents; one is the base that the other arguments vary.
        data: As in `sweep`.
        dataset: Another name for `data`.
        models: Models by name.
        prompts: Templates of the prompt, with `{input}`.
        preambles: System prompts.
        orderings: Orderings of the request's parts.
        **options: The other arguments of `sweep`.

    Raises:
        UsageError: There is nothing to compare, or two agents have one name.
    """
    rows = data if data is not None else dataset
    if rows is None:
        raise UsageError("a comparison needs `data`: a dataset's name, a path, a DataFrame, or rows")
    given = {"model": models, "prompt": prompts, "preamble": preambles, "ordering": orderings}
    over: dict[str, Any] = {axis: levels for axis, levels in given.items() if levels is not None}
    base = agents[0] if agents else _first_agent(over)
    if len(agents) > 1:
        over = {"agent": _named(agents), **over}
    if not over:
        raise UsageError(
            "there is nothing to compare: give two agents, or `models`, `prompts`, `preambles`, `orderings`"
        )
    return sweep(base, over=over, data=rows, **options)


def _first_agent(over: Mapping[str, Any]) -> Agent | None:
    """An agent for the axes to vary: the first model's; None where whole agents are given."""
    levels = over.get("model")
    if not levels or "agent" in over:
        if "agent" not in over:
            raise UsageError("say which models or agents: an axis `model` or `agent`")
        return None
    models = list(levels.values()) if isinstance(levels, Mapping) else list(levels)
    return Agent(models[0])


def _named(agents: Sequence[Agent]) -> dict[str, Agent]:
    """Agents by name; by model where they have no names of their own."""
    names = [agent.name for agent in agents]
    if len(set(names)) < len(names):
        names = [agent.model.name for agent in agents]
    if len(set(names)) < len(names):
        raise UsageError("two agents have one name: give each its own, `Agent(..., name='terse')`")
    return dict(zip(names, agents, strict=True))
