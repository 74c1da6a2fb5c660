"""Many files at once: by name, by pattern or by folder, each read by the reader of its suffix."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Final, Self

from agentlab.errors import LoadFailed
from agentlab.retrieval.documents import Document
from agentlab.retrieval.loaders.csv import read_csv
from agentlab.retrieval.loaders.epub import read_epub
from agentlab.retrieval.loaders.html import read_html
from agentlab.retrieval.loaders.json import read_json, read_json_lines
from agentlab.retrieval.loaders.notebook import read_notebook
from agentlab.retrieval.loaders.pdf import read_pdf
from agentlab.retrieval.loaders.source import Limits, Reader, SourceFile
from agentlab.retrieval.loaders.text import read_text

__all__ = ["READERS", "FileLoader", "load"]

_LOG: Final = logging.getLogger("agentlab.retrieval")

READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        ".csv": read_csv,
        ".tsv": read_csv,
        ".epub": read_epub,
        ".htm": read_html,
        ".html": read_html,
        ".xhtml": read_html,
        ".ipynb": read_notebook,
        ".json": read_json,
        ".jsonl": read_json_lines,
        ".ndjson": read_json_lines,
        ".pdf": read_pdf,
    }
)
"""Who reads which files; all others are read as text."""


def load(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    reader: Reader | None = None,
    limits: Limits | None = None,
) -> Iterator[Document]:
    """The documents of one file.

    Args:
        source: Its path, or its bytes.
        name: What the ids of its documents begin with; the path where None. With bytes its suffix chooses the reader.
        reader: Who reads it; the reader of its suffix where None.
        limits: What it may be at most.

    Raises:
        LoadFailed: It cannot be read.
        MissingExtra: Its reader needs a library.
    """
    bounds = limits or Limits()
    if isinstance(source, bytes):
        found = SourceFile(name or "document", source)
        found.check(bounds)
    else:
        found = SourceFile.read(source, bounds)
        found = replace(found, name=name or found.name)
    read = reader or READERS.get(PurePath(found.name).suffix.lower(), read_text)
    return read(found, bounds)


@dataclass(frozen=True)
class FileLoader:
    """Files, and how they are read. Iterate over it for the documents; nothing is read before that.

        for document in FileLoader.glob("docs/**/*.md").ignore_errors(): ...

    A reader with options goes into `readers`: `readers={**READERS, ".csv": partial(read_csv, text_columns=["body"])}`.

    Attributes:
        find: Gives the files, in order.
        readers: Who reads which suffix; all others are read as text.
        limits: What each file may be at most.
        told: Is told of each file that failed instead of raising; None where the first one raises.
    """

    find: Callable[[], Iterable[Path]]
    readers: Mapping[str, Reader] = field(default_factory=lambda: READERS, repr=False)
    limits: Limits = field(default_factory=Limits)
    told: Callable[[LoadFailed], object] | None = field(default=None, repr=False)

    @classmethod
    def files(cls, paths: Iterable[str | Path], *, readers: Mapping[str, Reader] = READERS) -> Self:
        """Files by their paths."""
        listed = [Path(path) for path in paths]
        return cls(lambda: listed, readers)

    @classmethod
    def glob(cls, pattern: str, *, readers: Mapping[str, Reader] = READERS) -> Self:
        """Files by a pattern, in alphabetical order; `**` stands for any folders. No file is an error.

        Args:
            pattern: Such as `"docs/**/*.md"`.
            readers: Who reads which suffix.
        """
        return cls(lambda: _matching(pattern), readers)

    @classmethod
    def folder(
        cls, path: str | Path, *, recursive: bool = False, readers: Mapping[str, Reader] = READERS
    ) -> Self:
        """All files of a folder, in alphabetical order, hidden ones left out.

        Args:
            path: The folder.
            recursive: Whether its folders' files count too.
            readers: Who reads which suffix.
        """
        return cls(lambda: _within(Path(path), recursive=recursive), readers)

    def ignore_errors(self, told: Callable[[LoadFailed], object] | None = None) -> Self:
        """The loader that goes on after a file that cannot be read.

        Of a file that fails in its middle the documents before that are kept.

        Args:
            told: Is told of each such file; the log of `agentlab.retrieval` where None.
        """
        return replace(self, told=told or _logged)

    def within(self, limits: Limits) -> Self:
        """The loader with other limits."""
        return replace(self, limits=limits)

    def __iter__(self) -> Iterator[Document]:
        """The documents, file by file.

        Raises:
            LoadFailed: A file cannot be read, or there is none.
        """
        try:
            paths = iter(self.find())
        except LoadFailed as error:
            self._failed(error)
            return
        for path in paths:
            reader = self.readers.get(path.suffix.lower(), read_text)
            try:
                yield from reader(SourceFile.read(path, self.limits), self.limits)
            except LoadFailed as error:
                self._failed(error)

    def read_with_path(self) -> Iterator[tuple[str, str]]:
        """The path and the whole text of each file, pages and chapters joined by an empty line.

        Raises:
            LoadFailed: As in iterating.
        """
        path: str | None = None
        texts: list[str] = []
        for document in self:
            found = str(document.metadata["path"])
            if path is not None and found != path:
                yield path, "\n\n".join(texts)
                texts = []
            path = found
            texts.append(document.text)
        if path is not None:
            yield path, "\n\n".join(texts)

    def _failed(self, error: LoadFailed) -> None:
        if self.told is None:
            raise error
        self.told(error)


def _logged(error: LoadFailed) -> None:
    _LOG.warning("left out: %s", error)


def _matching(pattern: str) -> list[Path]:
    whole = Path(pattern)
    if whole.is_absolute():
        root, inner = Path(whole.anchor), str(whole.relative_to(whole.anchor))
    else:
        root, inner = Path(), pattern
    try:
        found = sorted(path for path in root.glob(inner) if path.is_file())
    except (OSError, ValueError, NotImplementedError) as error:
        raise LoadFailed(f"the pattern {pattern!r} cannot be used: {error}", path=pattern) from None
    if not found:
        raise LoadFailed(f"no file matches {pattern!r} in {root.resolve().as_posix()}", path=pattern)
    return found


def _within(folder: Path, *, recursive: bool) -> list[Path]:
    name = folder.as_posix()
    if not folder.is_dir():
        raise LoadFailed(f"{name} is no folder", path=name)
    found = folder.rglob("*") if recursive else folder.iterdir()
    files = sorted(
        path
        for path in found
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        raise LoadFailed(f"the folder {name} holds no file", path=name)
    return files
