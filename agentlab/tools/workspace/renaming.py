"""Renames within held folders without replacing what is there: in one system call where Linux offers it.

Source: https://man7.org/linux/man-pages/man2/renameat2.2.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Final

__all__ = ["rename_into_free_name"]

_NOREPLACE: Final = 1
_UNSUPPORTED: Final = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}


def rename_into_free_name(from_folder: int, name: str, to_folder: int, new_name: str) -> None:
    """Rename an entry of one folder into another, and refuse where the new name is taken. Links are moved themselves.

    Without `renameat2` (another system, a file system without it) the name is looked up first: an entry made by another
    process in that moment is then replaced.

    Args:
        from_folder: Descriptor of the folder it is in.
        name: Its name there.
        to_folder: Descriptor of the folder it goes to.
        new_name: Its name there.

    Raises:
        FileExistsError: The new name is taken.
        OSError: The system refused.
    """
    renameat2 = _renameat2()
    if renameat2 is not None:
        code = renameat2(from_folder, os.fsencode(name), to_folder, os.fsencode(new_name), _NOREPLACE)
        if not code:
            return
        if code not in _UNSUPPORTED:
            raise OSError(code, os.strerror(code), name)
    try:
        os.stat(new_name, dir_fd=to_folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(name, new_name, src_dir_fd=from_folder, dst_dir_fd=to_folder)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)


@cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]

    def call(from_folder: int, name: bytes, to_folder: int, new_name: bytes, flags: int) -> int:
        failed = function(from_folder, name, to_folder, new_name, flags)
        return ctypes.get_errno() if failed else 0

    return call
