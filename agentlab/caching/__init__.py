"""Prompt-cache science, pure: blocks, prefixes, policies. No I/O, no clock of its own."""

from agentlab.caching.blocks import Block, BlockKind, split, split_object
from agentlab.caching.policy import CacheOutcome, CachePolicy, LongestPrefix, Prompt
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
from agentlab.caching.tokens import estimate_tokens, tokenize

__all__ = [
    "Block",
    "BlockKind",
    "CacheOutcome",
    "CachePolicy",
    "LongestPrefix",
    "PrefixMatch",
    "Prompt",
    "Rates",
    "TurnCost",
    "common_tokens",
    "cost_usd",
    "estimate_tokens",
    "price_changes",
    "rates",
    "savings_ceiling",
    "shared_prefix",
    "split",
    "split_object",
    "tokenize",
    "turn_cost",
]
