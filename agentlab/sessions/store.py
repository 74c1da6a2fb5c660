"""A folder of sessions: made, opened, listed, searched, renamed, deleted, written out and read in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from agentlab.errors import SessionError, SessionNotFound, SessionUnusable, UsageError
from agentlab.http import Clock
from agentlab.plain_text import terminal_safe
from agentlab.sessions.entries import Tagged, Titled
from agentlab.sessions.exporting import ExportFormat, export_session
from agentlab.sessions.ids import checked_id, new_id
from agentlab.sessions.importing import read_export
from agentlab.sessions.listing import SessionInfo, info_of, infos_frame
from agentlab.sessions.searching import SearchHit, SearchHits, hits_in_file, pattern_of
from agentlab.sessions.session import Session
from agentlab.sessions.transcript import Transcript
from agentlab.sessions.trash import Trash, TrashedSession
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Imported", "SessionStore", "default_folder"]

FOLDER_VARIABLE: Final = "AGENTLAB_SESSIONS"

_LONGEST_TITLE: Final = 200
_LONGEST_TAG: Final = 64
_ATTEMPTS: Final = 5
_SUFFIXES: Final = (".sqlite", ".sqlite-wal", ".sqlite-shm", ".md", ".lock", ".writer")


class Imported(ShortRepr, Struct, frozen=True):
    """What an import made.

    Attributes:
        id: The session.
        entries: How many entries it has.
        notices: What the file could not tell, and what was changed, in sentences.
    """

    id: str
    entries: int
    notices: tuple[str, ...] = ()


def default_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The folder that `AGENTLAB_SESSIONS` names, else the system's place for the data of programs.

    Args:
        environment: Variables; those of the process where None.
    """
    named = (os.environ if environment is None else environment).get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs  # noqa: PLC0415 - only where no folder is named

    return platformdirs.user_data_path("agentlab", appauthor=False) / "sessions"


class SessionStore:
    """The sessions of one folder, each a file `<id>.sqlite` with its transcript `<id>.md`.

    It holds nothing open: two stores of one folder, in two processes, see the same. Ids come from file names, and an id
    from outside is checked before it is part of a path.

    Args:
        folder: Where they are; made with the first session. `default_folder()` where None.
        clock: What says the time of entries.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, clock: Clock | None = None) -> None:
        self.folder = default_folder() if folder is None else Path(folder).expanduser()
        self._clock = clock
        self._trash = Trash(self.folder)

    def new(
        self,
        title: str = "",
        tags: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the attribute's name
    ) -> Session:
        """Make a session and open it for writing.

        Args:
            title: Its title.
            tags: Its tags.
            config: What it is worked with, as JSON.
            id: Its id; a fresh one where None.

        Raises:
            UsageError: The id, the title or a tag cannot be one, or the id is taken.
            SessionUnusable: The folder cannot be written.
            SessionWriteFailed: The disk did not take it.
        """
        named, tagged = _title(title), _tags(tags)
        return self._made(
            id, lambda path: Session.create(path, title=named, tags=tagged, config=config, clock=self._clock)
        )

    def discard(self, session: Session) -> None:
        """Close a session that was just made and take its files away; nothing of it is kept, not even in the trash.

        Args:
            session: A session of this store in which nothing was said.
        """
        session.close()
        for suffix in _SUFFIXES:
            session.path.with_name(f"{session.id}{suffix}").unlink(missing_ok=True)

    def open(self, id: str, read_only: bool = False) -> Session:  # noqa: A002 - the attribute's name
        """Open a session, its transcript following it while it is written to.

        Args:
            id: Its id.
            read_only: Whether nothing may be written; any number may read while one writes.

        Raises:
            UsageError: It is no id.
            SessionNotFound: There is no such session.
            SessionLocked: Somebody else writes to it.
            SessionCorrupt: It is damaged.
        """
        session = Session(self._there(id), read_only=read_only, clock=self._clock)
        return session if read_only else _followed(session)

    def list(self) -> tuple[SessionInfo, ...]:
        """All sessions, the one changed last first; a damaged one says so in `problem`."""
        infos = [info for path in self._files() if (info := info_of(path)) is not None]
        return tuple(sorted(infos, key=lambda info: (-info.updated_at, info.id)))

    @property
    def df(self) -> pd.DataFrame:
        """One row a session, the one changed last first."""
        return infos_frame(self.list())

    def find(self, beginning: str) -> str:
        """The id of the one session whose id begins so.

        Raises:
            UsageError: It cannot begin an id, or several do.
            SessionNotFound: None does.
        """
        checked_id(beginning)
        ids = [path.stem for path in self._files()]
        found = [id_ for id_ in ids if id_.startswith(beginning)]
        if beginning in found or len(found) == 1:
            return beginning if beginning in found else found[0]
        if found:
            raise UsageError(
                f"{len(found)} sessions begin with `{beginning}`: {', '.join(sorted(found)[:5])}; say more"
            )
        raise SessionNotFound(f"there is no session {beginning} in {self.folder}; it holds {len(ids)}")

    def search(self, text: str, *, limit: int | None = None) -> SearchHits:
        """Find a text in prompts, answers and tool results of all sessions.

        Args:
            text: Words as they were said one after the other, in capital letters or small.
            limit: How many hits at most; all where None.

        Raises:
            UsageError: There is nothing to search for.
        """
        pattern = pattern_of(text)
        hits: list[SearchHit] = []
        unread: dict[str, str] = {}
        for info in self.list():
            try:
                for hit in hits_in_file(self._path(info.id), pattern):
                    if limit is not None and len(hits) >= limit:
                        return SearchHits(tuple(hits), is_cut=True, unread=unread)
                    hits.append(SearchHit(hit.session, hit.entry, hit.role, hit.at, hit.excerpt, info.title))
            except SessionError as error:
                unread[info.id] = str(error)
        return SearchHits(tuple(hits), unread=unread)

    def rename(self, id: str, title: str) -> None:  # noqa: A002 - the attribute's name
        """Give a session another title.

        Raises:
            UsageError: It cannot be a title, or that is no id.
            SessionError: As for `open`.
        """
        named = Titled(_title(title))
        with self.open(id) as session:
            session.append(named)

    def tag(self, id: str, tags: Sequence[str]) -> None:  # noqa: A002 - the attribute's name
        """Give a session these tags, and no others.

        Raises:
            UsageError: One cannot be a tag, or that is no id.
            SessionError: As for `open`.
        """
        tagged = Tagged(_tags(tags))
        with self.open(id) as session:
            session.append(tagged)

    def delete(self, id: str) -> Path:  # noqa: A002 - the attribute's name
        """Move a session to the trash, from which `restore` takes it back.

        Returns:
            Where it is now.

        Raises:
            UsageError: It is no id.
            SessionNotFound: There is no such session.
            SessionLocked: Somebody writes to it.
            SessionUnusable: The folder may not be written.
        """
        return self._trash.take(self._there(id))

    def restore(self, id: str) -> None:  # noqa: A002 - the attribute's name
        """Take the session of an id that was deleted last out of the trash.

        Raises:
            UsageError: It is no id, or there is a session of that id again.
            SessionNotFound: No such session was deleted.
            SessionUnusable: The folder may not be written.
        """
        self._trash.give_back(checked_id(id))

    def deleted(self) -> tuple[TrashedSession, ...]:
        """The sessions in the trash."""
        return self._trash.held()

    def export(
        self,
        id: str,  # noqa: A002 - the attribute's name
        path: str | os.PathLike[str],
        *,
        format: ExportFormat | None = None,  # noqa: A002 - the field's word
        branch: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a session to a file; see `export_session`. Also while somebody writes to it: as far as it is then.

        Raises:
            UsageError: It is no id; else as `export_session`.
            SessionError: As for `open`, or the file cannot be written.
        """
        with self.open(id, read_only=True) as session:
            return export_session(session, path, format=format, branch=branch, overwrite=overwrite)

    def import_(self, path: str | os.PathLike[str], *, id: str | None = None) -> Imported:  # noqa: A002 - likewise
        """Make a session of a file that `export` wrote, or of a transcript; whole, or not at all.

        Args:
            path: The file.
            id: Id of the new session; where None the one it had, or a fresh one where that is taken.

        Raises:
            UsageError: The id cannot be one, or is taken.
            SessionNotFound: There is no such file.
            SessionUnusable: It is something else, or was written by a newer agentlab.
            SessionCorrupt: It is damaged; the message names the line.
            SessionWriteFailed: The disk did not take it.
        """
        read = read_export(path)
        notices = list(read.notices)
        wanted = id
        if wanted is None and read.id:
            wanted = self._free(read.id)
            if wanted is None:
                notices.append(
                    f"the id {terminal_safe(read.id)[:64]!r} is taken or cannot be used; the session has a new one"
                )
        made = self._made(
            wanted, lambda file: Session.restore(file, read.rows, read.texts, clock=self._clock)
        )
        with made as session:
            return Imported(session.id, len(session), tuple(notices))

    def _made(self, id_: str | None, make: Callable[[Path], Session]) -> Session:
        """A new session under an id, or under a fresh one."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SessionUnusable(
                f"the folder {self.folder} cannot be made: {error.strerror or error}"
            ) from error
        if id_ is not None:
            path = self._path(id_)
            if os.path.lexists(path):
                raise UsageError(f"there is a session {id_} in {self.folder} already; name another id")
            return _followed(make(path))
        for _ in range(_ATTEMPTS):
            path = self._path(new_id())
            if not os.path.lexists(path):
                return _followed(make(path))
        raise SessionUnusable(f"no free id was found in {self.folder}")

    def _free(self, wanted: str) -> str | None:
        try:
            return None if os.path.lexists(self._path(wanted)) else wanted
        except UsageError:
            return None

    def _files(self) -> Sequence[Path]:
        """The files of sessions; what else lies in the folder is left alone."""
        found = []
        for path in self.folder.glob("*.sqlite"):
            try:
                checked_id(path.stem)
            except UsageError:
                continue
            found.append(path)
        return found

    def _path(self, id_: str) -> Path:
        return self.folder / f"{checked_id(id_)}.sqlite"

    def _there(self, id_: str) -> Path:
        path = self._path(id_)
        if not path.is_file():
            raise SessionNotFound(
                f"there is no session {id_} in {self.folder}; `list()` names those there are"
            )
        return path

    def __len__(self) -> int:
        return len(self._files())

    def __contains__(self, id_: object) -> bool:
        return any(path.stem == id_ for path in self._files())

    def __bool__(self) -> bool:
        return True  # an empty store is a store

    def __repr__(self) -> str:
        return f"SessionStore({str(self.folder)!r}, {len(self)} sessions)"


def _followed(session: Session) -> Session:
    try:
        Transcript(session)
    except BaseException:
        session.close()
        raise
    return session


def _title(text: str) -> str:
    title = " ".join(terminal_safe(text).split())
    if len(title) > _LONGEST_TITLE:
        raise UsageError(f"a title has {_LONGEST_TITLE} characters at most, not {len(title):,}")
    return title


def _tags(texts: Sequence[str]) -> tuple[str, ...]:
    """Tags in the order given, each once."""
    if isinstance(texts, str):
        raise UsageError(f"tags are a list of texts, such as [{texts!r}]")
    tags = tuple(dict.fromkeys(" ".join(terminal_safe(text).split()) for text in texts))
    for tag in tags:
        if not tag or len(tag) > _LONGEST_TAG:
            raise UsageError(f"a tag has 1 to {_LONGEST_TAG} characters, unlike {tag[:80]!r}")
    return tags
