"""Styles of the still pictures: the same colours as `static/run.css`, as each element carries them itself."""

from __future__ import annotations

from typing import Final

__all__ = [
    "BAD",
    "BAR",
    "BODY",
    "CARD",
    "CELL",
    "CODE_COLORS",
    "GOOD",
    "HEAD",
    "IDEAL",
    "MUTED",
    "NOTICE",
    "PICTURE",
    "PIECES",
    "PRE",
    "ROOT",
    "WARN",
]

_TEXT: Final = "var(--jp-ui-font-color1, var(--vscode-editor-foreground, currentcolor))"
_FAINT: Final = f"color-mix(in srgb, {_TEXT} 6%, transparent)"
_LINE: Final = f"color-mix(in srgb, {_TEXT} 18%, transparent)"
_MONO: Final = "var(--jp-code-font-family, var(--vscode-editor-font-family, monospace))"


def _mixed(hue: str, share: int) -> str:
    """A hue and the text's own colour: dark on a light page, light on a dark one."""
    return f"color-mix(in srgb, {hue} {share}%, {_TEXT})"


GOOD: Final = _mixed("#1a7f37", 58)
BAD: Final = _mixed("#e5343f", 56)
WARN: Final = _mixed("#9a6700", 60)
MUTED: Final = f"color: color-mix(in srgb, {_TEXT} 76%, transparent); font-size: 12px"
CODE_COLORS: Final = "; ".join(
    f"--{name}: {color}"
    for name, color in {
        "al-k": _mixed("#d6336c", 52),
        "al-s": _mixed("#1a7f37", 50),
        "al-c": f"color-mix(in srgb, {_TEXT} 76%, transparent)",
        "al-n": _mixed("#0969da", 52),
        "al-f": _mixed("#8250df", 58),
        "al-t": _mixed("#b35900", 50),
        "al-link": _mixed("#0969da", 58),
    }.items()
)
ROOT: Final = (
    f"border: 1px solid {_LINE}; border-radius: 6px; padding: 6px 12px; max-width: 100%; box-sizing: border-box;"
    f" font-size: 13px; line-height: 1.5; {CODE_COLORS}"
)
BODY: Final = "max-height: 560px; overflow: auto"
CARD: Final = f"border: 1px solid {_LINE}; border-radius: 6px; padding: 3px 10px; margin: 6px 0"
PRE: Final = (
    f"white-space: pre-wrap; overflow-wrap: anywhere; margin: 2px 0 6px; padding: 6px 10px; border-radius: 6px;"
    f" background: {_FAINT}; font: 12px/1.5 {_MONO}"
)
NOTICE: Final = f"color: {WARN}; font-size: 12px; border-left: 2px solid; padding-left: 8px; margin: 4px 0; overflow-wrap: anywhere"
CELL: Final = "text-align: right; padding: 2px 6px; white-space: nowrap"
HEAD: Final = "text-align: right; vertical-align: bottom; padding: 2px 6px; white-space: normal"
PICTURE: Final = "max-width: 100%; max-height: 360px; width: auto; height: auto"
BAR: Final = "position: relative; height: 10px; min-width: 12px; margin: 6px 0 4px"
PIECES: Final = "display: flex; height: 8px; border-radius: 2px; overflow: hidden"
IDEAL: Final = (
    f"position: absolute; left: -1px; top: -2px; bottom: -2px; border: 1px dashed {_TEXT}; border-radius: 3px"
)
