"""Text that is safe to print: no escape sequence, control or direction override of a model reaches a terminal."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["one_line", "terminal_safe", "well_formed"]

# ECMA-48: a string sequence (OSC, DCS, SOS, PM, APC) runs to its terminator; a control sequence ends at its final byte.
_ESCAPE_SEQUENCES: Final = re.compile(
    r"(?:\x1b[\]P^_X]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NEWLINES: Final = re.compile(r"\r\n?|[\u2028\u2029]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def terminal_safe(text: str) -> str:
    r"""Strip what could act on a terminal: escape sequences, C0 and C1 controls except `\n` and `\t`, and bidi controls.

    Args:
        text: Any text, such as a model's answer or a tool's result.

    Returns:
        The text with line ends as `\n`, encodable as UTF-8. Doing it twice changes nothing more.
    """
    unified = _NEWLINES.sub("\n", well_formed(text))
    return _CONTROLS.sub("", _ESCAPE_SEQUENCES.sub("", unified))


def one_line(text: str, limit: int = 60) -> str:
    """The beginning of a text on one line: white space of any kind becomes one space, and `…` says that more followed."""
    flat = " ".join(text[: 4 * limit].split())
    return flat if len(flat) <= limit and len(text) <= 4 * limit else f"{flat[:limit]}…"


def well_formed(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 text may hold, so that the text can be sent to a browser."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
