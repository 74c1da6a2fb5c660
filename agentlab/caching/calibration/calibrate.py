"""How far the cache policies can be trusted: every recorded conversation forecast, and compared with what was billed.

    frame = calibrate("recordings/")
    calibration_summary(frame)
    calibration_ids(frame, "wrong")

A forecast is one response ahead: it knows the request, how many tokens long the provider said it was, and everything
recorded earlier. `verdicts` says how each is judged, and which responses could not be forecast at all.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agentlab.caching.calibration.cassettes import Turn, turns
from agentlab.caching.calibration.forecasts import Forecast, forecasts
from agentlab.caching.calibration.recorded_cost import derived_cost
from agentlab.caching.calibration.recordings import Exchange, read_exchanges
from agentlab.caching.calibration.verdicts import VERDICTS, Comparison, Verdict, judge
from agentlab.caching.profiles.registry import Profile, profile_for
from agentlab.errors import UsageError
from agentlab.progress import ProgressOption, tracked

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["calibrate", "calibration_ids", "calibration_summary"]

COLUMNS: Final = (
    "id",
    "conversation",
    "provider",
    "model",
    "turn",
    "input_tokens",
    "predicted_read",
    "recorded_read",
    "predicted_write",
    "recorded_write",
    "error_read",
    "error_write",
    "granule",
    "verdict",
    "reason",
    "counted",
    "steady",
    "recorded_cost_usd",
    "derived_cost_usd",
    "cost_error",
    "cost_note",
)

ESTIMATE_ERROR: Final = 1 / 3
"""Error of the estimate of a short text, as a share of it: the 90th percentile over 43 recorded prompts of one message."""

STEADY: Final = ("anthropic", "bedrock-claude", "openai", "openai-legacy", "deepseek", "xai", "llamacpp")
"""Profiles whose rule leaves nothing to chance but the machine a request reaches, and that were recorded at length."""


def calibrate(
    folder: str | Path,
    *,
    strict: bool = True,
    providers: Collection[str] | None = None,
    progress: ProgressOption = "auto",
) -> pd.DataFrame:
    """Forecast every recorded response of a folder, and judge the forecasts.

    Args:
        folder: Recordings, in the form `recordings` describes.
        strict: Whether chance is left out of the policies: the provider's documented best case.
        providers: Only these providers; all where None.
        progress: Whether a bar is shown where it takes long; `auto`: where somebody watches.

    Returns:
        One row for each response that reported its tokens. Tokens are whole numbers (`<NA>`: not reported); `error_*`
        is forecast less recorded; `counted` is False where no forecast was possible; `steady` marks the
        providers of `STEADY`; costs are US dollars, NaN where unknown, and `cost_note` says why.

    Raises:
        UsageError: The folder holds no recordings, none of these providers, or a broken record.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, and only frames need it

    exchanges = tracked(read_exchanges(folder, providers), "calibrate", unit="response", progress=progress)
    rows = _rows(exchanges, strict=strict)
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    counts = [name for name in COLUMNS if name.endswith(("_read", "_write", "_tokens"))]
    costs = [name for name in COLUMNS if name.endswith("_usd")]
    return frame.astype(
        {
            **dict.fromkeys(counts, "Int64"),
            **dict.fromkeys([*costs, "cost_error"], "float64"),
            **dict.fromkeys(["counted", "steady"], "bool"),
        }
    )


def calibration_summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The calibration of each provider.

    Args:
        frame: What `calibrate` returns.

    Returns:
        One row for each provider and a last one, `steady`, for those whose caches leave little to chance (`STEADY`):
        `responses` whose prompt was read or written, as recorded or as forecast; how many of these could not be
        forecast; the verdicts on the rest; and `share`, the exact ones and those within one granule among the rest.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, and only frames need it

    touched = frame[_cache_bearing(frame)]
    rows = [_summed(str(provider), group) for provider, group in touched.groupby("provider")]
    rows.append(_summed("steady", touched[touched["steady"]]))
    return pd.DataFrame(rows).set_index("provider")


def calibration_ids(frame: pd.DataFrame, verdict: Verdict) -> list[str]:
    """The ids of the responses with a verdict.

    Args:
        frame: What `calibrate` returns.
        verdict: `exact`, `within one granule`, `explained` or `wrong`.

    Raises:
        UsageError: There is no such verdict.
    """
    if verdict not in VERDICTS:
        raise UsageError(f"a verdict is one of {', '.join(VERDICTS)}, not {verdict!r}")
    return [str(name) for name in frame.loc[frame["verdict"] == verdict, "id"]]


def _cache_bearing(frame: pd.DataFrame) -> pd.Series[bool]:
    counts = frame[["predicted_read", "recorded_read", "predicted_write", "recorded_write"]].fillna(0)
    return (counts > 0).any(axis=1)


def _summed(provider: str, group: pd.DataFrame) -> dict[str, Any]:
    counted = group[group["counted"]]
    by_verdict: dict[str, int] = {verdict: int((counted["verdict"] == verdict).sum()) for verdict in VERDICTS}
    good = by_verdict["exact"] + by_verdict["within one granule"]
    return {
        "provider": provider,
        "responses": len(group),
        "not forecast": len(group) - len(counted),
        **by_verdict,
        "share": good / len(counted) if len(counted) else float("nan"),
    }


def _rows(exchanges: Iterable[Exchange], *, strict: bool) -> Iterator[tuple[Any, ...]]:
    for placed in turns(exchanges):
        first = placed[0].exchange
        profile = profile_for(first.provider, first.model)
        for forecast in forecasts(placed, profile, strict=strict):
            yield _row(forecast.turn, _compared(forecast, profile))


def _row(turn: Turn, compared: Comparison) -> tuple[Any, ...]:
    exchange, usage = turn.exchange, turn.exchange.usage
    judged = judge(compared)
    stated = usage.reported_cost_usd
    cost = None if stated is None else derived_cost(exchange)
    return (
        exchange.id,
        f"{exchange.source}#{turn.conversation}",
        exchange.provider,
        exchange.model,
        turn.turn,
        usage.input_tokens,
        compared.read,
        compared.recorded_read,
        compared.write,
        compared.recorded_write,
        compared.error_read,
        compared.error_write,
        compared.granule,
        judged.verdict,
        judged.reason,
        judged.counted,
        compared.steady,
        stated,
        None if cost is None else cost.usd,
        None if cost is None or stated is None else cost.usd - stated,
        "" if cost is None else cost.note,
    )


def _compared(forecast: Forecast, profile: Profile) -> Comparison:
    usage = forecast.turn.exchange.usage
    granule = max(profile.granularity, math.ceil(ESTIMATE_ERROR * forecast.guessed))
    return Comparison(
        read=forecast.outcome.read_tokens or 0,
        write=forecast.outcome.write_tokens if profile.reports_writes else None,
        recorded_read=usage.cache_read_tokens or 0,
        recorded_write=usage.cache_write_tokens if profile.reports_writes else None,
        granule=granule,
        minimum=profile.min_tokens,
        opens=forecast.turn.opens,
        warm_read=forecast.if_warm.read_tokens or 0,
        sent_before=forecast.sent_before,
        slack=granule if profile.granularity == 1 else forecast.slack,
        steady=profile.name in STEADY,
        routed=not profile.deterministic,
        chance=_chance(profile),
        missing=forecast.turn.missing or _unknown(profile),
    )


def _unknown(profile: Profile) -> str | None:
    """Why a provider's cache cannot be forecast at all."""
    if profile.family == "longest_prefix":
        return "no rule is known of this provider's cache"
    return None if profile.reports_reads else "the provider does not report what it reads"


def _chance(profile: Profile) -> str:
    """What is left to chance in a provider's cache."""
    if profile.warm_up:
        return "warm-up: a prefix is read in full only after some requests"
    if profile.read_share != (1.0, 1.0):
        return "stochastic implicit cache"
    return "intermittent routing: a machine without the entry, or with a part of it"
