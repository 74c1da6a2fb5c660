"""System calls as strace tells them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator

import pytest
from msgspec import Struct

__all__ = ["Call", "calls", "strace"]

_CALL = re.compile(r"^(?:\d+ +)?(?P<name>\w+)\((?P<file>\d+)<(?P<path>[^>]*)>(?P<rest>.*)$")


class Call(Struct, frozen=True):
    """A system call on an open file: its name, the file's path, and the rest of the line."""

    name: str
    path: str
    rest: str


def strace() -> str:
    """The program; where it is missing the test is skipped, or fails if nothing may be missing."""
    found = shutil.which("strace")
    if found is None:
        missing = "no strace: install it (apt-get install strace)"
        (pytest.fail if os.environ.get("AGENTLAB_STRICT") == "1" else pytest.skip)(missing)
    return found


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """The calls on files in what `strace -y` wrote, in order."""
    for line in lines:
        found = _CALL.match(line)
        if found:
            yield Call(found["name"], found["path"], found["rest"])
