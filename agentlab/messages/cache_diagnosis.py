"""Why the provider says that a prompt could not be read from its cache, in one form for every wire."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from agentlab.short_repr import ShortRepr

__all__ = ["CacheDiagnosis", "CacheVerdict"]

CacheVerdict = Literal["hit", "miss", "pending", "not_found", "unavailable"]


class CacheDiagnosis(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """A provider's own comparison of a request with an earlier one; asked for with `CacheOptions(diagnose=True)`.

    It compares the requests, whatever the cache did: the counters of `Usage` say what was read. Sources:
    https://platform.claude.com/docs/en/build-with-claude/cache-diagnostics and
    https://developers.openai.com/api/docs/guides/prompt-caching/diagnostics

    Attributes:
        verdict: `miss`: something changed; `hit`: nothing did; `pending`: the answer was written before the comparison
            was done; `not_found`: the earlier request is not known; `unavailable`: there is nothing to say.
        reason: The provider's own word: `tools_changed`. None where it hit or is pending.
        missed_tokens: About how many prompt tokens stand behind the change; None where not told.
        raw: The provider's object as sent.
    """

    verdict: CacheVerdict
    reason: str | None = None
    missed_tokens: int | None = None
    raw: dict[str, Any] | None = None

    def __str__(self) -> str:
        tokens = f" ({self.missed_tokens:,} tokens)" if self.missed_tokens is not None else ""
        return f"{self.reason or self.verdict}{tokens}"
