"""How every figure looks: legible on white and on black, and for readers who do not tell colours apart.

Colours are Okabe and Ito's (2008), the dark ones lightened for a dark ground; whatever a colour says, a marker, a line
style or a hatch says as well. Nothing global is changed: every artist is given its colours itself, so that a figure
can be drawn into any axes.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.statistics.checking import suggestion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "HATCHES",
    "LINES",
    "MARKERS",
    "Theme",
    "ThemeName",
    "canvas",
    "dress",
    "legend",
    "note",
    "quantity",
    "require",
]

ThemeName = Literal["light", "dark"]

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
LINES: Final = ("solid", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
HATCHES: Final = ("", "///", "...", "xxx", "\\\\\\")


@dataclass(frozen=True)
class Theme:
    """A ground and what is drawn on it.

    Attributes:
        paper: Ground of the figure.
        ink: Text and lines.
        muted: Notes, axes, what is beside the point.
        grid: Grid lines.
        colours: One for each arm, in turn.
    """

    paper: str
    ink: str
    muted: str
    grid: str
    colours: tuple[str, ...]

    def colour(self, place: int) -> str:
        """Colour of the arm at this place."""
        return self.colours[place % len(self.colours)]

    def marker(self, place: int) -> str:
        """Marker of the arm at this place; no two of the first seventy arms share both colour and marker."""
        return MARKERS[(place + 2 * (place // len(self.colours))) % len(MARKERS)]


_THEMES: Final[dict[str, Theme]] = {
    "light": Theme(
        paper="#ffffff",
        ink="#1a1a1a",
        muted="#595959",
        grid="#dedede",
        colours=("#0072b2", "#d55e00", "#007d5a", "#b0558a", "#b37a00", "#2f8fc4", "#666666"),
    ),
    "dark": Theme(
        paper="#16181d",
        ink="#ececec",
        muted="#a9adb5",
        grid="#343841",
        colours=("#56b4e9", "#ff8f40", "#2ec79b", "#e59ac4", "#f0e442", "#8fb8ff", "#c4c4c4"),
    ),
}


def canvas(
    ax: Axes | None,
    theme: ThemeName | None,
    *,
    width: float = 7.0,
    height: float = 4.2,
    beside: Iterable[str] = (),
) -> tuple[Axes, Theme]:
    """Axes to draw in and the theme to draw with.

    Args:
        ax: Axes of the caller's own figure; without it a new figure is made.
        theme: `light` or `dark`, also for the caller's figure. Without it: the ground of the caller's figure, else
            the environment variable `AGENTLAB_THEME`, else what matplotlib's own style is set to.
        width: Of a new figure, in inches.
        height: Of a new figure, in inches.
        beside: What the legend beside the axes will say; a new figure is made wide enough for it.

    Raises:
        UsageError: If there is no such theme.
    """
    import matplotlib.pyplot as plt  # noqa: PLC0415 - heavy; only figures need it
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415 - heavy; only figures need it

    if theme is not None and theme not in _THEMES:
        raise UsageError(f"no theme `{theme}`; {suggestion(theme, _THEMES)}")
    named = theme or _host_theme(ax)
    if ax is None:
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        needed = 5.2 + 0.08 * max((len(text) for text in beside), default=0)
        _, ax = plt.subplots(figsize=(max(width, needed), height), layout=layout)
        ax.figure.set_facecolor(_THEMES[named].paper)
    elif theme is not None:  # labels stand on the figure, not on the axes
        ax.figure.set_facecolor(_THEMES[named].paper)
    return ax, _THEMES[named]


def _host_theme(ax: Axes | None) -> str:
    from matplotlib import colors, rcParams  # noqa: PLC0415 - heavy; only figures need it

    declared = os.environ.get("AGENTLAB_THEME", "")
    if ax is None and declared in _THEMES:
        return declared
    ground = rcParams["figure.facecolor"] if ax is None else ax.figure.get_facecolor()
    red, green, blue, opacity = colors.to_rgba(ground)
    return "dark" if opacity > 0 and 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "light"


def dress(
    ax: Axes,
    theme: Theme,
    *,
    title: str,
    x: str,
    y: str,
    grid: Literal["x", "y", "both"] = "both",
    above: bool = False,
) -> None:
    """Give axes their words and colours; `above` leaves room for a legend between title and axes."""
    ax.set_facecolor(theme.paper)
    ax.set_title(
        textwrap.fill(title, 60),
        loc="left",
        color=theme.ink,
        fontsize=11,
        fontweight="bold",
        pad=28 if above else 10,
    )
    ax.set_xlabel(x, color=theme.ink, fontsize=10)
    ax.set_ylabel(y, color=theme.ink, fontsize=10)
    ax.tick_params(colors=theme.muted, labelcolor=theme.ink, labelsize=9, which="both")
    for side, spine in ax.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(theme.muted)
    ax.set_axisbelow(True)
    ax.grid(visible=False, which="both")
    ax.grid(visible=True, axis=grid, color=theme.grid, linewidth=0.8)
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_offset_text().set_color(theme.muted)


def legend(
    ax: Axes,
    theme: Theme,
    *,
    handles: Sequence[Any] | None = None,
    title: str | None = None,
    above: bool = False,
) -> None:
    """A legend beside the axes, or `above` them in one line where numbers stand beside: it hides nothing."""
    entries = ax.get_legend_handles_labels()[0] if handles is None else list(handles)
    if not entries:
        return
    drawn = ax.legend(
        handles=entries,
        title=title,
        loc="lower left" if above else "upper left",
        bbox_to_anchor=(0.0, 1.01) if above else (1.01, 1.0),
        borderaxespad=0.2 if above else 0,
        frameon=False,
        fontsize=9,
        labelcolor=theme.ink,
        ncols=len(entries) if above else 1 + (len(entries) - 1) // 18,
        handlelength=2.4,
    )
    drawn.get_title().set_color(theme.muted)
    drawn.get_title().set_fontsize(9)
    drawn._legend_box.align = "left"  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way


def note(ax: Axes, theme: Theme, lines: Iterable[str]) -> None:
    """Small print below the axes: what is not in the figure."""
    text = "\n".join(lines)
    if text:
        ax.annotate(
            text,
            xy=(0, 0),
            xycoords="axes fraction",
            xytext=(0, -40),
            textcoords="offset points",
            va="top",
            ha="left",
            fontsize=8.5,
            color=theme.muted,
            gid="note",
        )


def require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise a UsageError unless the frame has rows and these columns."""
    for name in columns:
        if name not in frame:
            raise UsageError(f"the frame has no column `{name}`; {suggestion(name, frame.columns)}")
    if frame.empty:
        raise UsageError("there is nothing to draw: the frame has no rows")


def quantity(column: str) -> str:
    """A column as the label of an axis, with its unit."""
    known = {
        "cost_usd": "cost per run (US$)",
        "cost_nocache_usd": "cost per run without cache (US$)",
        "cost_spent_usd": "spent per run (US$)",
        "output_tokens_per_s": "output (tokens/s)",
        "cache_hit_ratio": "cache hit ratio",
    }
    if column in known:
        return known[column]
    if column.startswith("score_"):
        return f"{column.removeprefix('score_').replace('_', ' ')} (mean score)"
    for ending, unit in (("_usd", "US$"), ("_s", "s"), ("_tokens", "tokens")):
        if column.endswith(ending):
            return f"{column.removesuffix(ending).replace('_', ' ')} ({unit})"
    return column.replace("_", " ")
