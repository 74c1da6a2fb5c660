"""Why the cache could not be read as far as it might: an answer for a terminal, a notebook and a notice."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from agentlab.caching.blocks.splitting import Block
from agentlab.caching.explaining.cause import Cause
from agentlab.caching.explaining.explanation_html import explanation_html
from agentlab.caching.visible_text import visible
from agentlab.messages import CacheDiagnosis
from agentlab.short_repr import one_line

__all__ = ["Explanation", "Explanations"]

_MOST_SHOWN = 8


class Explanation(Struct, frozen=True):
    """Why a request no longer begins with the one before it.

    Attributes:
        cause: The first change in render order: the one that ended the shared prefix.
        also: Other changes. Mending the first alone would move the miss to the next of these.
        tokens_kept: Tokens of the earlier request that can still be read.
        tokens_lost: Tokens of the earlier request that no longer can.
        dollars_lost: What these cost more, in US dollars, for being paid again and not read; NaN where no price is known.
        provider: Vendor whose words and prices were used; None where it is not known.
        model: The later request's model; None where it is not known.
        turn: The later request's turn in its run; None outside a run.
        previous: Blocks of the earlier request.
        current: Blocks of the later one.
        estimated: Whether the tokens are estimated from the texts; else they are scaled to what the provider reported
            of the earlier request.
        provider_says: The provider's own diagnosis of the later request, where it was asked for one.
        names: What a reader calls the earlier and the later request, where they are no turns of a run.
    """

    cause: Cause
    also: tuple[Cause, ...]
    tokens_kept: int
    tokens_lost: int
    dollars_lost: float
    provider: str | None = None
    model: str | None = None
    turn: int | None = None
    previous: tuple[Block, ...] = ()
    current: tuple[Block, ...] = ()
    estimated: bool = True
    provider_says: CacheDiagnosis | None = None
    names: tuple[str, str] | None = None

    @property
    def reason(self) -> str | None:
        """The vendor's own word for the first change; None where it has none."""
        return self.cause.reason

    @property
    def place(self) -> str:
        """Where the prefix ends: `preamble character 6190`."""
        return self.cause.place

    @property
    def later(self) -> str:
        """What a reader calls the later request: its name, or its turn; empty where it has neither."""
        if self.names is not None:
            return self.names[1]
        return f"turn {self.turn}" if self.turn is not None else ""

    @property
    def line(self) -> str:
        """Everything that matters in one line."""
        word = f" ({self.reason})" if self.reason else ""
        more = f"; also {_listed(self.also)}" if self.also else ""
        return visible(
            f"the cached prefix moved at {self.cause.place}{word}: {self._tokens()} of the previous request cannot be "
            f"read again{self._dollars()}{more}"
        )

    def _tokens(self) -> str:
        return f"{self.tokens_lost:,} tokens{' (estimated)' if self.estimated else ''}"

    def _dollars(self) -> str:
        return "" if math.isnan(self.dollars_lost) else f", ${self.dollars_lost:.6f}"

    def _cost(self) -> str:
        return (
            f"{self._tokens()} of the previous request cannot be read again{self._dollars()}; "
            f"{self.tokens_kept:,} still can."
        )

    def __str__(self) -> str:
        turn = f"Turn {self.turn}: the" if self.turn is not None else "The"
        if self.names is not None:
            turn = f"{self.names[1]} against {self.names[0]}: the"
        word = f" ({self.reason})" if self.reason else ""
        lines = [
            f"{turn} cached prefix moved at {self.cause.place}{word}.",
            f"  {self.cause.sentence}",
            f"  {self._cost()}",
        ]
        if self.provider_says is not None:
            lines.append(f"  The provider says: {self.provider_says}.")
        lines += [f"  Also: {cause.sentence}" for cause in self.also[:_MOST_SHOWN]]
        if len(self.also) > _MOST_SHOWN:
            lines.append(f"  and {len(self.also) - _MOST_SHOWN} changes more")
        return visible("\n".join(lines))

    def __repr__(self) -> str:
        return one_line(f"<Explanation: {self.line}>")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return explanation_html(
            str(self).partition("\n")[0],
            self.cause,
            self.also,
            (self.previous, self.current),
            self._cost() + (f" The provider says: {self.provider_says}." if self.provider_says else ""),
        )


class Explanations(list[Explanation]):
    """Explanations of a run, in order; empty where nothing moved."""

    def __str__(self) -> str:
        lines = [str(each) for each in self[:_MOST_SHOWN]]
        if len(self) > _MOST_SHOWN:
            rest = self[_MOST_SHOWN:]
            turns = ", ".join(str(each.turn) for each in rest if each.turn is not None)
            lines.append(f"The prefix moved again at turns {turns}." if turns else f"and {len(rest)} more")
        return "\n".join(lines) or "every request begins with the one before it"

    def __repr__(self) -> str:
        places = ", ".join(each.later or each.place for each in self[:_MOST_SHOWN])
        more = len(self) - _MOST_SHOWN
        return one_line(f"Explanations({places}{f', and {more} more' if more > 0 else ''})")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's
        printer.text(str(self))

    def _repr_html_(self) -> str:
        if not self:
            return f"<div>{self}</div>"
        shown = "".join(each._repr_html_() for each in self[:_MOST_SHOWN])
        more = len(self) - _MOST_SHOWN
        return f"{shown}<div>and {more} turns more</div>" if more > 0 else shown


def _listed(causes: tuple[Cause, ...]) -> str:
    shown = ", ".join(cause.place for cause in causes[:3])
    return f"{shown} and {len(causes) - 3} more" if len(causes) > 3 else shown
