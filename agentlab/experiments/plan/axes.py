"""The axes of a comparison: what differs between its arms, each level with a label that stands in the frames."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from agentlab.agent.agent import Agent
from agentlab.agent.options import SETTINGS
from agentlab.caching.orderings.ordering import Ordering
from agentlab.errors import UsageError
from agentlab.experiments.plan.template import Template
from agentlab.models import Model

__all__ = ["Arm", "Axis", "Level", "arms_of", "axes_of"]

_LABEL_LENGTH: Final = 40
_SPECIAL: Final = frozenset({"agent", "model", "prompt"})
_TAKEN: Final = frozenset(
    {"sample_id", "cluster_id", "repeat", "seed", "status", "run_id", "output", "input", "target"}
)


@dataclass(frozen=True)
class Level:
    """One value of an axis.

    Attributes:
        label: What stands in the frame.
        value: What the agent is given.
    """

    label: str
    value: Any


@dataclass(frozen=True)
class Axis:
    """What differs between arms.

    Attributes:
        name: An option of the agent (`model`, `preamble`, `ordering`, `tools`, ...), `prompt` for a template of the
            prompt, `agent` for whole agents, or any other name for functions that take the agent and give another.
        levels: Its values, in the order given.
    """

    name: str
    levels: tuple[Level, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The levels' labels, in order."""
        return tuple(level.label for level in self.levels)


@dataclass(frozen=True)
class Arm:
    """One combination of levels: an agent, and how its prompt is made.

    Attributes:
        levels: Axis to label.
        agent: The agent.
        template: How a sample becomes its prompt.
    """

    levels: Mapping[str, str]
    agent: Agent
    template: Template

    @property
    def name(self) -> str:
        """Its labels, for readers."""
        return " · ".join(self.levels.values()) or self.agent.name


def axes_of(over: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Read axes as the user wrote them.

    Args:
        over: Axis name to its levels: a list, or a mapping of label to value.

    Raises:
        UsageError: An axis is empty, has a label twice, or has a name that a frame's column needs.
    """
    return tuple(_axis(name, levels) for name, levels in over.items())


def arms_of(base: Agent | None, axes: Sequence[Axis]) -> tuple[Arm, ...]:
    """Every combination of levels, each with its agent; nothing is sent.

    Args:
        base: What the levels are laid over; None where the axis `agent` gives whole agents.
        axes: The axes; the last one varies fastest.

    Raises:
        UsageError: A level cannot be laid over the agent; the message names axis and level.
    """
    ordered = sorted(axes, key=lambda axis: axis.name != "agent")  # a whole agent first, the others vary it
    found = []
    for combination in product(*(axis.levels for axis in axes)):
        chosen = dict(zip((axis.name for axis in axes), combination, strict=True))
        agent, template = base, Template()
        for axis in ordered:
            level = chosen[axis.name]
            if axis.name == "prompt":
                template = Template(str(level.value))
            else:
                agent = _laid_over(agent, axis.name, level)
        if agent is None:
            raise UsageError("there is no agent to vary: give one, or an axis `agent` with whole agents")
        found.append(Arm({name: level.label for name, level in chosen.items()}, agent, template))
    return tuple(found)


def _axis(name: str, levels: Any) -> Axis:
    if name in _TAKEN:
        raise UsageError(
            f"an axis cannot be called `{name}`: the result has a column of that name; choose another"
        )
    if isinstance(levels, Mapping):
        read = [Level(str(label), value) for label, value in levels.items()]
    elif isinstance(levels, str) or not isinstance(levels, Iterable):
        raise UsageError(
            f"axis `{name}` needs a list of values, or a mapping of label to value, not {levels!r}"
        )
    else:
        values = list(levels)
        read = [Level(_label(name, value, number), value) for number, value in enumerate(values)]
    if not read:
        raise UsageError(f"axis `{name}` has no values")
    labels = [level.label for level in read]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise UsageError(
            f"axis `{name}` has {', '.join(map(repr, twice))} more than once; give a mapping of label to value"
        )
    return Axis(name, tuple(read))


def _label(axis: str, value: Any, number: int) -> str:
    match value:
        case None:
            return "none"
        case str() if len(value) <= _LABEL_LENGTH and "\n" not in value:
            return value or "empty"
        case bool() | int() | float():
            return str(value)
        case Ordering():
            return value.name
        case Agent():
            return value.name if value.name != "agent" else value.model.name
        case Model():
            return value.name
        case _ if callable(value) and getattr(value, "__name__", "<lambda>") != "<lambda>":
            return str(value.__name__)
        case _:
            return f"{axis}_{number + 1}"


def _laid_over(agent: Agent | None, axis: str, level: Level) -> Agent:
    if axis == "agent":
        return _whole_agent(agent, level)
    if agent is None:
        raise UsageError(f"axis `{axis}` varies an agent, and there is none; give `agent` first")
    if axis in SETTINGS or axis == "model":
        try:
            return agent.with_(**{axis: level.value})
        except UsageError as error:
            raise UsageError(f"axis `{axis}`, level `{level.label}`: {error}") from None
    if not callable(level.value):
        near = difflib.get_close_matches(axis, SETTINGS | _SPECIAL, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise UsageError(
            f"axis `{axis}` is no option of an agent{hint}; the levels of any other axis are functions that take the "
            f"agent and give another, not {level.value!r}"
        )
    return _varied(agent, axis, level.label, level.value)


def _whole_agent(base: Agent | None, level: Level) -> Agent:
    if isinstance(level.value, Agent):
        return level.value
    if base is not None and callable(level.value):
        return _varied(base, "agent", level.label, level.value)
    raise UsageError(f"axis `agent`, level `{level.label}`: an `Agent` is needed, not {level.value!r}")


def _varied(agent: Agent, axis: str, label: str, change: Callable[[Agent], Any]) -> Agent:
    varied = change(agent)
    if not isinstance(varied, Agent):
        raise UsageError(f"axis `{axis}`, level `{label}`: the function must give an `Agent`, not {varied!r}")
    return varied
