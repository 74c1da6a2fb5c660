"""How often each part of a request changes, and which ordering follows from it.

What changes seldom belongs in front; how much that is worth depends on the sizes of the parts and on the provider's
cache, so every order of the parts is tried on the recorded calls themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.orderings.ordering import PARTS, Ordering
from agentlab.caching.orderings.prompt_parts import part_tokens, part_values
from agentlab.caching.replaying.arranged_blocks import ArrangedBlocks
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.layouts import layouts
from agentlab.caching.replaying.prompt_ends import PromptEnds
from agentlab.caching.replaying.provider import Provider, provider_of
from agentlab.caching.replaying.replay import Bills, judged, marks_for
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions
from agentlab.progress import ProgressOption, tracked

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["part_changes", "stability_order"]

_MOVABLE: Final = PARTS[1:]


def part_changes(traces: Calls | Sequence[Calls]) -> pd.DataFrame:
    """How often each part changed from one call to the next.

    Args:
        traces: A trace, or several in the order they were made, with the requests' parts apart.

    Returns:
        One row a part: `tokens` (mean), `within_run` and `between_runs` (share of the steps in which it changed; NaN
        where there was no step), `changed` (share of all steps). A history that only grew has not changed.

    Raises:
        UsageError: A call was recorded as a body only.
    """
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    steps = list(_steps(_conversations(traces)))
    calls = [call for conversation in _conversations(traces) for call in conversation]
    rows = []
    for part in PARTS:
        within = [step.changed[part] for step in steps if step.same_run]
        between = [step.changed[part] for step in steps if not step.same_run]
        rows.append(
            {
                "part": part,
                "tokens": sum(part_tokens(call.request)[part] for call in calls if call.request) / len(calls),
                "within_run": _share(within),
                "between_runs": _share(between),
                "changed": _share(within + between),
            }
        )
    return pd.DataFrame(rows).set_index("part")


def stability_order(
    traces: Calls | Sequence[Calls],
    *,
    provider: str | None = None,
    strict: bool = True,
    first_token: FirstToken | None = None,
    progress: ProgressOption = "auto",
) -> pd.DataFrame:
    """Every order of the parts, the cheapest first, as the recorded calls would have fared under it.

    Parts that are always empty are left out; the other seven at most, with the tools always first, are tried in every
    order some wire can send. Each order is a whole replay; what orders have in common is read, measured
    and priced once. Some 0.2 ms of computing a call and order remain: several seconds for 1,260 orders of 20 calls.

    Args:
        traces: A trace, or several in the order they were made, with the requests' parts apart. They share one cache.
        provider: Another `"vendor:model"`. Where its cache needs markers and the calls have none, one is set at the end
            of each request.
        strict: Whether the cache behaves as documented, without chance.
        first_token: The model of the time to the first token.
        progress: Whether a bar is shown where it takes long; `auto`: where somebody watches.

    Returns:
        One row an order: `parts`, `hit_share` (of the prompt's tokens), `cost_usd`, `saved_share` (of the cost without a
        cache), `ttft_s` (mean). `frame.attrs["proposed"]` is the first as an `Ordering`, `frame.attrs["changes"]` the
        share of steps in which each part changed.

    Raises:
        UsageError: A call was recorded as a body only.
    """
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    conversations = _conversations(traces)
    served = provider_of(conversations[0][0], provider)
    changes = {str(part): float(share) for part, share in part_changes(traces)["changed"].items()}
    present = [
        part for part in _MOVABLE if any(_has(call, part) for calls in conversations for call in calls)
    ]
    cut = ArrangedBlocks()
    cache = marks_for(served, list(layouts(conversations[0], neutral=True, cut=cut)))
    trial = _Trial(conversations, served, cache, first_token or FirstToken(), strict=strict, cut=cut)
    orders = list(_orders(present, {call.wire for calls in conversations for call in calls}))
    rows = [trial.row(each) for each in tracked(orders, "orders", unit="order", progress=progress)]
    # Equal costs are the rule: then what changes least comes first.
    rows.sort(key=lambda row: (row["cost_usd"], -row["hit_share"], _unrest(row["parts"], changes)))
    frame = pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="rank"))
    frame.attrs = {
        "provider": served.name,
        "proposed": Ordering(
            "proposed", ("tools", *rows[0]["all_parts"]), "The cheapest for the recorded calls."
        ),
        "changes": changes,
    }
    return frame.drop(columns="all_parts")


class _Step(Struct, frozen=True):
    same_run: bool
    changed: dict[str, bool]


def _conversations(traces: Calls | Sequence[Calls]) -> list[tuple[RecordedCall, ...]]:
    single = not isinstance(traces, Sequence) or any(isinstance(each, RecordedCall) for each in traces)
    given: Sequence[Any] = [traces] if single else traces  # type: ignore[assignment]
    found = [calls for each in given if (calls := calls_of(each))]
    if not found:
        raise UsageError("there is no call to look at")
    if any(call.request is None for calls in found for call in calls):
        raise UsageError(
            "a call was recorded as a body only: where its parts end is lost; record it with an agent"
        )
    return found


def _steps(conversations: Sequence[Sequence[RecordedCall]]) -> Iterator[_Step]:
    before: dict[str, Any] | None = None
    for calls in conversations:
        for number, call in enumerate(calls):
            assert call.request is not None
            now = part_values(call.request)
            if before is not None:
                same_run = number > 0 and now["prompt"] == before["prompt"]
                yield _Step(same_run, {part: _changed(part, before[part], now[part]) for part in PARTS})
            before = now


def _changed(part: str, before: Any, now: Any) -> bool:
    if part == "history":
        return bool(now[: len(before)] != before)
    return bool(now != before)


def _has(call: RecordedCall, part: str) -> bool:
    return call.request is not None and bool(part_values(call.request)[part])


def _share(changed: Sequence[bool]) -> float:
    return sum(changed) / len(changed) if changed else float("nan")


def _orders(present: Sequence[str], wires: set[str]) -> Iterator[Ordering]:
    """Every order of the present parts that the wires can send."""
    absent = [part for part in _MOVABLE if part not in present]
    for order in permutations(present):
        parts = (*order[: _opening(order)], *absent, *order[_opening(order) :])
        try:
            ordering = Ordering(" > ".join(order), ("tools", *parts))
            for wire in wires - {""}:
                ordering.check(wire)
        except UsageError:
            continue
        yield ordering


def _opening(order: Sequence[str]) -> int:
    """Where the conversation begins: absent parts named there change nothing."""
    place = next(index for index, part in enumerate(order) if part not in {"preamble", "volatile"})
    return place + (order[place] == "documents")


class _Trial:
    """Replays the calls in one order after another. What orders have in common is read, measured and priced once."""

    def __init__(
        self,
        conversations: Sequence[Sequence[RecordedCall]],
        served: Provider,
        cache: CacheOptions | None,
        timing: FirstToken,
        *,
        strict: bool,
        cut: ArrangedBlocks,
    ) -> None:
        self._conversations = conversations
        self._calls = [call for each in conversations for call in each]
        self._times = [call.at for call in self._calls]
        self._served, self._cache, self._timing, self._strict = served, cache, timing, strict
        self._cut, self._positions, self._bills = cut, PromptEnds(served.profile), Bills(served, timing)

    def row(self, ordering: Ordering) -> dict[str, Any]:
        """What the calls cost in an order."""
        found = judged(
            self._calls,
            [
                layout
                for each in self._conversations
                for layout in layouts(each, ordering=ordering, cache=self._cache, cut=self._cut)
            ],
            self._served,
            totals=[None] * len(self._calls),
            times=self._times,
            first_token=self._timing,
            strict=self._strict,
            positions=self._positions,
            bills=self._bills,
        )
        sent = sum(each.usage.input_tokens or 0 for each in found)
        read = sum(each.usage.cache_read_tokens or 0 for each in found)
        plain = sum(each.uncached_cost_usd for each in found)
        cost = sum(each.cost_usd for each in found)
        return {
            "ordering": ordering.name,
            "parts": tuple(ordering.name.split(" > ")),
            "hit_share": read / sent if sent else float("nan"),
            "cost_usd": cost,
            "saved_share": 1 - cost / plain if plain else float("nan"),
            "ttft_s": sum(each.ttft_s for each in found) / len(found),
            "all_parts": ordering.parts[1:],
        }


def _unrest(parts: Sequence[str], changes: dict[str, float]) -> tuple[Any, ...]:
    """Sorts an order by how soon its changing parts come, then by the usual order."""
    shares = [changes[part] if changes[part] == changes[part] else 0.0 for part in parts]
    return (*shares, *map(PARTS.index, parts))
