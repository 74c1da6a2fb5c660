"""The tokens of a call as a bar of parts that do not overlap, with fixed names, colours and order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agentlab.messages import Usage

__all__ = ["SEGMENTS", "Segment", "TokenBar", "count", "money", "seconds"]


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of the bar.

    Attributes:
        name: Its key.
        label: What a reader calls it.
        color: CSS colour; readable on light and dark (Okabe-Ito, which colour-blind readers can tell apart).
    """

    name: str
    label: str
    color: str


SEGMENTS: Final = (
    Segment("uncached", "uncached", "#0072b2"),
    Segment("read", "read", "#009e73"),
    Segment("write_5m", "written 5m", "#e69f00"),
    Segment("write_1h", "written 1h", "#d55e00"),
    Segment("write", "written", "#c8a415"),
    Segment("output", "output", "#cc79a7"),
    Segment("reasoning", "of it reasoning", "#8a6fb0"),
)
_DRAWN: Final = ("read", "write_5m", "write_1h", "write", "uncached", "reasoning", "output")


@dataclass(frozen=True, slots=True)
class TokenBar:
    """Tokens by segment; None where the provider did not report.

    Attributes:
        uncached: Prompt tokens paid in full.
        read: Prompt tokens read from the cache.
        write_5m: Prompt tokens written to the cache for 5 minutes.
        write_1h: Prompt tokens written to the cache for 1 hour.
        write: Prompt tokens written to the cache with no lifetime given.
        output: Generated tokens, reasoning included, as `Usage` counts them.
        reasoning: Of these, the tokens spent on reasoning.
    """

    uncached: int | None = None
    read: int | None = None
    write_5m: int | None = None
    write_1h: int | None = None
    write: int | None = None
    output: int | None = None
    reasoning: int | None = None

    @classmethod
    def of(cls, usage: Usage) -> TokenBar:
        """Cut a usage report into its segments."""
        lived = (usage.cache_write_5m_tokens or 0) + (usage.cache_write_1h_tokens or 0)
        write = usage.cache_write_tokens
        rest = None if write is None or (lived and write <= lived) else write - lived
        return cls(
            uncached=usage.uncached_tokens,
            read=usage.cache_read_tokens,
            write_5m=usage.cache_write_5m_tokens,
            write_1h=usage.cache_write_1h_tokens,
            write=rest,
            output=usage.output_tokens,
            reasoning=usage.reasoning_tokens,
        )

    def counts(self) -> dict[str, int]:
        """What was reported, by segment, in order: the numbers a reader is shown."""
        named = ((segment.name, getattr(self, segment.name)) for segment in SEGMENTS)
        return {name: value for name, value in named if value is not None}

    def lengths(self) -> dict[str, int]:
        """How long each segment is drawn, in the order a provider meets them: what is read is the start of the prompt.

        As `counts`, with the output drawn without its reasoning; none is 0.
        """
        lengths = self.counts()
        if self.output is not None:
            lengths["output"] = max(0, self.output - (self.reasoning or 0))
        return {name: lengths[name] for name in _DRAWN if lengths.get(name, 0) > 0}

    @property
    def total(self) -> int:
        """Length of the bar, in tokens."""
        return sum(self.lengths().values())


def count(value: int | None) -> str:
    """A number of tokens for a reader; a dash where it was not reported."""
    return "–" if value is None else f"{value:,}"  # noqa: RUF001 - a dash, as tables have it


def money(usd: float | None, *, at_least: bool = False) -> str:
    """A price for a reader, to the hundredth of a cent; a dash where it is unknown."""
    if usd is None:
        return "–"  # noqa: RUF001 - a dash, as tables have it
    return f"{'≥ ' if at_least else ''}${usd:,.4f}"


def seconds(value: float | None) -> str:
    """A time for a reader; a dash where it is unknown."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash, as tables have it
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.2f} s"
