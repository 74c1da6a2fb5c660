"""PDF files from strangers, read in a process of their own with a bound on time and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import msgspec

from agentlab.errors import LoadFailed, MissingExtra
from agentlab.retrieval.documents import Document
from agentlab.retrieval.loaders.pdf import read_pdf
from agentlab.retrieval.loaders.source import Limits, SourceFile

__all__ = ["read_pdf_isolated"]

_GIBI: Final = 1024**3


class _Task(msgspec.Struct, frozen=True):
    """What the process is given, as one line before the file's bytes."""

    name: str
    file_bytes: int
    unpacked_bytes: int
    parts: int
    memory_bytes: int


class _Answer(msgspec.Struct, frozen=True):
    """What the process gives back."""

    documents: list[Document]
    failed: str | None = None
    missing: str | None = None


def read_pdf_isolated(
    source: SourceFile, limits: Limits, *, seconds: float = 60.0, memory_bytes: int = 2 * _GIBI
) -> Iterator[Document]:
    """As `read_pdf`, in a process that is ended when it takes too long or too much; about a third of a second more a file.

        FileLoader.folder("inbox", readers={**READERS, ".pdf": read_pdf_isolated})

    Args:
        source: The file.
        limits: What it may be at most.
        seconds: Longest time for the whole file.
        memory_bytes: Most memory of the process; where the system knows no such bound (Windows), only time is bounded.

    Raises:
        LoadFailed: As `read_pdf`, or the bound is exceeded.
        MissingExtra: No library for PDF is installed.
    """
    task = _Task(source.name, limits.file_bytes, limits.unpacked_bytes, limits.parts, memory_bytes)
    given = msgspec.json.encode(task) + b"\n" + source.data
    try:
        done = subprocess.run(  # noqa: S603 - our own module, in our own interpreter
            [sys.executable, "-m", __name__], input=given, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise source.failure(f"took more than {seconds:g} seconds to read") from None
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except (msgspec.MsgspecError, UnicodeError):
        raise source.failure(
            f"ended the process that read it (status {done.returncode}): damaged, or made to harm"
        ) from None
    if answer.missing is not None:
        raise MissingExtra(answer.missing)
    yield from answer.documents
    if answer.failed is not None:
        raise LoadFailed(answer.failed, path=source.name)


def _bound_memory(memory_bytes: int) -> None:
    with suppress(ImportError, ValueError, OSError):  # no such bound on this system
        import resource  # noqa: PLC0415 - POSIX alone has it

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _work(given: bytes) -> _Answer:
    line, _, data = given.partition(b"\n")
    task = msgspec.json.decode(line, type=_Task)
    _bound_memory(task.memory_bytes)
    documents: list[Document] = []
    try:
        for document in read_pdf(
            SourceFile(task.name, data), Limits(task.file_bytes, task.unpacked_bytes, task.parts)
        ):
            documents.append(document)  # noqa: PERF402 - those before a failure are kept
    except LoadFailed as error:
        return _Answer(documents, failed=str(error))
    except MissingExtra as error:
        return _Answer([], missing=str(error))
    return _Answer(documents)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_work(sys.stdin.buffer.read())))
