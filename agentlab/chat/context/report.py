"""What a context is made of and why, as rows and as a frame: what was kept, what was left out, what that does to the cache."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PartKind", "ReportRow", "report_frame"]

PartKind = Literal["preamble", "mode", "attachment", "history", "told again", "prompt", "policy", "request"]

_DTYPES: Final = {
    "part": "str",
    "kind": "str",
    "priority": "Int64",
    "tokens": "Int64",
    "is_kept": "bool",
    "why": "str",
    "moves_prefix_at": "str",
    "lost_cache_tokens": "Int64",
    "saved_tokens": "Int64",
    "cost_delta_usd": "Float64",
}


class ReportRow(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """A part of a context, or a policy that shaped it.

    Rows of the kind `policy` say what a policy did; their tokens are those it acted on. The row of the kind `request` says what
    the whole request does to the prefix of the one before it: its losses are not the sum of the policies', because a prefix
    moves once, at the first change.

    Attributes:
        part: What it is: a path, `preamble`, `messages 3 to 40`, or the policy's name.
        kind: What kind of part.
        priority: An attachment's priority; None for anything else.
        tokens: Estimated tokens.
        is_kept: Whether the model is sent it.
        why: Why, in words.
        moves_prefix_at: Where the prefix of the last request ends because of it; empty where it does not move it.
        lost_cache_tokens: Tokens the last request left in the cache that cannot be read because of it.
        saved_tokens: Tokens that are not sent because of it, in this request and in each until the next change.
        cost_delta_usd: What it adds to the cost of this request, in US dollars; below 0 where it saves, NaN where no price is
            known.
    """

    part: str
    kind: PartKind
    priority: int | None = None
    tokens: int = 0
    is_kept: bool = True
    why: str = ""
    moves_prefix_at: str = ""
    lost_cache_tokens: int = 0
    saved_tokens: int = 0
    cost_delta_usd: float = 0.0


def report_frame(rows: Iterable[ReportRow]) -> pd.DataFrame:
    """One row a part, in the order of the request, the policies behind them.

    Args:
        rows: What a builder reported (`BuiltContext.parts`).

    Returns:
        The fields of `ReportRow` as columns; counts are nullable integers, an unknown cost is `<NA>`.
    """
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    told = list(rows)
    columns: dict[str, Any] = {name: [getattr(row, name) for row in told] for name in _DTYPES}
    costs = columns["cost_delta_usd"]
    columns["cost_delta_usd"] = [None if math.isnan(cost) else cost for cost in costs]
    return pd.DataFrame({name: pd.array(columns[name], dtype=kind) for name, kind in _DTYPES.items()})
