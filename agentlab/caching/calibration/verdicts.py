"""Judges one forecast against what the provider reported.

Two rules keep it honest. A forecast sees the request, its recorded length, and everything recorded before it: nothing
the response says of its cache. And a cache may be warm when a recording begins, which no recording can show: a response
that read more than the recording shows sent before it is set apart as `explained`, and not counted as a forecast.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from agentlab.short_repr import ShortRepr

__all__ = ["VERDICTS", "Comparison", "Judgement", "Verdict", "judge"]

Verdict = Literal["exact", "within one granule", "explained", "wrong"]

VERDICTS: Final[tuple[Verdict, ...]] = ("exact", "within one granule", "explained", "wrong")

WARM: Final = "warm before the recording began"


class Comparison(ShortRepr, Struct, frozen=True):
    """What was forecast for one response, what was recorded, and what is known of the provider.

    Attributes:
        read: Tokens forecast to be read from the cache.
        write: Tokens forecast to be written; None where the provider does not report writes.
        recorded_read: Tokens reported read.
        recorded_write: Tokens reported written; None where not reported.
        granule: Steps in which the provider counts, in tokens; for an exact provider whose cached part ends at a place
            nothing had told, the error of the estimate.
        minimum: Shortest prompt it promises to cache, in tokens.
        opens: Whether the response is the first of its conversation.
        warm_read: What would be read had the same prompt been sent before the recording.
        sent_before: Tokens of the prompt that the recording shows sent before.
        slack: How far off that may be.
        steady: Whether the provider's rule leaves little to chance.
        routed: Whether chance, such as the machine a request reaches, decides what is read.
        chance: What the provider's chance is called.
        missing: Why no forecast is possible; None where one is.
    """

    read: int
    write: int | None
    recorded_read: int
    recorded_write: int | None
    granule: int = 1
    minimum: int = 0
    opens: bool = False
    warm_read: int = 0
    sent_before: int = 0
    slack: float = 0.0
    steady: bool = True
    routed: bool = False
    chance: str = "intermittent routing"
    missing: str | None = None

    @property
    def error_read(self) -> int:
        """Forecast less recorded."""
        return self.read - self.recorded_read

    @property
    def error_write(self) -> int:
        """Forecast less recorded; 0 where the provider does not report writes."""
        if self.write is None or self.recorded_write is None:
            return 0
        return self.write - self.recorded_write


class Judgement(ShortRepr, Struct, frozen=True):
    """The verdict on a compared.

    Attributes:
        verdict: `exact`, `within one granule`, `explained` or `wrong`.
        reason: Why it is not exact, in words; empty where it is.
        counted: Whether it counts for or against the forecasts: False where no forecast was possible.
    """

    verdict: Verdict
    reason: str = ""
    counted: bool = True


def judge(compared: Comparison) -> Judgement:
    """The verdict on one forecast."""
    if compared.missing is not None:
        return Judgement("explained", compared.missing, counted=False)
    worst = max(abs(compared.error_read), abs(compared.error_write))
    if worst == 0:
        return Judgement("exact")
    if compared.error_read < 0 and compared.recorded_read > compared.sent_before + compared.slack:
        return Judgement("explained", _warm_reason(compared), counted=False)
    if worst <= compared.granule:
        return Judgement("within one granule", f"off by at most {compared.granule}")
    if compared.error_read < 0:
        return _read_more(compared)
    return _read_less(compared)


def _warm_reason(compared: Comparison) -> str:
    """More was read than the recording shows sent: no prefix cache can do that but with entries from before."""
    if not compared.opens:
        return f"{WARM}: more was read than any earlier prompt of it has in common"
    if abs(compared.warm_read - compared.recorded_read) <= compared.granule:
        return f"{WARM}: the whole prompt had been sent before"
    if compared.recorded_read < compared.minimum:
        return f"{WARM}: a hidden template, or a hit below the documented minimum of {compared.minimum}"
    return f"{WARM}: a shorter prefix, or the vendor's template, had been sent before"


def _read_more(compared: Comparison) -> Judgement:
    """More was read than forecast, but no more than had been sent."""
    if compared.recorded_read < compared.minimum:
        return Judgement("explained", f"a hit below the documented minimum of {compared.minimum}")
    return Judgement("wrong", "more was read than the rule allows")


def _read_less(compared: Comparison) -> Judgement:
    """Less was read than forecast, or as much, and the writes differ."""
    prefix = compared.recorded_read + (compared.recorded_write or 0)
    if compared.error_read == 0 and compared.recorded_write and prefix < compared.minimum:
        return Judgement("explained", f"a write below the documented minimum of {compared.minimum}")
    if compared.error_read == 0:
        return Judgement("wrong", "the writes differ")
    if compared.routed:
        return Judgement("explained", compared.chance)
    return Judgement("wrong", "less was read than the rule allows")
