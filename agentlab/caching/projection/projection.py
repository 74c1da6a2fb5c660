"""What a run will cost if it goes on as it did: with and without a cache, compacted or not, at other lifetimes, later.

The model: each prompt is the one before and as much more as the recorded prompts grew; what was sent before is read at
the recorded share, the rest is written; output stays as it was. Prices are those of the day of the run and of the length
of each prompt. A compaction is a call that reads the whole conversation and writes a summary; what follows begins with
the first prompt, which is still cached, and the summary, which is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, structs

from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.policies.profile import Profile
from agentlab.caching.prices import Rates, price_changes, turn_cost, write_price
from agentlab.caching.prices import rates as rates_of
from agentlab.caching.profiles.registry import profile_for
from agentlab.caching.projection.growth import Growth, growth_of
from agentlab.caching.projection.reuse import break_even
from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Compaction", "Projection", "break_even", "project"]

THINK_TIMES_S: Final = (30, 120, 300, 900, 1800, 3600, 14_400, 86_400)


class Compaction(ShortRepr, Struct, frozen=True):
    """How a conversation is shortened.

    Attributes:
        summary_tokens: What is left of the history.
        calls_model: Whether a model writes the summary; False for a plain cut, such as clearing old tool results.
    """

    summary_tokens: int = 1000
    calls_model: bool = True


class Projection(ShortRepr, Struct, frozen=True):
    """A run continued; each table is computed when it is asked for.

    Attributes:
        growth: How the run grew.
        turns: Turns that are projected, those recorded included.
        compaction: How it is shortened in `cadence`.
        calls: The recorded calls.
        given: Prices to use in place of the table's.
    """

    growth: Growth
    turns: int
    compaction: Compaction
    calls: tuple[RecordedCall, ...]
    given: Rates | None = None

    @property
    def curve(self) -> pd.DataFrame:
        """One row a turn: prompt tokens, read tokens, cost with and without cache, and both summed up to here."""
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        price = self._price()
        rows: list[dict[str, Any]] = []
        for turn in range(1, self.turns + 1):
            prompt = self.growth.prompt_tokens(turn)
            read = self._read(turn)
            prices = price(prompt)
            rows.append(
                {
                    "turn": turn,
                    "input_tokens": prompt,
                    "cache_read_tokens": read,
                    "cached_usd": self._turn_usd(prices, prompt, read),
                    "uncached_usd": prompt * prices.uncached + self.growth.output_tokens * prices.output,
                }
            )
        frame = pd.DataFrame(rows)
        frame["cached_total_usd"] = frame["cached_usd"].cumsum()
        frame["uncached_total_usd"] = frame["uncached_usd"].cumsum()
        return frame

    @property
    def cadence(self) -> pd.DataFrame:
        """One row a cadence: compact every so many turns, what the run costs then, and how long its prompts get.

        The last row never compacts. Too often pays for summaries and lost caches, too seldom for long prompts.
        """
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        price = self._price()
        rows = [
            {
                "every_turns": every,
                "compactions": (self.turns - 1) // every,
                "cost_usd": self._compacted_usd(every, price),
                "longest_prompt_tokens": self.growth.prompt_tokens(min(every, self.turns))
                + (self.compaction.summary_tokens if every < self.turns else 0),
            }
            for every in range(1, self.turns + 1)
        ]
        return pd.DataFrame(rows)

    @property
    def best_cadence(self) -> int | None:
        """Compact every so many turns for the least cost; None where never compacting is cheapest."""
        price = self._price()
        costs = {every: self._compacted_usd(every, price) for every in range(1, self.turns + 1)}
        best = min(costs, key=lambda every: (costs[every], -every))
        return best if best < self.turns else None

    def lifetimes(
        self, think_times_s: Sequence[float] | None = None, lifetimes: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """One row a think time: the cost of the next prompt at each lifetime of the vendor's cache, and the cheapest of them.

        What a write costs follows from its lifetime, see `agentlab.caching.prices.write_price`; NaN where it is unknown. A
        pause longer than the lifetime writes the whole prompt again. A vendor with one lifetime has one column of costs.

        Args:
            think_times_s: Pauses between two calls, in seconds; half a minute to a day, with those at which an entry just
                lives and just does not, where None.
            lifetimes: Some of the vendor's lifetimes, by name; all where None.

        Raises:
            UsageError: The vendor has no such lifetime, none is known of it, or a think time is negative.
        """
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        profile = self._profile
        known = self._lifetimes(profile, lifetimes)
        prompt = self.growth.prompt_tokens(self.growth.calls + 1)
        prices = self._table_price()(prompt)
        before = prompt - self.growth.tokens_per_turn
        rows: list[dict[str, Any]] = []
        for pause in _pauses(think_times_s, known.values()):
            costs: dict[str, float] = {}
            for name, seconds in known.items():
                read = before if pause <= seconds else 0.0
                write = write_price(prices, profile, name)
                costs[name] = (read and read * prices.read) + (prompt - read) * write
            finite = {name: cost for name, cost in costs.items() if not math.isnan(cost)}
            best = min(finite, key=lambda name: (finite[name], known[name])) if finite else None
            rows.append(
                {"think_time_s": pause, **{f"{name}_usd": cost for name, cost in costs.items()}, "best": best}
            )
        return pd.DataFrame(rows)

    @property
    def prices(self) -> pd.DataFrame:
        """One row a price list: the first day it held, what the recorded run and the projected one cost at it."""
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        growth = self.growth
        changes = price_changes(growth.vendor, growth.model)
        days = [None, *(datetime.combine(day, time(12), UTC) for day in changes)]
        rows: list[dict[str, Any]] = []
        for day in days:
            at = day.timestamp() if day is not None else _long_before(changes)
            price = self._price(at)
            rows.append(
                {
                    "from_date": None if day is None else day.date(),
                    "input_usd_per_mtok": price(growth.first_tokens).uncached * 1e6,
                    "recorded_usd": self._recorded_usd(at),
                    "projected_usd": self._compacted_usd(self.turns, price),
                }
            )
        return pd.DataFrame(rows)

    # ------------------------------------------------------------ internal

    @property
    def _profile(self) -> Profile:
        return profile_for(self.growth.vendor, self.growth.model)

    def _lifetimes(self, profile: Profile, names: Sequence[str] | None) -> dict[str, float]:
        """Seconds by name, the shortest first."""
        who = f"`{self.growth.vendor}:{self.growth.model}`"
        if not profile.ttl:
            why = (
                "has no prompt cache"
                if profile.family == "none"
                else "keeps what it caches for no known time"
            )
            raise UsageError(f"{who} {why}: there are no lifetimes to compare")
        unknown = [repr(name) for name in names or () if name not in profile.ttl]
        if isinstance(names, str) or unknown:
            asked = repr(names) if isinstance(names, str) else ", ".join(unknown)
            raise UsageError(
                f"{who} has no cache lifetimes {asked}; give a list of {', '.join(map(repr, profile.ttl))}"
            )
        chosen = profile.ttl if names is None else names
        return {name: profile.ttl[name] for name in sorted(chosen, key=lambda name: profile.ttl[name])}

    def _price(self, at: float | None = None) -> Callable[[float], Rates]:
        """The prices by the length of a prompt; what a plain write costs is that of the recorded lifetime."""
        price, profile, ttl = self._table_price(at), self._profile, self.growth.ttl
        if ttl in {None, profile.default_ttl}:
            return price

        def of_lifetime(tokens: float) -> Rates:
            found = price(tokens)
            return structs.replace(found, write_5m=write_price(found, profile, ttl))

        return of_lifetime

    def _table_price(self, at: float | None = None) -> Callable[[float], Rates]:
        growth, given = self.growth, self.given
        if given is not None:
            return lambda _: given
        when = at if at is not None else growth.at
        if math.isnan(rates_of(growth.vendor, growth.model, when).uncached):
            raise UsageError(
                f"the price table has no price for `{growth.vendor}:{growth.model}`; give one as `rates=`"
            )
        return lambda tokens: rates_of(growth.vendor, growth.model, when, input_tokens=math.ceil(tokens))

    def _read(self, turn: int) -> float:
        return self.growth.read_share * self.growth.prompt_tokens(turn - 1) if turn > 1 else 0.0

    def _turn_usd(self, prices: Rates, prompt: float, read: float) -> float:
        cached = (read and read * prices.read) + (prompt - read) * prices.write_5m
        return cached + self.growth.output_tokens * prices.output

    def _compacted_usd(self, every: int, price: Callable[[float], Rates]) -> float:
        """What the run costs, compacted after every so many turns."""
        growth, summary = self.growth, self.compaction.summary_tokens
        total, before, fresh = 0.0, 0.0, 0
        for turn in range(1, self.turns + 1):
            grown = growth.first_tokens + growth.tokens_per_turn * fresh + (summary if turn > every else 0)
            total += self._turn_usd(price(grown), grown, growth.read_share * min(before, grown))
            before, fresh = grown, fresh + 1
            if turn % every == 0 and turn < self.turns:
                if self.compaction.calls_model:
                    prices, asked = price(grown), grown + growth.tokens_per_turn
                    total += self._turn_usd(prices, asked, growth.read_share * grown)
                    total += (summary - growth.output_tokens) * prices.output
                before, fresh = growth.first_tokens, 1
        return total

    def _recorded_usd(self, at: float) -> float:
        costs = [
            turn_cost(call.vendor, call.model, call.usage, at, ttl=self.growth.ttl).total_usd
            for call in self.calls
            if call.usage is not None
        ]
        return math.fsum(costs) if costs else math.nan


def project(
    trace: Calls, turns: int = 200, *, compaction: Compaction | None = None, rates: Rates | None = None
) -> Projection:
    """Continue a recorded run.

    Args:
        trace: A trace, or a list of `RecordedCall`.
        turns: Turns to project, those recorded included.
        compaction: How the history is shortened in the cadence sweep; to a summary of 1,000 tokens where None.
        rates: Prices of a token; those of the model on the day of the run where None.

    Raises:
        UsageError: There is no call, or fewer than one turn is asked for.
    """
    asked: object = turns
    if not isinstance(asked, int) or asked < 1:
        raise UsageError(f"`turns` is how many turns to project, at least one turn, not {asked!r}")
    if compaction is not None and compaction.summary_tokens < 0:
        raise UsageError(f"a summary cannot have {compaction.summary_tokens} tokens; give 0 or more")
    return Projection(growth_of(trace), turns, compaction or Compaction(), calls_of(trace), rates)


def _pauses(given: Sequence[float] | None, lifetimes: Iterable[float]) -> list[float]:
    if given is None:
        return sorted({*THINK_TIMES_S, *(edge for seconds in lifetimes for edge in (seconds, seconds + 1))})
    negative = [pause for pause in given if not pause >= 0]
    if negative:
        raise UsageError(f"think times are seconds, 0 or more, not {negative[0]!r}")
    return list(given)


def _long_before(changes: Sequence[Any]) -> float:
    """A time at which the first price list held: the day before the first change."""
    first = (
        datetime.combine(changes[0], time(12), UTC).timestamp() if changes else datetime.now(UTC).timestamp()
    )
    return first - 86_400.0
