"""What the bytes of a file are: text with its line ends and byte order mark, or something that is described and not shown."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final

from agentlab.errors import ToolError
from agentlab.tools.workspace.tools.limits import MOST_BYTES
from agentlab.tools.workspace.tools.text_lines import count_lines
from agentlab.tools.workspace.workspace import FileContent, Workspace

__all__ = ["Binary", "TextFile", "as_bytes", "looked_at", "opened", "short_hash"]

_BOM: Final = codecs.BOM_UTF8
_SNIFFED: Final = 8 * 1024
_PIECE: Final = 64 * 1024
_HASH: Final = 16

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"RIFF", "RIFF container (WebP, WAV, AVI)"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP archive, or a document or package that is one"),
    (b"\x1f\x8b", "gzip"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"\x7fELF", "ELF program"),
    (b"PAR1", "Parquet"),
    (codecs.BOM_UTF32_LE, "UTF-32 text"),
    (codecs.BOM_UTF16_LE, "UTF-16 text"),
    (codecs.BOM_UTF16_BE, "UTF-16 text"),
)


@dataclass(frozen=True)
class TextFile:
    """A file of UTF-8.

    Attributes:
        data: Its bytes, without a byte order mark.
        size: Bytes of the whole file.
        digest: SHA-256 of the whole file; None where it is too large to be looked at whole.
        has_bom: Whether a byte order mark stands before `data`.
    """

    data: bytes
    size: int
    digest: str | None
    has_bom: bool

    @property
    def total_lines(self) -> int:
        """Lines in `data`."""
        return count_lines(self.data)

    @property
    def remarks(self) -> list[str]:
        """What the lines alone do not show, each a short clause."""
        crlf = self.data.count(b"\r\n")
        every = self.data.count(b"\n")
        said = []
        if self.digest is None:
            said.append(f"the file has {self.size} bytes, only the first {MOST_BYTES} are looked at")
        if crlf:
            said.append("CRLF line ends" if crlf == every else f"{crlf} of {every} line ends are CRLF")
        if self.has_bom:
            said.append("UTF-8 byte order mark")
        if self.data and not self.data.endswith(b"\n") and self.digest is not None:
            said.append("no newline at the end")
        return said


@dataclass(frozen=True)
class Binary:
    """A file that is not UTF-8 text.

    Attributes:
        size: Bytes of the whole file.
        digest: SHA-256 of the whole file; None where it is too large to be looked at whole.
        what: What it seems to be.
    """

    size: int
    digest: str | None
    what: str

    @property
    def description(self) -> str:
        """One line for a reader."""
        known = f", hash {short_hash(self.digest)}" if self.digest else ""
        return f"not text, so not shown: {self.what}, {self.size} bytes{known}"


def opened(workspace: Workspace, path: str) -> TextFile | Binary:
    """Read a file.

    Args:
        workspace: Where it is.
        path: Its path.

    Raises:
        WorkspaceError: It is not there or no regular file.
    """
    return looked_at(workspace.read(path, MOST_BYTES))


def looked_at(content: FileContent) -> TextFile | Binary:
    """Say what the bytes are: text is what has no NUL in its first 8 KiB and is UTF-8."""
    data = content.data
    if b"\x00" in data[:_SNIFFED]:
        return Binary(content.size, content.digest, _signature(data, "binary"))
    bad = _first_bad_byte(data, is_cut=content.is_cut)
    if bad is not None:
        unknown = f"not UTF-8 (byte 0x{data[bad]:02x} at offset {bad})"
        return Binary(content.size, content.digest, _signature(data, unknown))
    has_bom = data.startswith(_BOM)
    return TextFile(data.removeprefix(_BOM), content.size, content.digest, has_bom)


def short_hash(digest: str | None) -> str | None:
    """The part of a digest that a model is shown: enough to tell versions apart, and a quarter of the tokens."""
    return None if digest is None else digest[:_HASH]


def as_bytes(text: str, what: str) -> bytes:
    """Text as UTF-8.

    Args:
        text: The text.
        what: The name of the argument, for the message.

    Raises:
        ToolError: It holds half of a surrogate pair, or is too large.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise ToolError(
            f"`{what}` holds half of a surrogate pair (U+{ord(text[error.start]):04X} at character {error.start}), "
            "which has no UTF-8 form; write the whole character"
        ) from None
    if len(data) > MOST_BYTES:
        raise ToolError(f"`{what}` has {len(data)} bytes; a file written here has at most {MOST_BYTES}")
    return data


def _signature(data: bytes, otherwise: str) -> str:
    return next((name for start, name in _SIGNATURES if data.startswith(start)), otherwise)


def _first_bad_byte(data: bytes, *, is_cut: bool) -> int | None:
    """Where the data stops being UTF-8, or None; decoded in pieces, so that the memory is one piece's."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _PIECE):
        piece = data[start : start + _PIECE]
        is_last = start + _PIECE >= len(data) and not is_cut
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=is_last)
        except UnicodeDecodeError as error:
            return start - pending + error.start
    return None
