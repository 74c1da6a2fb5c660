"""In which order the parts of a request are sent, as a value that can be swapped and studied.

A provider's cache reads a prefix, so what changes should stand behind what stays; a model reads the edges of a long
prompt best, so what matters should stand at an end. An ordering decides between the two, and is the one thing that
differs when orderings are compared. `arrange` puts a request's parts in place before any wire sees it.

    agent.with_(ordering=orderings.query_first)

Sources: "Don't Break the Cache" (arXiv 2601.06007) for stable-first and dynamic values last; "Lost in the Middle"
(arXiv 2307.03172) for the edges.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from agentlab.caching.orderings.ordering import PARTS, Ordering
from agentlab.errors import UsageError

__all__ = [
    "PRESETS",
    "docs_last",
    "ordering_of",
    "query_first",
    "recency_edges",
    "stable_first",
    "tools_dynamic",
    "volatile_first",
]

stable_first: Final = Ordering(
    "stable_first",
    PARTS,
    "What changes least comes first; what was retrieved and what is true only now share the prompt's message.",
)
docs_last: Final = Ordering(
    "docs_last",
    ("tools", "preamble", "few_shots", "history", "documents", "retrieved", "volatile", "prompt"),
    "Static documents next to the prompt, where a model reads best, and paid anew with every prompt.",
)
query_first: Final = Ordering(
    "query_first",
    ("tools", "preamble", "documents", "few_shots", "history", "prompt", "retrieved", "volatile"),
    "The question before what was retrieved for it.",
)
volatile_first: Final = Ordering(
    "volatile_first",
    ("tools", "volatile", "preamble", "documents", "few_shots", "history", "retrieved", "prompt"),
    "The classic mistake: a timestamp at the head of the system prompt, and nothing after it is read again.",
)
tools_dynamic: Final = Ordering(
    "tools_dynamic",
    ("tools:6", "preamble", "documents", "few_shots", "history", "retrieved", "volatile", "prompt"),
    "Tools chosen for each call: fewer tokens of tools, and no prefix where the choice changes.",
)
recency_edges: Final = Ordering(
    "recency_edges",
    ("tools", "preamble", "documents", "few_shots", "history", "retrieved:edges", "volatile", "prompt"),
    "The most relevant retrieved documents first and last, where a model reads best.",
)

PRESETS: Final[dict[str, Ordering]] = {
    ordering.name: ordering
    for ordering in (stable_first, docs_last, query_first, volatile_first, tools_dynamic, recency_edges)
}
"""The orderings that come with the package, by name."""


def ordering_of(given: str | Ordering | Sequence[str] | None) -> Ordering:
    """An ordering from its name, from parts, or as it is.

    Args:
        given: A preset's name (`"stable_first"` or `"stable-first"`), an ordering, or parts; None is `stable_first`.

    Raises:
        UsageError: No preset has the name, or the parts cannot be sent in that order.
    """
    if given is None:
        return stable_first
    if isinstance(given, Ordering):
        return given
    if isinstance(given, str):
        found = PRESETS.get(given.replace("-", "_"))
        if found is None:
            near = difflib.get_close_matches(given.replace("-", "_"), PRESETS, n=2, cutoff=0.7)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise UsageError(f"no ordering is called {given!r}; there are {', '.join(PRESETS)}{hint}")
        return found
    if not isinstance(given, Sequence):
        raise UsageError(f"an ordering is a name, an `Ordering` or a list of parts, not {given!r}")
    parts = tuple(given)
    known = next((ordering for ordering in PRESETS.values() if ordering.parts == parts), None)
    return known or Ordering(" > ".join(parts), parts)
