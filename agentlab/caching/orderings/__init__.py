"""In which order the parts of a request are sent, as a value that can be swapped and studied.

agent.with_(ordering=orderings.query_first)
"""

from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.orderings.ordering import PARTS, Ordering
from agentlab.caching.orderings.presets import (
    PRESETS,
    docs_last,
    ordering_of,
    query_first,
    recency_edges,
    stable_first,
    tools_dynamic,
    volatile_first,
)

__all__ = [
    "PARTS",
    "PRESETS",
    "Ordering",
    "arrange",
    "docs_last",
    "ordering_of",
    "query_first",
    "recency_edges",
    "stable_first",
    "tools_dynamic",
    "volatile_first",
]
