"""Figures of sweeps: plain functions from frames to matplotlib Axes, reached as `al.plots`.

Every function takes `ax=` (a figure is made without it) and `theme=` (`light` or `dark`; without it the ground of the
caller's axes, the variable `AGENTLAB_THEME`, or matplotlib's own style decides). matplotlib is loaded by the first
figure, and its global settings are left alone.
"""

from __future__ import annotations

from agentlab.experiments.plots.cache_by_turn import cache_by_turn
from agentlab.experiments.plots.cost_quality import cost_quality
from agentlab.experiments.plots.first_token import ttft
from agentlab.experiments.plots.forest import forest
from agentlab.experiments.plots.prefix_tree import prefix_tree
from agentlab.experiments.plots.spend import spend
from agentlab.experiments.plots.turn_tokens import turn_tokens
from agentlab.experiments.plots.variance import variance_split
from agentlab.experiments.plots.win_tie_loss import win_tie_loss

__all__ = [
    "cache_by_turn",
    "cost_quality",
    "forest",
    "prefix_tree",
    "spend",
    "ttft",
    "turn_tokens",
    "variance_split",
    "win_tie_loss",
]
