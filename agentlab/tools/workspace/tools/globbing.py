"""Glob patterns over paths, matched in time that no pattern can make long.

`*` and `?` stay within one name, `[a-z]` and `[!a-z]` are one character, `**` is any number of folders, `{a,b}` either. A
pattern is turned into no regular expression: those made of many stars take a backtracking engine for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from agentlab.errors import ToolError

__all__ = ["Glob", "name_matches"]

_MOST_ALTERNATIVES = 64
_LONGEST = 1_000


@dataclass(frozen=True)
class Glob:
    """A pattern for whole paths.

    Attributes:
        alternatives: What the braces stand for, each as the patterns of its names.
    """

    alternatives: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, pattern: str) -> Glob:
        """Read a pattern; a "/" at its start means the folder it is used in.

        Raises:
            ToolError: It is empty, too long, leads out with "..", or has too many alternatives.
        """
        if len(pattern) > _LONGEST:
            raise ToolError(f"a pattern of {len(pattern)} characters is too long; {_LONGEST} at most")
        found = []
        for each in _expanded(pattern):
            names = tuple(name for name in each.split("/") if name not in {"", "."})
            if ".." in names:
                raise ToolError(f"the pattern {pattern!r} leads out of its folder with `..`")
            if names:
                found.append(names)
        if not found:
            raise ToolError("the pattern is empty; `**` matches everything")
        return cls(tuple(found))

    def matches(self, path: str) -> bool:
        """Whether a path, relative to the folder the pattern is used in, is one of those it means."""
        names = path.split("/")
        return any(_path_matches(each, names) for each in self.alternatives)

    def matches_above(self, path: str) -> bool:
        """Whether the path or a folder above it matches: what names a folder means all that is in it."""
        names = path.split("/")
        return any(
            _path_matches(each, names[:depth])
            for each in self.alternatives
            for depth in range(len(names), 0, -1)
        )

    @property
    def start(self) -> str:
        """The path that everything it matches begins with, "" for none: its names without wildcards."""
        if len(self.alternatives) > 1:
            return ""
        names = takewhile(lambda name: not set(name) & set("*?["), self.alternatives[0])
        return "/".join(names)

    @property
    def is_name(self) -> bool:
        """Whether it has no "/" anywhere."""
        return all(len(each) == 1 for each in self.alternatives)


def name_matches(pattern: str, name: str) -> bool:
    """Whether a name matches `*`, `?` and `[...]`; case counts."""
    at, pattern_at = 0, 0
    star, star_at = -1, 0
    while at < len(name):
        end = _one_character(pattern, pattern_at, name[at])
        if pattern_at < len(pattern) and pattern[pattern_at] == "*":
            star, star_at = pattern_at, at
            pattern_at += 1
        elif end:
            at, pattern_at = at + 1, end
        elif star >= 0:
            star_at += 1
            at, pattern_at = star_at, star + 1
        else:
            return False
    return not pattern[pattern_at:].strip("*")


def _path_matches(patterns: Sequence[str], names: Sequence[str]) -> bool:
    """The same walk as `name_matches`, with names for characters and `**` for the star."""
    at, pattern_at = 0, 0
    star, star_at = -1, 0
    while at < len(names):
        if pattern_at < len(patterns) and patterns[pattern_at] == "**":
            star, star_at = pattern_at, at
            pattern_at += 1
        elif pattern_at < len(patterns) and name_matches(patterns[pattern_at], names[at]):
            at, pattern_at = at + 1, pattern_at + 1
        elif star >= 0:
            star_at += 1
            at, pattern_at = star_at, star + 1
        else:
            return False
    return all(each == "**" for each in patterns[pattern_at:])


def _one_character(pattern: str, at: int, character: str) -> int:
    """Where the pattern goes on if the character fits at `at`; 0 if it does not."""
    if at >= len(pattern):
        return 0
    if pattern[at] == "?":
        return at + 1
    if pattern[at] == "[":
        end = pattern.find("]", at + 3 if pattern[at + 1 : at + 2] in {"!", "^"} else at + 2)
        if end > 0:
            return end + 1 if _in_set(pattern[at + 1 : end], character) else 0
    return at + 1 if pattern[at] == character else 0


def _in_set(members: str, character: str) -> bool:
    is_negated = members[:1] in {"!", "^"}
    members = members[1:] if is_negated else members
    found, at = False, 0
    while at < len(members):
        if members[at + 1 : at + 2] == "-" and at + 2 < len(members):
            found = found or members[at] <= character <= members[at + 2]
            at += 3
        else:
            found = found or members[at] == character
            at += 1
    return found != is_negated


def _expanded(pattern: str) -> list[str]:
    """The pattern once for each choice of its braces, in their order; braces without a comma stand for themselves."""
    done: list[str] = []
    waiting = [(pattern, 0)]
    while waiting:
        text, since = waiting.pop(0)
        split = _first_braces(text, since)
        if split is None:
            done.append(text)
            continue
        before, choices, after = split
        waiting[:0] = [(before + choice + after, len(before)) for choice in choices]
        if len(done) + len(waiting) > _MOST_ALTERNATIVES:
            raise ToolError(
                f"the braces of {pattern[:80]!r} stand for more than {_MOST_ALTERNATIVES} patterns"
            )
    return done


def _first_braces(text: str, since: int) -> tuple[str, list[str], str] | None:
    """What stands before, in and after the first braces that hold a comma; braces inside them are left to the next turn."""
    opened: list[list[int]] = []
    best: list[int] | None = None
    for at in range(since, len(text)):
        if text[at] == "{":
            opened.append([at])
        elif text[at] == "," and opened:
            opened[-1].append(at)
        elif text[at] == "}" and opened:
            cuts = [*opened.pop(), at]
            if len(cuts) > 2 and (best is None or cuts[0] < best[0]):
                best = cuts
    if best is None:
        return None
    choices = [text[left + 1 : right] for left, right in pairwise(best)]
    return text[: best[0]], choices, text[best[-1] + 1 :]
