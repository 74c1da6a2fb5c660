"""The Markdown form of a transcript, written and read.

Each piece ends with an HTML comment that a reader of the rendered text does not see: it says what the piece is, of which
entry, and lets the text be read back whatever it holds. A line of a text that looks like such a comment is kept apart by
a backslash, which Markdown does not show.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from agentlab.errors import SessionCorrupt
from agentlab.plain_text import one_line, terminal_safe, well_formed
from agentlab.sessions.transcript_parts import TranscriptPart

__all__ = ["Reading", "block_of", "marker_of", "parts_text", "read_parts"]

_OPENING: Final = "<!-- agentlab "
_MARKER: Final = re.compile(rf"^{_OPENING}(\{{.*\}}) -->\r?$", re.MULTILINE)
_LOOKS_LIKE_ONE: Final = re.compile(rf"^(\\*{_OPENING})", re.MULTILINE)
_KEPT_APART: Final = re.compile(rf"^\\(\\*{_OPENING})", re.MULTILINE)
_BACKTICKS: Final = re.compile(r"`{3,}")
_FENCE: Final = re.compile(r"(`{3,})[a-z]*")
_PART: Final = msgspec.json.Decoder(TranscriptPart)


class Reading(Struct, frozen=True):
    """What was read of a transcript's body.

    Attributes:
        parts: Its pieces, in order.
        rest: What stands after the last of them and belongs to none.
    """

    parts: tuple[TranscriptPart, ...]
    rest: str


def parts_text(parts: list[TranscriptPart]) -> str:
    """Pieces as Markdown."""
    return "".join(f"{block_of(part)}{marker_of(part)}" for part in parts)


def block_of(part: TranscriptPart) -> str:
    """The Markdown of a piece, without the comment that ends it."""
    text = well_formed(part.text)
    match part.kind:
        case "seen":
            return ""
        case "note":
            quoted = "\n".join(f"> {line}" for line in text.split("\n"))
            return f"\n{quoted}\n\n"
        case "call":
            told = _fenced(text, "json")
        case "result":
            told = _fenced(text, "text")
        case "prompt" | "answer":
            told = text
    kept_apart = _LOOKS_LIKE_ONE.sub(r"\\\1", told)
    return f"\n{_heading(part)}\n\n{kept_apart}\n\n"


def marker_of(part: TranscriptPart, checksum: str | None = None) -> str:
    """The comment that ends a piece, as a line.

    Args:
        part: The piece.
        checksum: Of all text before this line; None on a piece that more of the same entry follows.
    """
    fields: dict[str, Any] = {
        name: well_formed(value) if isinstance(value, str) else value
        for name, value in msgspec.to_builtins(part).items()
        if name != "text"
    }
    if checksum is not None:
        fields["sum"] = checksum
    # A `>` stands in texts alone; escaped, none of them can end the comment.
    shown = msgspec.json.encode(fields).decode().replace(">", "\\u003e")
    return f"{_OPENING}{shown} -->\n"


def read_parts(text: str, *, name: str = "the transcript", before: int = 0) -> Reading:
    """Read the body of a transcript back.

    Args:
        text: The Markdown after the front matter.
        name: What errors call it.
        before: How many lines stand before it in the file.

    Raises:
        SessionCorrupt: A comment that ends a piece is damaged; the message names its line.
    """
    parts: list[TranscriptPart] = []
    begin = line = 0
    counted = 0
    for found in _MARKER.finditer(text):
        line += text.count("\n", counted, found.start())
        counted = found.start()
        try:
            part = _PART.decode(found[1])
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise SessionCorrupt(
                f"{name}, line {before + line + 1}: the comment of agentlab's there is damaged ({error}); "
                "mend it, or remove the line to join its text to the next piece"
            ) from None
        parts.append(structs.replace(part, text=_told(part, text[begin : found.start()])))
        begin = found.end() + 1
    return Reading(tuple(parts), text[begin:])


def _heading(part: TranscriptPart) -> str:
    match part.kind:
        case "prompt":
            return f"## User{_time(part.at)}"
        case "answer":
            model = f" `{_named(part.model)}`" if part.model else ""
            return f"## Assistant{model}{', interrupted' if part.interrupted else ''}"
        case "call":
            return f"### Call of `{_named(part.tool)}`"
        case _:
            return (
                f"### Result of `{_named(part.tool)}`{'' if part.status == 'success' else f', {part.status}'}"
            )


def _time(at: float) -> str:
    try:
        return f" · {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC" if at else ""
    except (OverflowError, ValueError, OSError):
        return ""


def _named(name: str) -> str:
    return one_line(terminal_safe(name).replace("`", "'")) or "?"


def _fenced(text: str, language: str) -> str:
    """A text in a fence longer than any in it."""
    longest = max((len(found) for found in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _told(part: TranscriptPart, block: str) -> str:
    """The text of a piece: its block without heading, fence and the blank lines around."""
    if part.kind == "seen":
        return ""
    block = block.removesuffix("\n").removesuffix("\n")
    if part.kind == "note":
        return "\n".join(line.removeprefix("> ") for line in block.removeprefix("\n").split("\n"))
    block = block.lstrip("\r\n")
    if block.startswith("#"):
        block = block.partition("\n")[2].removeprefix("\n")
    text = _KEPT_APART.sub(r"\1", block)
    return _unfenced(text) if part.kind in {"call", "result"} else text


def _unfenced(text: str) -> str:
    first, _, rest = text.partition("\n")
    fence = _FENCE.fullmatch(first.rstrip("\r"))
    if fence is None or not rest.endswith(f"\n{fence[1]}"):
        return text
    return rest.removesuffix(f"\n{fence[1]}")
