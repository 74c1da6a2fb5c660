"""In which order the parts of a request are sent, as a value; see `agentlab.caching.orderings.presets` for those that come along.

Source for tools before system before messages: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, get_args

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["PARTS", "Ordering", "Part", "split_part"]

Part = Literal["tools", "preamble", "documents", "few_shots", "history", "retrieved", "volatile", "prompt"]
PARTS: Final[tuple[str, ...]] = get_args(Part)
"""The parts of a request, in the usual order."""

_BODIES: Final = frozenset(["documents", "few_shots", "history", "retrieved", "prompt"])
_IN_PROMPT: Final = frozenset(["documents", "retrieved", "volatile"])
_SYSTEM_ANYWHERE: Final = frozenset(["openai-chat", "openai-responses", "ollama"])
"""Wires whose conversation has a role for system text; Gemini has none, Anthropic's only for some models."""


class Ordering(ShortRepr, Struct, frozen=True):
    """An order of a request's parts.

    `tools` come first: every wire renders them before the system prompt. `volatile` before the first part of the
    conversation is written into the system prompt, on the side of the preamble where it stands. `documents`, `retrieved`
    and `volatile` right before or after `prompt` share its message; elsewhere they are user messages of their own.

    A part may name how it is arranged itself, after a colon: `tools:6` offers the six tools whose names and descriptions
    share most words with what was said last, best first; `retrieved:edges` puts the most relevant documents first and
    last.

    Attributes:
        name: What it is called in tables.
        parts: All of `PARTS`, each once.
        description: What it is for, in a sentence.

    Raises:
        UsageError: The parts cannot be sent in this order on any wire; the message says why.
    """

    name: str
    parts: tuple[str, ...]
    description: str = ""

    def __post_init__(self) -> None:
        _check(self.name, self.parts)

    def check(self, wire: str) -> None:
        """Refuse a wire that cannot say it.

        Args:
            wire: Its name, such as `anthropic-messages`.

        Raises:
            UsageError: The wire has no place for system text behind messages.
        """
        names = [split_part(part)[0] for part in self.parts]
        before = [name for name in names[: names.index("preamble")] if name in _BODIES]
        if before and wire not in _SYSTEM_ANYWHERE:
            raise UsageError(
                f"the ordering {self.name!r} puts `preamble` behind `{before[0]}`, and the wire {wire!r} has no place for "
                "system text behind messages"
            )

    def __str__(self) -> str:
        return f"{self.name}: {', '.join(self.parts)}"


def split_part(part: str) -> tuple[str, str]:
    """A part's name and how it is arranged: `("tools", "6")` of `tools:6`."""
    name, _, variant = part.partition(":")
    return name, variant


def _check(title: str, parts: Sequence[str]) -> None:
    names = [split_part(part)[0] for part in parts]
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        raise UsageError(
            f"the ordering {title!r} names {', '.join(unknown)}; the parts are {', '.join(PARTS)}"
        )
    missing = [part for part in PARTS if names.count(part) != 1]
    if missing:
        raise UsageError(f"the ordering {title!r} must name each part once: {', '.join(missing)}")
    for part in parts:
        name, variant = split_part(part)
        fits = {"tools": variant.isdecimal() and int(variant) > 0, "retrieved": variant == "edges"}
        if variant and not fits.get(name, False):
            raise UsageError(
                f"the ordering {title!r} has {part!r}; only `tools:<number>` and `retrieved:edges` are known"
            )
    if names[0] != "tools":
        raise UsageError(
            f"the ordering {title!r} begins with `{names[0]}`; every wire renders `tools` before all else"
        )
    behind = [name for name in names[names.index("prompt") + 1 :] if name not in _IN_PROMPT]
    if behind:
        raise UsageError(
            f"the ordering {title!r} puts `{behind[0]}` behind `prompt`, which must be in the last user message; only "
            f"{', '.join(sorted(_IN_PROMPT))} can follow it there"
        )
