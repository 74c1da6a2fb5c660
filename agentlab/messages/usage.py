"""Token usage in one convention, whatever the wire says."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, structs

from agentlab.rich_display import html_of
from agentlab.short_repr import ShortRepr

__all__ = ["FinishReason", "Usage"]

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]


class Usage(ShortRepr, Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one model call, or the sum over several.

    None means the provider did not report it; it is never turned into 0.

    Attributes:
        input_tokens: The whole prompt, cache reads and writes included.
        output_tokens: Everything generated, reasoning included.
        cache_read_tokens: The part of the prompt read from the cache.
        cache_write_tokens: The part of the prompt written to the cache.
        cache_write_5m_tokens: Of the writes, those that live 5 minutes (Anthropic).
        cache_write_1h_tokens: Of the writes, those that live 1 hour (Anthropic).
        reasoning_tokens: The part of the output spent on reasoning.
        tool_use_prompt_tokens: Prompt tokens of server-side tools, outside `input_tokens` (Gemini).
        reported_total_tokens: The provider's own total, where it gives one.
        reported_cost_usd: The provider's own cost of the call, where it gives one.
        raw: The provider's usage object as sent; None on a sum.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    tool_use_prompt_tokens: int | None = None
    reported_total_tokens: int | None = None
    reported_cost_usd: float | None = None
    raw: dict[str, Any] | None = None

    @property
    def uncached_tokens(self) -> int | None:
        """Prompt tokens neither read from nor written to the cache."""
        if self.input_tokens is None:
            return None
        return max(0, self.input_tokens - (self.cache_read_tokens or 0) - (self.cache_write_tokens or 0))

    @property
    def total_tokens(self) -> int | None:
        """Prompt and output together; None where neither was reported."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0) + (self.tool_use_prompt_tokens or 0)

    @property
    def cache_hit_share(self) -> float | None:
        """Share of the prompt read from the cache, 0 to 1; None where it is not known."""
        if not self.input_tokens or self.cache_read_tokens is None:
            return None
        return self.cache_read_tokens / self.input_tokens

    def _repr_html_(self) -> str:
        return html_of(self)

    def __add__(self, other: Usage) -> Usage:
        """Sum field by field; what neither side reports stays None."""
        summed: dict[str, Any] = {}
        for name in _COUNTS:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is not None or theirs is not None:
                summed[name] = (mine or 0) + (theirs or 0)
        return Usage(**summed)

    def merged(self, later: Usage) -> Usage:
        """This report with a later one of the same call laid over it; what the later leaves out stays."""
        newer = {name: value for name in (*_COUNTS, "raw") if (value := getattr(later, name)) is not None}
        return structs.replace(self, **newer)


_COUNTS = tuple(name for name in Usage.__struct_fields__ if name != "raw")
