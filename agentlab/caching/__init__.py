"""Prompt-cache science, pure: blocks, prefixes, policies. No I/O, no clock of its own."""

from agentlab.caching.arrangement import arrange
from agentlab.caching.blocks import Block, BlockKind, split, split_object
from agentlab.caching.calibrate import calibrate, calibration_ids, calibration_summary
from agentlab.caching.calls import RecordedCall, Recording, calls_of
from agentlab.caching.comparison import compare_orderings
from agentlab.caching.explain import explain, explain_calls
from agentlab.caching.explanation import Explanation, Explanations
from agentlab.caching.finding import Finding, Findings
from agentlab.caching.first_token import FirstToken
from agentlab.caching.lint import lint
from agentlab.caching.ordering import Ordering
from agentlab.caching.orderings import ordering_of
from agentlab.caching.placement import Marker, PlacedTurn, Placement, place_breakpoints
from agentlab.caching.policies.longest_prefix import LongestPrefix
from agentlab.caching.policy import CacheOutcome, CachePolicy, Prompt
from agentlab.caching.prefix import PrefixMatch, common_tokens, shared_prefix
from agentlab.caching.prices import (
    Rates,
    TurnCost,
    cost_usd,
    price_changes,
    rates,
    savings_ceiling,
    turn_cost,
)
from agentlab.caching.projection import Compaction, Projection, project
from agentlab.caching.reuse import BreakEven, break_even, hit_share
from agentlab.caching.stability import part_changes, stability_order
from agentlab.caching.tokens import estimate_tokens, tokenize
from agentlab.caching.what_if import what_if

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
