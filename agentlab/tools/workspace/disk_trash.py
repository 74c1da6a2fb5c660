"""The trash of a workspace on disk: removed entries wait in a hidden folder of the root until they are put back.

Each has a folder of its own with the entry, moved there by one rename, and a note of where it was. All goes through held
folders, so a trash that is exchanged for a link is refused; a note is read as anybody's text, its path checked like any.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from itertools import islice
from typing import Final

from agentlab.errors import WorkspaceError
from agentlab.short_repr import one_line
from agentlab.tools.workspace.disk_writing import own_folder, write_all
from agentlab.tools.workspace.folder import Folder, folder_at
from agentlab.tools.workspace.paths import has_name, joined
from agentlab.tools.workspace.refusals import refusals_of
from agentlab.tools.workspace.workspace import Removed

__all__ = ["put_back", "removed_entries", "throw_away"]

MOST_LISTED: Final = 10_000
_TRASH: Final = "trash"
_CONTENT: Final = "content"
_NOTE: Final = "origin.json"
_MOST_BYTES_OF_A_NOTE: Final = 64 * 1024
_ID: Final = re.compile(r"[0-9a-f]{16}")


def throw_away(root: Folder, folder: Folder, path: tuple[str, ...], at: float) -> Removed:
    """Move an entry to the trash.

    Args:
        root: The workspace's root.
        folder: The folder the entry is in.
        path: The entry's names from the root down.
        at: Now, in seconds since the epoch.

    Raises:
        OSError: The system refused; the entry is where it was.
    """
    removed = Removed(id=secrets.token_hex(8), path=joined(*path), removed_at=at)
    folder.stat(path[-1])
    with own_folder(root, _TRASH, make=True) as trash:
        trash.make_folder(removed.id)
        try:
            with folder_at(trash, (removed.id,)) as place:
                note = json.dumps({"path": removed.path, "removed_at": removed.removed_at})
                descriptor = place.create(_NOTE, 0o600)
                try:
                    write_all(descriptor, note.encode())
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                place.sync()
                trash.sync()
                folder.move(path[-1], place, _CONTENT)
                place.sync()
        except BaseException:
            _take_away(trash, removed.id)
            raise
    folder.sync()
    return removed


def put_back(root: Folder, removed_id: str) -> str:
    """Move an entry of the trash to where it was; gives that path.

    Args:
        root: The workspace's root.
        removed_id: Its id.

    Raises:
        WorkspaceError: There is no such id, its note is damaged, or its place is taken; it stays in the trash.
        OSError: The trash cannot be read.
    """
    if not _ID.fullmatch(removed_id):
        raise _unknown(removed_id)
    try:
        with own_folder(root, _TRASH) as trash, folder_at(trash, (removed_id,)) as place:
            removed = _noted(place, removed_id)
            if removed is None:
                raise _unknown(removed_id)
            path = has_name(removed.path)
            with (
                refusals_of("put back", removed.path),
                folder_at(root, path[:-1], make=True) as folder,
            ):
                place.move(_CONTENT, folder, path[-1])
                folder.sync()
            _take_away(trash, removed_id)
    except FileNotFoundError:
        raise _unknown(removed_id) from None
    return removed.path


def removed_entries(root: Folder) -> tuple[Removed, ...]:
    """What is in the trash, the latest first; of more than 10,000 entries some 10,000."""
    found = []
    try:
        with own_folder(root, _TRASH) as trash:
            with trash.scan() as entries:
                ids = list(islice((name for name, _ in entries if _ID.fullmatch(name)), MOST_LISTED))
            for name in ids:
                with contextlib.suppress(OSError), folder_at(trash, (name,)) as place:
                    found.append(_noted(place, name))
    except FileNotFoundError:
        return ()
    whole = [removed for removed in found if removed is not None]
    return tuple(sorted(whole, key=lambda removed: (-removed.removed_at, removed.id)))


def _noted(place: Folder, removed_id: str) -> Removed | None:
    """What a folder of the trash holds; None where a removal did not come to its end, or the note is damaged."""
    place.stat(_CONTENT)
    descriptor = place.open_regular(_NOTE)
    try:
        raw = os.read(descriptor, _MOST_BYTES_OF_A_NOTE)
    finally:
        os.close(descriptor)
    try:
        note = json.loads(raw)
        removed = Removed(id=removed_id, path=str(note["path"]), removed_at=float(note["removed_at"]))
        has_name(removed.path)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, WorkspaceError):
        return None
    return removed


def _take_away(trash: Folder, removed_id: str) -> None:
    """Take an empty place of the trash away; one that still holds something stays."""
    with contextlib.suppress(OSError):
        with folder_at(trash, (removed_id,)) as place:
            with contextlib.suppress(FileNotFoundError):
                place.stat(_CONTENT)
                return
            place.unlink(_NOTE)
        trash.remove_folder(removed_id)


def _unknown(removed_id: str) -> WorkspaceError:
    return WorkspaceError(
        f"nothing with the id `{one_line(removed_id)}` waits in the trash. List the trash to see what can be put back"
    )
