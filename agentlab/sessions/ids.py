"""Ids of sessions: short enough to type, and safe as the name of a file on every system."""

from __future__ import annotations

import re
import secrets
from typing import Final

from agentlab.errors import UsageError
from agentlab.short_repr import one_line

__all__ = ["checked_id", "new_id"]

# Without i, l, o and u: nothing is misread, and no word comes out by chance.
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 8  # 40 bits
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])")  # no names of files on Windows


def new_id() -> str:
    """A fresh id: eight letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def checked_id(text: str) -> str:
    """An id from outside, as it may be used in a path.

    Args:
        text: What somebody gave as an id.

    Raises:
        UsageError: It is not of lower-case letters, digits, `-` and `_`, is longer than 64, or names a device.
    """
    if _ID.fullmatch(text) is None or _DEVICES.fullmatch(text) is not None:
        raise UsageError(
            f"`{one_line(text)}` is no id of a session; ids are of lower-case letters, digits, `-` and `_`, "
            "64 at most, and begin with a letter or digit"
        )
    return text
