"""Values of arguments, read as hosts, paths, numbers or text for a pattern; what could be read in two ways is not read."""

from __future__ import annotations

import math
import posixpath
import re
from functools import lru_cache
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from agentlab.errors import MissingExtra, UsageError

__all__ = ["host_of", "is_number", "is_within", "pattern_of", "place_of"]

_SCHEMES: Final = frozenset({"http", "https"})
_AMBIGUOUS: Final = re.compile(r"[\x00-\x20\x7f\\]")
_PATH_TRICKS: Final = re.compile(r"[\x00\\]")


class _Pattern(Protocol):
    def fullmatch(self, text: str, /) -> object: ...


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def host_of(url: str) -> str | None:
    """The host of an address; None where it is none, or one that programs read in different ways."""
    if _AMBIGUOUS.search(url) or not url.isascii():
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in _SCHEMES or not host or "@" in parts.netloc or "%" in parts.netloc:
        return None
    return host.rstrip(".").lower()


def place_of(path: str) -> str | None:
    """A path with `.` and `..` worked out; None where it climbs out of where it starts, or is written to mislead."""
    if _PATH_TRICKS.search(path) or path.startswith("~"):
        return None
    place = posixpath.normpath(path or ".")
    if place == ".." or place.startswith("../"):
        return None
    return f"/{place.lstrip('/')}" if path[:1] == "/" else place


def is_within(place: str, folder: str) -> bool | None:
    """Whether a place is a folder or in it; None where one is absolute and the other is not."""
    root = place_of(folder)
    assert root is not None
    if (place[:1] == "/") is not (root[:1] == "/"):
        return None
    return root in {".", "/"} or place == root or place.startswith(f"{root}/")


@lru_cache(maxsize=256)
def pattern_of(pattern: str) -> _Pattern:
    """A pattern of RE2, whose time is linear in the text: what is matched is a model's, and it may mean harm."""
    try:
        import re2  # noqa: PLC0415 - optional, only policies with a `regex` need it
    except ImportError as error:
        raise MissingExtra(
            "a condition with a `regex` needs RE2, whose time cannot explode: pip install 'agentlab[workspace]'"
        ) from error
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: _Pattern = re2.compile(pattern, options)
    except re2.error as error:
        raise UsageError(f"{pattern!r} is no regular expression of RE2: {error}") from None
    return compiled
