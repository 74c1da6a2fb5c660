"""The transcript: a Markdown file beside a session's log, for people. The log is the truth; this file follows it."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from agentlab.errors import SessionUnusable, UsageError
from agentlab.sessions.entries import Branched, Configured, ModelChanged, Stored, Tagged, Titled
from agentlab.sessions.forks import last_shared
from agentlab.sessions.session import Session
from agentlab.sessions.transcript_checks import (
    FORMAT_VERSION,
    Body,
    cut_at,
    digest_of_fields,
    head_text,
    models_after,
    read_body,
    read_head,
)

__all__ = ["Transcript", "transcript_path"]

_HEAD_KINDS: Final = (Titled, Tagged, Configured, ModelChanged)
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)
_NO_WAITING: Final = getattr(os, "O_NONBLOCK", 0)


def transcript_path(path: Path) -> Path:
    """Where the transcript of a session's file is."""
    return path.with_suffix(".md")


class Transcript:
    """Keeps the Markdown file beside a session in step with the session's current branch.

    Its front matter tells the title, tags, model, branch and configuration; its body prompts, answers, calls and results
    in short, without reasoning. It is looked through when it is made: what a crash left behind is added, and a file that
    was edited, removed or belongs to another branch is written anew. After that it follows every `append`.

    A disk that does not take it never harms the session: `problem` says what was wrong, and the next entry tries again.

    Args:
        session: The session, open for writing.

    Attributes:
        path: The file.
        problem: Why it is behind; None where it is in step.

    Raises:
        SessionUnusable: The session is read-only.
    """

    def __init__(self, session: Session) -> None:
        if session.is_read_only:
            raise SessionUnusable(
                f"{session.path} was opened read-only; its transcript is kept by whoever writes"
            )
        self.path = transcript_path(session.path)
        self.problem: str | None = None
        self._session = session
        self._mutex = threading.RLock()
        self._file: _File | None = None
        self.check()
        session.follow(self.take)

    def check(self) -> None:
        """Look through the whole file and bring it in step with the session."""
        with self._mutex:
            self._file = None
            self.take(())

    def take(self, appended: tuple[Stored, ...]) -> None:
        """Follow the session: to entries that were appended, or to another branch. It never raises.

        Args:
            appended: The entries; none where the session went to another branch.
        """
        with self._mutex:
            try:
                self._take(appended)
                self.problem = None
            except Exception as error:  # noqa: BLE001 - the entries are stored, whatever becomes of this file
                self._file = None
                self.problem = f"{self.path} is behind its session: {error}"

    def _take(self, appended: tuple[Stored, ...]) -> None:
        file = self._file
        branch = _made(appended) or self._session.branch
        if file is None or not self._is_untouched(file):
            self._heal(branch)
        elif file.branch != branch:
            self._move(self._read(), file, branch, appended)
        elif appended:
            self._go_on(file, appended)

    def _heal(self, branch: str) -> None:
        """Bring a file in step of which nothing is known."""
        data = self._read()
        head = read_head(data)
        body = None if head is None else read_body(data[head[1] :])
        if head is None or body is None or body.entry > len(self._session):
            self._write(branch, (), b"", Body(), self._session.entries(branch))
            return
        seal, begin = head
        file = _File(seal.branch, seal.models, seal.fields, body, len(data))
        if seal.branch != branch:
            self._move(data, file, branch, ())
        elif body.entry < len(self._session):
            self._go_on(file, tuple(self._session.entries(branch, after=body.entry)))
        elif seal.fields != digest_of_fields(self._fields(branch, seal.models)):
            self._write(branch, seal.models, data[begin:], body, [])
        else:
            self._file = file

    def _go_on(self, file: _File, appended: tuple[Stored, ...]) -> None:
        """Add entries to a file that is in step with those before them."""
        models = models_after(file.models, appended)
        if any(isinstance(stored.entry, _HEAD_KINDS) for stored in appended):
            data = self._read()
            head = read_head(data)
            body = b"" if head is None else data[head[1] :]
            self._write(file.branch, file.models, body, file.body, appended)
            return
        text = file.body.take(appended)
        self._file = None  # until the bytes are there
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | _NO_LINKS | _NO_WAITING)
        with open(descriptor, "ab") as opened:  # noqa: PTH123 - of a descriptor
            opened.write(text)
        self._file = _File(file.branch, models, file.fields, file.body, file.size + len(text))

    def _move(self, data: bytes, file: _File, branch: str, appended: tuple[Stored, ...]) -> None:
        """Turn a file that is in step with one branch into that of another, keeping what they share."""
        session = self._session
        try:
            shared = last_shared(session.legs(file.branch), session.legs(branch))
        except UsageError:  # a file of another session's branch
            shared = 0
        head = read_head(data)
        if head is None or not shared:
            self._write(branch, (), b"", Body(), session.entries(branch))
            return
        body = cut_at(data[head[1] :], shared)
        known = read_body(body) or Body()
        models = tuple(named for named in file.models if named[0] <= shared)
        made = appended[0].entry if appended else None
        # A new branch that leaves this one has nothing else to tell; its entries need not be read.
        is_all = isinstance(made, Branched) and made.at <= shared
        new = appended if is_all else session.entries(branch, after=known.entry)
        self._write(branch, models, body, known, new)

    def _write(
        self, branch: str, models: tuple[tuple[int, str], ...], text: bytes, body: Body, new: Any
    ) -> None:
        """Write the whole file beside the old one, and put it in its place."""
        models = models_after(models, new)
        fields = self._fields(branch, models)
        data = head_text(fields, branch, models).encode() + text + body.take(new)
        unfinished = self.path.with_suffix(".md.making")
        self._file = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_LINKS | _NO_WAITING
        with open(os.open(unfinished, flags, 0o666), "wb") as opened:  # noqa: PTH123 - of a descriptor
            opened.write(data)
        unfinished.replace(self.path)
        self._file = _File(branch, models, digest_of_fields(fields), body, len(data))

    def _read(self) -> bytes:
        """The bytes of the file; none where there is no file, or something else."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | _NO_LINKS | _NO_WAITING)
        except OSError:
            return b""
        with open(descriptor, "rb") as opened:  # noqa: PTH123 - of a descriptor
            return opened.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""

    def _is_untouched(self, file: _File) -> bool:
        try:
            found = os.lstat(self.path)
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == file.size

    def _fields(self, branch: str, models: tuple[tuple[int, str], ...]) -> dict[str, Any]:
        session = self._session
        return {
            "agentlab_transcript": FORMAT_VERSION,
            "session": session.id,
            "title": session.title,
            "tags": list(session.tags),
            "model": models[-1][1] if models else "",
            "branch": branch,
            "config": session.config,
        }

    def __repr__(self) -> str:
        return f"Transcript({str(self.path)!r}{', behind' if self.problem else ''})"


class _File(Struct, frozen=True):
    """What is known of a file that is in step: what it shows, and how long it is."""

    branch: str
    models: tuple[tuple[int, str], ...]
    fields: str
    body: Body
    size: int


def _made(appended: tuple[Stored, ...]) -> str | None:
    """The branch that entries have just made; the session is there only after it has told of them."""
    first = appended[0].entry if appended else None
    return first.name if isinstance(first, Branched) else None
