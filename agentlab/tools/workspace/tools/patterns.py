"""Regular expressions that are matched line by line in bounded time, whatever the pattern is.

google-re2 is used where it is installed: its time is linear in the line. Its worst case still is the size of the pattern for
every character, so lines are searched up to a length that goes with that size. Python's `re`, which may take for ever, runs
in a process that is ended when its time is over (`patterns_process`); it also serves what re2 does not know
(lookarounds, back references).
"""

from __future__ import annotations

import importlib
import re
from types import ModuleType
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

from agentlab.errors import ToolError
from agentlab.tools.workspace.tools.limits import Deadline
from agentlab.tools.workspace.tools.patterns_process import ProcessOfPatterns, TimeIsUp
from agentlab.tools.workspace.tools.text_lines import blocks

__all__ = ["Engine", "Found", "Searcher", "TimeIsUp", "searcher"]

Engine = Literal["re2", "re"]

LONGEST_PATTERN: Final = 1_000
_WORK: Final = 20_000_000
_LARGEST_PROGRAM: Final = 20_000
_MOST_HITS: Final = 10_000

# What makes a pattern mean something else in a block of lines than in one line.
_OF_ONE_LINE: Final = re.compile(r"\(\?(?![:P<])|\\[AzZC]")


class Found(Struct, frozen=True):
    """What a search of one file gave.

    Attributes:
        hits: Line (from 0) and character at which the first match in it starts, for the first 10,000 matching lines.
        count: Matching lines.
        longest: Bytes up to which a line was searched, where a line is longer; None where all were searched whole.
    """

    hits: list[tuple[int, int]]
    count: int
    longest: int | None = None


class Searcher(Protocol):
    """One pattern, ready to search files; close it."""

    def search(self, data: bytes) -> Found:
        """Search the lines of a file (UTF-8).

        Raises:
            TimeIsUp: The deadline passed; nothing is known of this file.
        """
        ...

    def close(self) -> None:
        """End what belongs to it."""
        ...


def searcher(
    pattern: str, *, case_sensitive: bool, deadline: Deadline, engine: Engine | None = None
) -> Searcher:
    """Make a pattern ready.

    Args:
        pattern: The regular expression, for single lines.
        case_sensitive: Whether case counts.
        deadline: When to give up.
        engine: What matches; None for re2 where it is installed and knows the pattern, else `re`.

    Raises:
        ToolError: The pattern is too long or is none; the text says where.
        TimeIsUp: Compiling it took too long.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise ToolError(
            f"a pattern of {len(pattern)} characters is too long; {LONGEST_PATTERN} at most: split it"
        )
    if _has_no_bytes(pattern):
        raise ToolError("the pattern holds half of a surrogate pair, which no file of UTF-8 can hold")
    re2 = None if engine == "re" else _re2(required=engine == "re2")
    if re2 is not None:
        compiled = _compiled(re2, pattern, case_sensitive, required=engine == "re2")
        if compiled is not None:
            return _Re2Searcher(re2, compiled, pattern, deadline)
    return _ReSearcher(ProcessOfPatterns(pattern, case_sensitive, _MOST_HITS, deadline))


class _ReSearcher:
    def __init__(self, process: ProcessOfPatterns) -> None:
        self._process = process

    def search(self, data: bytes) -> Found:
        hits, count = self._process.search(data)
        return Found(hits, count)

    def close(self) -> None:
        self._process.close()


class _Re2Searcher:
    """re2 over one line at a time; blocks of lines without a match are left out as a whole."""

    def __init__(self, re2: ModuleType, compiled: Any, pattern: str, deadline: Deadline) -> None:
        self._pattern = compiled
        self._deadline = deadline
        self._longest = max(1_000, _WORK // max(1, compiled.programsize))
        self._over_lines = None
        if not _OF_ONE_LINE.search(pattern):
            self._over_lines = re2.compile(b"(?m)" + pattern.encode(), compiled.options)
        self._block = min(64 * 1024, self._longest)

    def search(self, data: bytes) -> Found:
        hits: list[tuple[int, int]] = []
        count, number, longest = 0, 0, None
        for block in blocks(data, self._block):
            if self._deadline.has_passed:
                raise TimeIsUp
            lines = block.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
            if self._is_without(lines):
                number += len(lines)
                continue
            for line in lines:
                if len(line) > self._longest:
                    longest = self._longest
                found = self._pattern.search(line[: self._longest])
                if found is not None:
                    count += 1
                    if len(hits) < _MOST_HITS:
                        hits.append((number, len(line[: found.start()].decode(errors="ignore"))))
                if self._deadline.has_passed:
                    raise TimeIsUp
                number += 1
        return Found(hits, count, longest)

    def close(self) -> None:
        """Nothing is open."""

    def _is_without(self, lines: list[bytes]) -> bool:
        """Whether none of several lines can match."""
        if self._over_lines is None or len(lines) == 1:
            return False
        return self._over_lines.search(b"\n".join(lines)) is None


def _re2(*, required: bool) -> ModuleType | None:
    try:
        return importlib.import_module("re2")
    except ImportError:
        if required:
            raise
        return None


def _compiled(re2: ModuleType, pattern: str, case_sensitive: bool, *, required: bool) -> Any:
    """The pattern for re2; None where `re` should have it."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = case_sensitive
    try:
        compiled = re2.compile(pattern.encode(), options)
    except re2.error as error:
        if not required:
            return None
        text = error.args[0] if error.args else error
        why = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        raise ToolError(f"the pattern is not understood: {why}") from None
    if compiled.programsize <= _LARGEST_PROGRAM:
        return compiled
    if required:
        raise ToolError("the pattern is too large once its repetitions are written out; make them smaller")
    return None


def _has_no_bytes(pattern: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in pattern)
