"""How much a model on Bedrock should think: each maker has a setting of its own. Facts are in a data file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.errors import UnsupportedCapability
from agentlab.messages import ReasoningOptions, Request

__all__ = ["reasoning_fields"]

Style = Literal["none", "budget", "both", "adaptive", "nova", "effort", "config"]

_THREE_LEVELS: Final = {"minimal": "low", "xhigh": "high", "max": "high"}
_SMALLEST_BUDGET: Final = 1024


class _Table(Struct, frozen=True):
    patterns: dict[str, Style]
    budgets: dict[str, int]


@cache
def _table() -> _Table:
    text = resources.files("agentlab.models.bedrock").joinpath("models.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Table)


def _style_of(model: str) -> Style:
    fitting = [pattern for pattern in _table().patterns if pattern in model]
    return _table().patterns[max(fitting, key=len)] if fitting else "none"


def reasoning_fields(request: Request) -> dict[str, Any]:
    """What goes into `additionalModelRequestFields`; empty where nothing is asked.

    Raises:
        UnsupportedCapability: No way is known to tell the model, or it takes no budget.
    """
    wanted = request.reasoning
    if wanted is None or (wanted.effort is None and wanted.budget_tokens is None):
        return {}
    style = _style_of(request.model)
    if wanted.effort == "none" and wanted.budget_tokens is None:
        return {"thinking": {"type": "disabled"}} if style in {"budget", "both", "adaptive"} else {}
    if style == "none":
        raise UnsupportedCapability(
            f"no way is known to tell `{request.model}` how much to reason; leave `reasoning` out, or give the model's own "
            'setting in `additional_params={"additionalModelRequestFields": ...}`'
        )
    if style in {"budget", "both", "adaptive"}:
        return _claude(wanted, style, request)
    if wanted.effort is None:
        raise UnsupportedCapability(
            f"`{request.model}` takes no budget of reasoning tokens; give `reasoning` an `effort` in its place"
        )
    level = _THREE_LEVELS.get(wanted.effort, wanted.effort)
    if style == "nova":
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": level}}
    return {"reasoning_effort" if style == "effort" else "reasoning_config": level}


def _claude(wanted: ReasoningOptions, style: Style, request: Request) -> dict[str, Any]:
    budget = wanted.budget_tokens
    if budget is not None and style == "adaptive":
        raise UnsupportedCapability(
            f"`{request.model}` takes no thinking budget; give `reasoning` an `effort` in its place"
        )
    if budget is None and style == "budget":
        budget = _table().budgets[wanted.effort or "medium"]
        if request.max_tokens is not None:
            budget = min(budget, max(_SMALLEST_BUDGET, request.max_tokens // 2))
    if budget is not None:
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}
    effort = "low" if wanted.effort == "minimal" else wanted.effort
    return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
