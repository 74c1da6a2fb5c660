"""Prompt-cache science, pure: blocks, prefixes, policies. No I/O, no clock of its own."""

from agentlab.caching.blocks.prefix import PrefixMatch, common_tokens, shared_prefix
from agentlab.caching.blocks.splitting import Block, BlockKind, split, split_object
from agentlab.caching.breakpoints.placement import Marker, PlacedTurn, Placement, place_breakpoints
from agentlab.caching.calibration.calibrate import calibrate, calibration_ids, calibration_summary
from agentlab.caching.calls import RecordedCall, Recording, calls_of
from agentlab.caching.explaining.explain import explain, explain_calls
from agentlab.caching.explaining.explanation import Explanation, Explanations
from agentlab.caching.linting.finding import Finding, Findings
from agentlab.caching.linting.lint import lint
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.orderings.ordering import Ordering
from agentlab.caching.orderings.presets import ordering_of
from agentlab.caching.policies.longest_prefix import LongestPrefix
from agentlab.caching.policies.policy import CacheOutcome, CachePolicy, Prompt
from agentlab.caching.prices import (
    Rates,
    TurnCost,
    cost_usd,
    price_changes,
    rates,
    savings_ceiling,
    turn_cost,
)
from agentlab.caching.projection.projection import Compaction, Projection, project
from agentlab.caching.projection.reuse import BreakEven, break_even, hit_share
from agentlab.caching.replaying.comparison import compare_orderings
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.stability import part_changes, stability_order
from agentlab.caching.replaying.what_if import what_if
from agentlab.caching.tokens import estimate_tokens, tokenize

__all__ = [
    "Block",
    "BlockKind",
    "BreakEven",
    "CacheOutcome",
    "CachePolicy",
    "Compaction",
    "Explanation",
    "Explanations",
    "Finding",
    "Findings",
    "FirstToken",
    "LongestPrefix",
    "Marker",
    "Ordering",
    "PlacedTurn",
    "Placement",
    "PrefixMatch",
    "Projection",
    "Prompt",
    "Rates",
    "RecordedCall",
    "Recording",
    "TurnCost",
    "arrange",
    "break_even",
    "calibrate",
    "calibration_ids",
    "calibration_summary",
    "calls_of",
    "common_tokens",
    "compare_orderings",
    "cost_usd",
    "estimate_tokens",
    "explain",
    "explain_calls",
    "hit_share",
    "lint",
    "ordering_of",
    "part_changes",
    "place_breakpoints",
    "price_changes",
    "project",
    "rates",
    "savings_ceiling",
    "shared_prefix",
    "split",
    "split_object",
    "stability_order",
    "tokenize",
    "turn_cost",
    "what_if",
]
