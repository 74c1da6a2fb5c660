"""What the system refused, as an error whose text a model can act on."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Final

from agentlab.errors import WorkspaceError
from agentlab.tools.workspace.paths import named

__all__ = ["refusals_of"]

_REASONS: Final = {
    errno.ENOENT: "there is nothing at that path. List the folder above it to see what is there",
    errno.EEXIST: "something is there already. Take another name, or remove it first",
    errno.EACCES: "permission denied by the system",
    errno.EPERM: "permission denied by the system",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full; nothing was changed",
    errno.EDQUOT: "the disk quota is used up; nothing was changed",
    errno.EXDEV: "it lies on another file system than its destination. Read it and write a copy instead",
    errno.EMFILE: "too many files are open in this process. Try again",
    errno.ENFILE: "too many files are open on this machine. Try again",
    errno.EAGAIN: "it gives nothing without waiting",
    errno.EIO: "the disk failed to read or write it",
}
_OURS: Final = {
    errno.ELOOP: "It can be listed, moved and removed, not opened",
    errno.ENOTDIR: "List the folder above it to see what is there",
    errno.EISDIR: "List it, or name a file in it",
    errno.EMLINK: "Writing it would change that one too. Remove it and write a new file, or write under another name",
    errno.EINVAL: "It can be listed, moved and removed, not opened",
}


@contextlib.contextmanager
def refusals_of(doing: str, path: str) -> Iterator[None]:
    """Turn what the system refuses in the block into a `WorkspaceError`.

    Args:
        doing: The verb, as in "read".
        path: The path it was to be done to.

    Raises:
        WorkspaceError: In place of an `OSError`, which is its cause.
    """
    try:
        yield
    except OSError as error:
        raise WorkspaceError(f"cannot {doing} {named(path)}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    code = error.errno or 0
    if code in _REASONS:
        return _REASONS[code]
    said = error.strerror or "the system refused"
    return f"{said}. {_OURS[code]}" if code in _OURS else said
