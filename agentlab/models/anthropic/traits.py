"""What a model of the Anthropic Messages wire takes: output limit, kind of thinking, roles. Facts are in a data file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, structs

from agentlab.errors import UnsupportedCapability
from agentlab.messages import ReasoningOptions, Request
from agentlab.models.wire import Dialect

__all__ = ["ModelTraits", "limits_and_thinking", "traits_of"]

_OVERRIDES: Final = ("max_tokens", "thinking", "system_role")
_SMALLEST_BUDGET: Final = 1024


class ModelTraits(Struct, frozen=True):
    """A row of `models.toml`; its head says what the fields mean."""

    prefix: str
    max_tokens: int
    thinking: Literal["none", "budget", "adaptive", "both"]
    system_role: bool = False


class _Table(Struct, frozen=True):
    models: list[ModelTraits]
    budgets: dict[str, int]


@cache
def _table() -> _Table:
    text = resources.files("agentlab.models.anthropic").joinpath("models.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Table)


def traits_of(model: str, dialect: Dialect) -> ModelTraits:
    """Look a model up, whatever a vendor puts around its name (`anthropic/claude-haiku-4.5`, `us.anthropic.claude-...`).

    Args:
        model: The vendor's name of the model.
        dialect: The vendor's flags; `max_tokens`, `thinking` and `system_role` win over the table.
    """
    start = model.find("claude")
    name = model[start:].replace(".", "-") if start >= 0 else model
    fitting = [row for row in _table().models if name.startswith(row.prefix)]
    row = max(fitting, key=lambda each: len(each.prefix))
    flags = {flag: dialect[flag] for flag in _OVERRIDES if flag in dialect}
    return structs.replace(row, **flags) if flags else row


def limits_and_thinking(request: Request, traits: ModelTraits) -> dict[str, Any]:
    """The fields `max_tokens`, `thinking` and `output_config.effort` of a body.

    A budget becomes `{"type": "enabled", "budget_tokens": n}`. An effort becomes `{"type": "adaptive"}` and
    `output_config.effort`; on models that take only budgets it becomes the budget the data file gives, at most half of a
    `max_tokens` the caller set. `none` disables thinking, `minimal` is `low`. `summary` becomes `display`. Where no
    `max_tokens` is set and the budget leaves no room below the default, the default is added to the budget.

    Raises:
        UnsupportedCapability: The model is known not to think, or not to take a budget.

    Source: https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
    """
    max_tokens = traits.max_tokens if request.max_tokens is None else request.max_tokens
    wanted = request.reasoning
    if wanted is None or wanted == ReasoningOptions():
        return {"max_tokens": max_tokens}
    if wanted.effort == "none" and wanted.budget_tokens is None:
        disabled = {"thinking": {"type": "disabled"}} if traits.thinking != "none" else {}
        return {"max_tokens": max_tokens, **disabled}
    if traits.thinking == "none":
        raise UnsupportedCapability(f"`{request.model}` does not think; leave `reasoning` out")
    if wanted.budget_tokens is not None and traits.thinking == "adaptive":
        raise UnsupportedCapability(
            f"`{request.model}` takes no thinking budget; give `reasoning` an `effort` in its place"
        )
    budget = _budget(wanted, traits, request.max_tokens)
    if request.max_tokens is None and budget is not None and budget >= max_tokens:
        max_tokens += budget
    thinking: dict[str, Any] = (
        {"type": "adaptive"} if budget is None else {"type": "enabled", "budget_tokens": budget}
    )
    if wanted.summary is not None:
        thinking["display"] = "omitted" if wanted.summary == "none" else "summarized"
    fields: dict[str, Any] = {"max_tokens": max_tokens, "thinking": thinking}
    if wanted.effort not in {None, "none"} and traits.thinking != "budget":
        fields["output_config"] = {"effort": "low" if wanted.effort == "minimal" else wanted.effort}
    return fields


def _budget(wanted: ReasoningOptions, traits: ModelTraits, max_tokens: int | None) -> int | None:
    """The thinking budget in tokens, or None where the model decides by itself."""
    if wanted.budget_tokens is not None or traits.thinking != "budget":
        return wanted.budget_tokens
    budget = _table().budgets[wanted.effort or "medium"]
    return budget if max_tokens is None else min(budget, max(_SMALLEST_BUDGET, max_tokens // 2))
