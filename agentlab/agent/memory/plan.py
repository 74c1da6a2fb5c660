"""What a memory is about to do, and what it did: said before the first model call of a run, kept in its trace."""

from __future__ import annotations

from msgspec import Struct

from agentlab.agent.memory.remembered import Remembered
from agentlab.short_repr import ShortRepr, one_line

__all__ = ["MemoryPlan", "MemoryStep"]


class MemoryPlan(ShortRepr, Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a memory will do to a history, and to what the provider has cached of it.

    Predictions are the documented best case of the provider's cache, in its own tokens as far as they are known (see
    `agentlab.caching.Prompt`); they hold if what was sent last is still cached.

    Attributes:
        policy: The memory's name.
        kept_messages: Messages of the history that are sent word for word.
        dropped_messages: Messages that are left out.
        newly_dropped: Of those, how many the request before this one still had: 0 where the cut is where it was.
        tokens: Estimated tokens of the history as it is sent, with a summary, without what is recalled.
        dropped_tokens: Estimated tokens of what is left out.
        writes_summary: Whether a model must be called for a summary first.
        most_recalled: How many earlier exchanges may go with the prompt.
        moves: The first block of the last request that is no longer where it was: `message 1 (user)`; None where the last
            request is still the beginning of this one.
        cache_read_tokens: Tokens this request will read from the cache; None where it was not worked out: nothing moves.
        cache_read_lost_tokens: Tokens more that it would read if it sent on everything that was sent last.
        input_tokens: Tokens of the whole request; None as above.
        cost_delta_usd: US dollars by which the prompt of this request is dearer than if everything were sent on, below 0
            where it is cheaper; None where it was not worked out or a price is not known. What the summary costs is not
            in it.
    """

    policy: str
    kept_messages: int
    dropped_messages: int
    newly_dropped: int
    tokens: int
    dropped_tokens: int
    writes_summary: bool = False
    most_recalled: int = 0
    moves: str | None = None
    cache_read_tokens: int | None = None
    cache_read_lost_tokens: int = 0
    input_tokens: int | None = None
    cost_delta_usd: float | None = None

    def __str__(self) -> str:
        sent = f"sends {self.kept_messages} messages of the history, about {self.tokens:,} tokens"
        left = f"leaves out {self.dropped_messages}, about {self.dropped_tokens:,} tokens"
        lines = [f"{self.policy}: {sent}, and {left}."]
        if self.moves is None:
            lines.append("The last request is still the beginning of this one: the cached prefix stays.")
        else:
            cost = self.cost_delta_usd
            dollars = "" if cost is None else f", ${abs(cost):.6f} {'dearer' if cost > 0 else 'cheaper'}"
            lines.append(
                f"The cached prefix moves at {self.moves}: {self.cache_read_lost_tokens:,} tokens fewer are read than if all "
                f"were sent on{dollars} for this request."
            )
        if self.writes_summary:
            lines.append("A model is called first, for a summary.")
        if self.most_recalled:
            lines.append(
                f"Up to {self.most_recalled} earlier exchanges go with the prompt, which moves nothing."
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return one_line(
            f"MemoryPlan({self.policy!r}, kept={self.kept_messages}, dropped={self.dropped_messages}, moves={self.moves!r}, "
            f"cache_read_lost_tokens={self.cache_read_lost_tokens})"
        )


class MemoryStep(ShortRepr, Struct, frozen=True):
    """What a run's memory planned, and what came of it.

    Attributes:
        plan: What was said before.
        done: What was sent; other than planned only where `warning` says why.
    """

    plan: MemoryPlan
    done: Remembered
