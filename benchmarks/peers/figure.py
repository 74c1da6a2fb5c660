"""The figure of a benchmark: a row a way, a panel a case, a dot on a logarithmic axis.

Written as SVG by hand: a few kilobytes, and it follows the reader's light or dark colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Final

from msgspec import Struct

__all__ = ["KINDS", "Panel", "drawn", "short"]

KINDS: Final = {"ours": "agentlab", "floor": "floor", "sdk": "SDK", "agent": "agent library"}
"""What a reader calls the kinds of ways."""

_LABELS: Final = 235
_PANEL: Final = 175
_VALUE: Final = 40
_GAP: Final = 22
_ROW: Final = 16
_TOP: Final = 62
_BOTTOM: Final = 34
_LEGEND: Final = 110
_STYLE: Final = (
    "text{font:11px sans-serif;fill:#1f2328}.t{font-size:13px;font-weight:bold}.e{text-anchor:end}.b{fill:#fff}"
    ".g{stroke:#8c959f;stroke-opacity:.35}.ours{fill:#0072b2}.floor{fill:#8c959f}.sdk{fill:#e69f00}.agent{fill:#d55e00}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#0d1117}.ours{fill:#56b4e9}}"
)


class Panel(Struct, frozen=True):
    """What is compared.

    Attributes:
        title: Stands above.
        values: What each way took; a way without one has no dot.
    """

    title: str
    values: Mapping[str, float]


def drawn(title: str, panels: Sequence[Panel], kinds: Mapping[str, str]) -> str:
    """The SVG.

    Args:
        title: What it is about.
        panels: From left to right.
        kinds: The ways from top to bottom, each with one of `KINDS`.
    """
    width = _LABELS + len(panels) * (_PANEL + _VALUE + _GAP)
    height = _TOP + len(kinds) * _ROW + _BOTTOM
    rows = {way: _TOP + place * _ROW for place, way in enumerate(kinds)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect class="b" width="{width}" height="{height}"/><text class="t" x="8" y="20">{escape(title)}</text>',
    ]
    lines.append('<text x="8" y="42">logarithmic: a line is ten times</text>')
    for way, top in rows.items():
        lines.append(f'<text class="e" x="{_LABELS - 12}" y="{top + 4}">{escape(way)}</text>')
    for place, panel in enumerate(panels):
        left = _LABELS + place * (_PANEL + _VALUE + _GAP)
        lines += _panel(panel, left, rows, kinds)
    lines += _legend(height - 12, [kind for kind in KINDS if kind in set(kinds.values())])
    return "\n".join([*lines, "</svg>", ""])


def _panel(panel: Panel, left: int, rows: Mapping[str, int], kinds: Mapping[str, str]) -> list[str]:
    values = [value for value in panel.values.values() if value > 0]
    lines = [f'<text x="{left}" y="42">{escape(panel.title)}</text>']
    if not values:
        return lines
    low, high = floor(log10(min(values))), max(ceil(log10(max(values))), floor(log10(min(values))) + 1)
    bottom = _TOP + len(rows) * _ROW - _ROW // 2
    for power in range(low, high + 1):
        x = left + _PANEL * (power - low) / (high - low)
        lines.append(f'<path class="g" d="M{x:.0f} {_TOP - 10}V{bottom}"/>')
    for way, value in panel.values.items():
        if value > 0:
            x = left + _PANEL * (log10(value) - low) / (high - low)
            lines.append(
                f'<circle class="{kinds[way]}" cx="{x:.1f}" cy="{rows[way]}" r="4"/>'
                f'<text x="{x + 7:.1f}" y="{rows[way] + 4}">{short(value)}</text>'
            )
    return lines


def _legend(y: int, kinds: Sequence[str]) -> list[str]:
    return [
        f'<circle class="{kind}" cx="{12 + place * _LEGEND}" cy="{y - 4}" r="4"/>'
        f'<text x="{20 + place * _LEGEND}" y="{y}">{KINDS[kind]}</text>'
        for place, kind in enumerate(kinds)
    ]


def short(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
