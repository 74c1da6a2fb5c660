"""Which texts are paths of a workspace: decided from the text alone, before any folder is looked at.

The rules are the same on every system and for every backend, so that what works in one works in all: the names that are
devices on Windows are refused on Linux too. Nothing is decoded (`%2e%2e` is a name with a percent sign) and nothing is
resolved: `..` is refused rather than followed, since where it leads is known only to the disk.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from agentlab.errors import WorkspaceError
from agentlab.short_repr import one_line

__all__ = [
    "MOST_BYTES_OF_A_NAME",
    "MOST_BYTES_OF_A_PATH",
    "OWN_NAME",
    "components",
    "has_name",
    "is_own_name",
    "joined",
    "named",
    "shown",
]

OWN_NAME: Final = ".agentlab-workspace"
"""The folder in the root where removed files wait, and the beginning of the name of a file being written."""

MOST_BYTES_OF_A_NAME: Final = 255
MOST_BYTES_OF_A_PATH: Final = 4096

# Controls (C0, C1, DEL), line and paragraph separators, direction overrides, lone surrogates, and the other separator.
_UNWRITABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\\\\]"
)
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_DOTS_AND_SPACES: Final = re.compile(r"[.\s]+")
_DEVICE: Final = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])"
)
# Characters that HFS+ leaves out when it compares names.
_IGNORABLE: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def components(path: str) -> tuple[str, ...]:
    """Cut a path into its names.

    Args:
        path: A relative POSIX text. A leading "/" means the root of the workspace, a trailing one nothing, and "." the
            folder it stands in.

    Returns:
        The names from the root down; empty for the root itself.

    Raises:
        WorkspaceError: The text could mean a place outside, or no file system could hold it; the text says why.
    """
    if len(path) > MOST_BYTES_OF_A_PATH or len(path.encode("utf-8", "replace")) > MOST_BYTES_OF_A_PATH:
        raise _refused(path, f"it is longer than {MOST_BYTES_OF_A_PATH} bytes")
    unwritable = _UNWRITABLE.search(path)
    if unwritable is not None:
        raise _refused(path, _why_unwritable(unwritable[0]))
    if path.startswith("//"):
        raise _refused(path, "it begins with two slashes, which means another machine on some systems")
    inner = path.removeprefix("/").removesuffix("/")
    if not inner:
        return ()
    names = tuple(name for name in inner.split("/") if name != ".")
    for name in names:
        reason = _reason_against(name)
        if reason is not None:
            raise _refused(path, reason)
    return names


def has_name(path: str) -> tuple[str, ...]:
    """Cut a path that must not be the root into its names.

    Raises:
        WorkspaceError: The path is refused, or it is the root.
    """
    names = components(path)
    if not names:
        raise WorkspaceError("the path is the root of the workspace; name a file or folder inside it")
    return names


def joined(*names: str) -> str:
    """Join names to the path that is shown for them."""
    return "/".join(names)


def named(path: str) -> str:
    """A path as error texts show it: bounded, on one line, every character visible."""
    return f"`{one_line(path)}`" if path else "the root of the workspace"


def shown(name: str) -> str:
    r"""A name from the disk in a form that can be printed and sent: what no path can hold is escaped (`caf\xe9.txt`).

    Args:
        name: As `os.scandir` gives it: bytes that are not UTF-8 are lone surrogates.
    """
    return _UNWRITABLE.sub(_escaped, name)


def is_own_name(name: str) -> bool:
    """Whether a name is the workspace's own, which is neither listed nor reachable: the trash, and files being written.

    Names that some file system takes for the same (case, compatibility forms, ignorable characters) count as the same.
    """
    if name.isascii():
        return name.lower().startswith(OWN_NAME)
    plain = unicodedata.normalize("NFKC", _IGNORABLE.sub("", name)).casefold()
    return plain.startswith(OWN_NAME)


def _reason_against(name: str) -> str | None:
    if not name:
        return "two slashes stand next to each other"
    if name == "..":
        return '".." is not allowed; write the path from the root of the workspace'
    if name == "~":
        return '"~" is not a home folder here; write the path from the root of the workspace'
    if _DOTS_AND_SPACES.fullmatch(name):
        return "a name consists of dots and spaces only"
    if len(name.encode()) > MOST_BYTES_OF_A_NAME:
        return f"a name in it is longer than {MOST_BYTES_OF_A_NAME} bytes"
    if _DRIVE.match(name):
        return "it names a drive; write the path from the root of the workspace"
    stem = re.split(r"[.:]", name, maxsplit=1)[0].rstrip().lower()
    if _DEVICE.fullmatch(stem):
        return f'"{stem}" is the name of a device on some systems; take another name'
    if is_own_name(name):
        return f'names that begin with "{OWN_NAME}" are kept for the workspace itself'
    return None


def _why_unwritable(letter: str) -> str:
    if letter == "\\":
        return 'it holds a backslash; folders are separated by "/"'
    if letter == "\x00":
        return "it holds a NUL character"
    if 0xD800 <= ord(letter) <= 0xDFFF:
        return "it holds half a character (a lone surrogate)"
    return f"it holds the control character U+{ord(letter):04X}"


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return "\\\\" if letter == "\\" else letter.encode("unicode_escape", "surrogatepass").decode()


def _refused(path: str, why: str) -> WorkspaceError:
    return WorkspaceError(f"the path {named(path)} is refused: {why}")
