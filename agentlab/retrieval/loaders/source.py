"""A file as readers get it, what it may be at most, and how its bytes become text."""

from __future__ import annotations

import codecs
import glob
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from agentlab.errors import LoadFailed
from agentlab.retrieval.documents import Document

__all__ = ["Limits", "Reader", "SourceFile", "decoded"]

_MEBI: Final = 1024 * 1024
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may be at most; more is refused, so that a hostile or mistaken file cannot fill the memory.

    Attributes:
        file_bytes: Size of the file.
        unpacked_bytes: Size of what is packed in it, and of the text made of it.
        parts: Pages, chapters, files of an archive, rows.
    """

    file_bytes: int = 64 * _MEBI
    unpacked_bytes: int = 256 * _MEBI
    parts: int = 1_000_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was read.

    Attributes:
        name: Its path as it was named, with `/` between folders; the ids of its documents begin with it.
        data: Its bytes.
    """

    name: str
    data: bytes

    @classmethod
    def read(cls, path: str | Path, limits: Limits) -> SourceFile:
        """Read a file.

        Raises:
            LoadFailed: It is missing, no plain file, unreadable, or larger than the limit.
        """
        place = Path(path)
        name = place.as_posix()
        try:
            if not place.is_file():
                what = "is no file" if place.exists() else "does not exist"
                if glob.has_magic(name):
                    what += "; several files are read with `FileLoader.glob(...)`"
                raise LoadFailed(f"{name} {what}", path=name)
            with place.open("rb") as stream:
                data = stream.read(limits.file_bytes + 1)
        except (OSError, ValueError) as error:
            raise LoadFailed(f"{name} cannot be read: {error}", path=name) from None
        source = cls(name, data)
        source.check(limits)
        return source

    def check(self, limits: Limits) -> None:
        """Refuse a file that is too large.

        Raises:
            LoadFailed: It is.
        """
        if len(self.data) > limits.file_bytes:
            raise self.failure(
                f"has more than {limits.file_bytes:,} bytes; raise `Limits.file_bytes` to load it"
            )

    def failure(self, said: str) -> LoadFailed:
        """The error that this file `said`: `"a.pdf " + said`."""
        return LoadFailed(f"{self.name} {said}", path=self.name)

    def document(self, text: str, place: str = "", **metadata: str | float | None) -> Document:
        """A document of this file; `place` tells it from the file's others."""
        known = {key: value for key, value in metadata.items() if value is not None}
        return Document(f"{self.name}{place}", text, {"path": self.name, **known})


Reader: TypeAlias = Callable[[SourceFile, Limits], Iterator[Document]]
"""Makes documents of a file; raises `LoadFailed` where it cannot."""


def decoded(source: SourceFile, encoding: str = "utf-8") -> str:
    """The file's text; a byte order mark wins over the encoding.

    Raises:
        LoadFailed: It is no text in that encoding.
    """
    data = source.data
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), encoding)
    try:
        text = data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise source.failure(
            f"is no {encoding} text ({error}); name its encoding, or leave it out if it is no text"
        ) from None
    if "\0" in text:
        raise source.failure("holds NUL characters: it is no text")
    return text
