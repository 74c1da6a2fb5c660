"""What a text holds that could be an argument: numbers, quoted words, names, dates. Taken in order, each once."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["EXPRESSION_NAMES", "Evidence"]

_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")
_QUOTED: Final = re.compile(r"\"([^\"\n]+)\"|\u201c([^\u201d\n]+)\u201d|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)")
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL: Final = re.compile(r"https?://[^\s\"'<>)\]]*[^\s\"'<>)\].,;:!?]")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?Z?)?")
_PATH: Final = re.compile(r"(?<![\w/])[\w./-]*\w\.[a-z]{1,5}(?!\w)")
_NAME: Final = re.compile(r"[A-ZÀ-Þ][\w'\u2019-]*(?:[ ](?:de|of|la|van)?[ ]?[A-ZÀ-Þ][\w'\u2019-]*)*")
_PLACE: Final = re.compile(r"\b(?:in|at|for|to|from|of|near)\s+(" + _NAME.pattern + ")")
_SUM: Final = re.compile(r"[-\d.,()\s]*\d\s*[-+*/\u00d7\u00f7^%][-+*/\u00d7\u00f7^%\d.,()\s]*\d\)?")
_PLACE_NAMES: Final = frozenset(
    ["city", "country", "destination", "location", "place", "region", "town", "where"]
)
_WHOLE_TEXT: Final = frozenset(
    ["text", "query", "question", "prompt", "message", "input", "content", "task", "request", "instructions"]
)
EXPRESSION_NAMES: Final = frozenset({"expression", "formula", "calculation"})
_OPENERS: Final = frozenset(
    [
        "a", "add", "also", "an", "and", "are", "calculate", "call", "can", "compute", "convert", "could", "divide",
        "do", "does", "fetch", "find", "first", "get", "give", "hello", "hi", "how", "i", "if", "in", "is", "it",
        "list", "look", "make", "multiply", "my", "now", "please", "read", "run", "say", "search", "send", "show",
        "subtract", "sum", "tell", "that", "the", "then", "there", "this", "to", "translate", "use", "we", "what",
        "when", "where", "which", "who", "why", "with", "write", "you", "your",
    ]
)  # fmt: skip


class Evidence:
    """The findings in a text. `take_...` gives the next unused one, or None.

    Args:
        text: What the user wrote.

    Attributes:
        sum: The first arithmetic expression in it, or None.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._urls: list[str] = _URL.findall(text)
        self._emails: list[str] = _EMAIL.findall(text)
        self._dates: list[str] = _DATE.findall(text)
        bare = _DATE.sub(" ", _EMAIL.sub(" ", _URL.sub(" ", text)))
        self._quoted: list[str] = [next(filter(None, groups)) for groups in _QUOTED.findall(bare)]
        unquoted = _QUOTED.sub(" ", bare)
        self._numbers = [number.replace(",", "") for number in _NUMBER.findall(unquoted)]
        self._names = _distinct(_NAME.findall(unquoted))
        self._places = _distinct(_PLACE.findall(unquoted))
        self._paths: list[str] = _PATH.findall(unquoted)
        sums: list[str] = _SUM.findall(unquoted)
        self.sum = sums[0].strip(" ,.") if sums else None

    @property
    def numbers(self) -> int:
        """How many numbers are left."""
        return len(self._numbers)

    @property
    def is_specific(self) -> bool:
        """Whether there is anything to take but the text itself."""
        found = (self._quoted, self._names, self._numbers, self._urls, self._emails, self._dates, self._paths)
        return any(found)

    def take_number(self) -> float | int | None:
        """The next number, an int where it is written as one."""
        if not self._numbers:
            return None
        written = self._numbers.pop(0)
        return float(written) if "." in written else int(written)

    def named(self, name: str) -> str | None:
        """The value written beside a parameter's name: `city: Paris`, `a=3`, `name is "Ada"`."""
        words = re.escape(name).replace("_", "[ _-]")
        value = r"(\"[^\"\n]+\"|'[^'\n]+'|[\w.@/+-]+)"
        match = re.search(rf"\b{words}\s*(?:=|:|\bis\b)\s*{value}", self.text, re.IGNORECASE)
        return match[1].strip("\"'").rstrip(".") if match else None

    def take_string(self, name: str, kind: str | None = None) -> str | None:
        """A text for a parameter.

        Args:
            name: The parameter; its words say what to look for.
            kind: The schema's `format`.
        """
        words = set(re.split(r"[_\W]+", name.lower()))
        if kind == "email" or "email" in words:
            return _pop(self._emails)
        if kind in {"uri", "url"} or words & {"url", "uri", "link"}:
            return _pop(self._urls)
        if kind in {"date", "date-time"} or words & {"date", "day", "when"}:
            return _pop(self._dates)
        if words & EXPRESSION_NAMES and self.sum:
            return self.sum
        if words & {"path", "file", "filename"} and self._paths:
            return self._paths.pop(0)
        if self._quoted:
            return self._quoted.pop(0)
        if words & _WHOLE_TEXT:
            return self.text.strip()
        found = _pop(self._places if words & _PLACE_NAMES and self._places else self._names)
        for pool in (self._places, self._names):
            if found in pool:
                pool.remove(found)
        return found


def _pop(found: list[str]) -> str | None:
    return found.pop(0) if found else None


def _distinct(found: list[str]) -> list[str]:
    return list(dict.fromkeys(name for name in map(_trimmed, found) if name))


def _trimmed(name: str) -> str:
    """A name without the words that are capital only because they open a sentence."""
    words = name.split()
    while words and re.split("['\u2019]", words[0].lower())[0] in _OPENERS:
        words.pop(0)
    return " ".join(words)
