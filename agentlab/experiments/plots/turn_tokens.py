"""What the tokens of each turn were: read from the cache, written to it, neither, reasoned, answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.style import HATCHES, ThemeName, canvas, dress, legend, note, require
from agentlab.experiments.statistics.checking import suggestion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["token_parts", "turn_tokens"]

_PARTS: Final = {"cache read": 0, "cache write": 3, "uncached input": 1, "reasoning": 4, "output": 2}
"""Part of the bar to its place in the theme's colours."""


def turn_tokens(
    turns: pd.DataFrame,
    *,
    run: str | None = None,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """Stacked bars of a run's tokens, turn by turn; without a run, the mean over all runs that got so far.

    Args:
        turns: One row a model call (`res.turns`); its counts are inclusive, the bars' parts add up to the total.
        run: The `run_id` to draw.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: If the frame is empty, lacks a column or the run, or no turn reports its tokens.
    """
    require(turns, ["turn", "input_tokens", "output_tokens"])
    chosen = turns
    if run is not None:
        require(turns, ["run_id"])
        chosen = turns[turns["run_id"] == run]
        if chosen.empty:
            raise UsageError(
                f"no turn has the run_id `{run}`; {suggestion(run, turns['run_id'].unique()[:5])}"
            )
    parts = token_parts(chosen)
    if parts.empty:
        raise UsageError("no turn reports its `input_tokens`")
    ax, look = canvas(ax, theme)
    base = pd.Series(0.0, index=parts.index)
    for place, (name, colour) in enumerate(_PARTS.items()):
        if (parts[name] > 0).any():
            ax.bar(
                parts.index,
                parts[name],
                bottom=base,
                width=0.72,
                color=look.colour(colour),
                edgecolor=look.paper,
                hatch=HATCHES[place],
                linewidth=0.6,
                label=name,
            )
        base += parts[name]
    if len(base) <= 14:
        for turn, total in base.items():
            ax.annotate(
                f"{total:,.0f}", (float(str(turn)), total), xytext=(0, 3), textcoords="offset points",
                ha="center", fontsize=8.5, color=look.ink,
            )  # fmt: skip
    _scales(ax, parts.index)
    n_runs = chosen["run_id"].nunique() if "run_id" in chosen else 1
    of = f"run {run}" if run is not None else f"mean of {n_runs} runs" if n_runs > 1 else "one run"
    dress(ax, look, title=f"Tokens by turn ({of})", x="turn", y="tokens", grid="y")
    legend(ax, look)
    note(ax, look, _unreported(chosen))
    return ax


def token_parts(turns: pd.DataFrame) -> pd.DataFrame:
    """Mean tokens of each part, indexed by turn; calls that do not report their prompt are left out."""
    known = turns[turns["input_tokens"].notna()]

    def count(name: str) -> pd.Series[float]:
        if name not in known:
            return pd.Series(0.0, index=known.index)
        return known[name].astype("Float64").fillna(0).astype(float)

    read, write = count("cache_read_input_tokens"), count("cache_write_input_tokens")
    reasoning = count("reasoning_output_tokens")
    parts = pd.DataFrame(
        {
            "turn": known["turn"],
            "cache read": read,
            "cache write": write,
            "uncached input": (count("input_tokens") - read - write).clip(lower=0),
            "reasoning": reasoning,
            "output": (count("output_tokens") - reasoning).clip(lower=0),
        }
    )
    return parts.groupby("turn").mean()


def _unreported(turns: pd.DataFrame) -> list[str]:
    lines = []
    silent = int(turns["input_tokens"].isna().sum())
    if silent:
        lines.append(f"{silent} of {len(turns)} calls do not report their tokens and are not in it")
    for name, words in (("cache_read_input_tokens", "read"), ("cache_write_input_tokens", "written")):
        unknown = int((turns[name].isna() & turns["input_tokens"].notna()).sum()) if name in turns else 0
        if unknown:
            lines.append(f"{unknown} calls do not report what was {words}; that part is shown as uncached")
    return lines


def _scales(ax: Axes, turns: pd.Index) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - heavy; only figures need it

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=14))
    ax.set_xlim(float(turns.min()) - 0.7, float(turns.max()) + 0.7)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.margins(y=0.12)
