"""PDF: a document a page, by `pypdfium2`, or `pypdf` where that is what is installed.

Few bytes of PDF can unpack to many, and take the libraries minutes and gigabytes. Streams that unpack to more than any
page's are refused here; for files from strangers there is `read_pdf_isolated`, which bounds time and memory too.
"""

from __future__ import annotations

import io
import re
import threading
import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from agentlab.errors import MissingExtra
from agentlab.retrieval.documents import Document
from agentlab.retrieval.loaders.source import Limits, SourceFile

__all__ = ["read_pdf"]

_ONE_AT_A_TIME: Final = (
    threading.Lock()
)  # PDFium is not made for threads: pypdfium2.readthedocs.io, "Thread incompatibility"
_STREAM: Final = re.compile(rb"stream\r?\n")
_LARGEST_STREAM_SHARE: Final = 16  # a stream may unpack to this part of all that may be unpacked


def read_pdf(source: SourceFile, limits: Limits) -> Iterator[Document]:
    """Each page with text as a document; metadata `page`, from 1, and `pages`.

    Needs `pip install agentlab[pdf]`.

    Raises:
        LoadFailed: It is no PDF, damaged, locked with a password, has too many pages, or no text at all: a scan.
        MissingExtra: Neither library is installed.
    """
    found = 0
    for number, pages, text in _pages(source, limits):
        if text.strip():
            found += 1
            yield source.document(text, f"#page={number}", page=number, pages=pages)
    if not found:
        raise source.failure("has no text: it is a scan, or holds pictures alone; run OCR on it first")


def _pages(source: SourceFile, limits: Limits) -> Iterator[tuple[int, int, str]]:
    """Number, number of pages, and text of each page."""
    _check_streams(source, limits)
    for module, pages in (("pypdfium2", _by_pdfium), ("pypdf", _by_pypdf)):
        try:
            library = import_module(module)
        except ImportError:
            continue
        size = 0
        for number, count, text in pages(library, source, limits):
            size += len(text)
            if size > limits.unpacked_bytes:
                raise source.failure(
                    f"has more than {limits.unpacked_bytes:,} characters of text; raise `Limits.unpacked_bytes`"
                )
            yield number, count, text
        return
    raise MissingExtra("PDF files need a library: pip install 'agentlab[pdf]'")


def _check_count(source: SourceFile, count: int, limits: Limits) -> None:
    if count > limits.parts:
        raise source.failure(f"has {count:,} pages; raise `Limits.parts` to load it")


def _check_streams(source: SourceFile, limits: Limits) -> None:
    """Refuse a file in which a stream, pictures aside, unpacks to what no page needs."""
    data = memoryview(source.data)
    largest = max(1, limits.unpacked_bytes // _LARGEST_STREAM_SHARE)
    left = limits.unpacked_bytes
    for found in _STREAM.finditer(source.data):
        before = source.data[max(0, found.start() - 300) : found.start()].rpartition(b"endobj")[2]
        if b"/FlateDecode" not in before or b"/Image" in before:
            continue
        try:
            unpacked = len(zlib.decompressobj().decompress(data[found.end() :], largest + 1))
        except zlib.error:
            continue  # the library says what it makes of that
        left -= unpacked
        if unpacked > largest or left < 0:
            raise source.failure("unpacks to more than `Limits.unpacked_bytes` allows; is it a bomb?")


def _by_pdfium(library: Any, source: SourceFile, limits: Limits) -> Iterator[tuple[int, int, str]]:
    try:
        with _ONE_AT_A_TIME:
            document = library.PdfDocument(source.data)
    except library.PdfiumError as error:
        raise source.failure(f"cannot be opened as PDF: {error}") from None
    try:
        count = len(document)
        _check_count(source, count, limits)
        for number in range(1, count + 1):
            try:
                with _ONE_AT_A_TIME:
                    page = document[number - 1]
                    words = page.get_textpage()
                    text = words.get_text_bounded().replace("\r\n", "\n")
                    words.close()
                    page.close()
            except library.PdfiumError as error:
                raise source.failure(f"is damaged on page {number}: {error}") from None
            yield number, count, text
    finally:
        with _ONE_AT_A_TIME:
            document.close()


def _by_pypdf(library: Any, source: SourceFile, limits: Limits) -> Iterator[tuple[int, int, str]]:
    number = 0
    try:
        reader = library.PdfReader(io.BytesIO(source.data))
        count = len(reader.pages)
        _check_count(source, count, limits)
        for number in range(1, count + 1):
            yield number, count, reader.pages[number - 1].extract_text()
    except (
        library.errors.PyPdfError,
        ArithmeticError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        where = f"is damaged on page {number}" if number else "cannot be opened as PDF"
        raise source.failure(f"{where}: {error}") from None
