"""The frames under OpenTelemetry's attribute names."""

from __future__ import annotations

import pandas as pd

from agentlab.experiments.frames.columns import OTEL_NAMES

__all__ = ["to_otel"]


def to_otel(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of runs or turns with the GenAI attribute names of OpenTelemetry; other columns keep theirs.

    Finish reasons become lists, as the convention has them.

    Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/
    """
    renamed = frame.rename(columns=OTEL_NAMES)
    reasons = OTEL_NAMES["finish_reason"]
    if reasons in renamed:
        renamed[reasons] = [[reason] if isinstance(reason, str) else [] for reason in renamed[reasons]]
    renamed.attrs = dict(frame.attrs)
    return renamed
