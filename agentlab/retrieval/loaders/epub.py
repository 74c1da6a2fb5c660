"""EPUB: a document a chapter, in the order of reading.

Source: https://www.w3.org/TR/epub-33/ (container, package document, spine)
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote
from xml.parsers import expat

from agentlab.errors import LoadFailed
from agentlab.retrieval.documents import Document
from agentlab.retrieval.loaders.html import html_of, html_text
from agentlab.retrieval.loaders.source import Limits, SourceFile

__all__ = ["read_epub"]

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"


def read_epub(source: SourceFile, limits: Limits) -> Iterator[Document]:
    """Each chapter with text as a document; metadata `chapter`, from 1, its `title` and the `book`.

    Raises:
        LoadFailed: It is no EPUB, damaged, encrypted, unpacks to more than the limit, or has no text.
    """
    book = _Book(source, limits)
    book_title, names = book.chapters()
    number = 0
    for name in names:
        text, title = html_text(html_of(SourceFile(name, book.read(name))), source.name)
        if text.strip():
            number += 1
            yield source.document(
                text, f"#chapter={number}", chapter=number, title=title or None, book=book_title or None
            )
    if not number:
        raise source.failure("has no chapter with text")


class _Package:
    """What the package document tells: the book's title, its files by id, and the ids in the order of reading."""

    def __init__(self) -> None:
        self.title = ""
        self.files: dict[str, str] = {}
        self.order: list[str] = []
        self._inside = ""

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        """An element opens."""
        self._inside = tag
        if tag == "item" and {"id", "href"} <= attributes.keys():
            self.files[attributes["id"]] = attributes["href"]
        elif tag == "itemref" and "idref" in attributes:
            self.order.append(attributes["idref"])

    def characters(self, text: str) -> None:
        """Text stands here."""
        if self._inside == "title":
            self.title += text

    def closed(self, tag: str) -> None:  # noqa: ARG002 - expat's form
        """An element closes."""
        self._inside = ""


class _Book:
    """The archive, with an eye on how much comes out of it."""

    def __init__(self, source: SourceFile, limits: Limits) -> None:
        self._source = source
        self._left = limits.unpacked_bytes
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(source.data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise source.failure(f"is no EPUB: {error}") from None
        entries = self._zip.infolist()
        if len(entries) > limits.parts:
            raise source.failure(f"holds more than {limits.parts:,} files; raise `Limits.parts` to load it")

    def chapters(self) -> tuple[str, list[str]]:
        """The book's title, and its files in the order of reading."""
        found: list[str] = []

        def rootfile(tag: str, attributes: dict[str, str]) -> None:
            if tag == "rootfile" and "full-path" in attributes:
                found.append(attributes["full-path"])

        self._parse(_CONTAINER, rootfile)
        if not found:
            raise self._source.failure(f"names no package document in {_CONTAINER}")
        package = _Package()
        self._parse(found[0], package.opened, package.characters, package.closed)
        folder, locked = posixpath.dirname(found[0]), self._locked()
        names: list[str] = []
        for name in package.order:
            if name not in package.files:
                raise self._source.failure(f"reads `{name}` in its spine, which its manifest does not name")
            names.append(posixpath.normpath(posixpath.join(folder, unquote(package.files[name]))))
        if locked.intersection(names):
            raise self._source.failure("is encrypted (DRM); its text cannot be read")
        return " ".join(package.title.split()), names

    def read(self, name: str) -> bytes:
        """A file of the archive."""
        source = self._source
        try:
            with self._zip.open(name) as stream:
                data = stream.read(self._left + 1)
        except KeyError:
            raise source.failure(f"lacks its file `{name}`") from None
        except (
            zipfile.BadZipFile,
            zlib.error,
            RuntimeError,
            NotImplementedError,
            EOFError,
            OSError,
        ) as error:
            raise source.failure(f"is damaged or encrypted at `{name}`: {error}") from None
        self._left -= len(data)
        if self._left < 0:
            raise source.failure("unpacks to more than `Limits.unpacked_bytes` allows; is it a zip bomb?")
        return data

    def _locked(self) -> set[str]:
        """Files that are encrypted; fonts often are, and do no harm."""
        found: set[str] = set()

        def reference(tag: str, attributes: dict[str, str]) -> None:
            if tag == "CipherReference":
                found.add(posixpath.normpath(unquote(attributes.get("URI", ""))))

        if _ENCRYPTION in self._zip.namelist():
            self._parse(_ENCRYPTION, reference)
        return found

    def _parse(
        self,
        name: str,
        element: Callable[[str, dict[str, str]], None],
        characters: Callable[[str], None] | None = None,
        closed: Callable[[str], None] | None = None,
    ) -> None:
        """Read an XML file, tags without their namespaces; entities of its own are refused, as they can grow without end."""
        parser = expat.ParserCreate(namespace_separator=" ")

        def refuse(*_: object) -> None:
            raise self._source.failure(f"declares XML entities in `{name}`, which no book needs")

        parser.StartElementHandler = lambda tag, attributes: element(tag.rpartition(" ")[2], attributes)
        parser.EntityDeclHandler = refuse
        if characters is not None:
            parser.CharacterDataHandler = characters
        if closed is not None:
            parser.EndElementHandler = closed
        try:
            parser.Parse(self.read(name), True)
        except expat.ExpatError as error:
            raise LoadFailed(
                f"{self._source.name} has broken XML in `{name}`: {error}", path=self._source.name
            ) from None
