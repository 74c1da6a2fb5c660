"""What a single call tells: values that change by themselves, a prefix too short, a key or a marker that is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from agentlab.caching.blocks.canonical import readable
from agentlab.caching.blocks.splitting import Block
from agentlab.caching.linting.changing_values import changing_values
from agentlab.caching.linting.finding import Finding, Severity
from agentlab.caching.linting.linted_call import LintedCall, holds_documents

__all__ = ["CALL_RULES", "SORT_ADVICE", "STABLE_ADVICE", "VALUE_CODES"]

VALUE_CODES: Final = {
    "clock": "clock-in-prefix",
    "date": "clock-in-prefix",
    "random": "random-in-prefix",
    "set": "set-in-prefix",
}
STABLE_ADVICE: Final = (
    "Put it in `volatile=`, behind everything that stays: whatever stands after it is paid anew."
)
SORT_ADVICE: Final = "Sort it before it becomes text: `sorted(...)`, `json.dumps(..., sort_keys=True)`."

_SAID: Final = {
    "clock": "looks like a time of day",
    "date": "looks like the date of today",
    "random": "looks like an identifier made anew each time",
    "set": "looks like a set, whose order differs from one process to the next",
}
_DOCUMENT: Final = re.compile(r"<file id: ([^>\n]*)>\n(?:<metadata[^\n]*/>\n)?(.*?)\n</file>\n?", re.DOTALL)


def changing_values_in_prefix(call: LintedCall) -> Iterator[Finding]:
    """Clocks, identifiers and printed sets in what should never change.

    A document may well tell of a date; whether it changes, a comparison of two calls tells.
    """
    for block in call.opening:
        documents = holds_documents(block)
        for value in changing_values(block.text if block.kind == "tool" else readable(block)):
            if documents and value.kind != "set":
                continue
            severity: Severity = "note" if value.kind == "date" else "warning"
            yield Finding(
                VALUE_CODES[value.kind],
                severity,
                _named(block) if block.kind == "tool" else f"{_named(block)} character {value.start}",
                f"`{value.text}` {_SAID[value.kind]}.",
                SORT_ADVICE if value.kind == "set" else STABLE_ADVICE,
            )


def unsorted_documents(call: LintedCall) -> Iterator[Finding]:
    """Static documents that are JSON with keys as they came."""
    for block in call.opening:
        if not holds_documents(block):
            continue
        for name, text in _documents(readable(block)):
            try:
                value = msgspec.json.decode(text)
            except msgspec.DecodeError:
                continue
            if isinstance(value, dict | list) and not _sorted(value):
                yield Finding(
                    "unsorted-json",
                    "note",
                    f"static document `{name}`",
                    "It is JSON whose keys are in no order.",
                    SORT_ADVICE,
                )


def below_minimum(call: LintedCall) -> Iterator[Finding]:
    """An opening that is too short to be cached on its own."""
    minimum, tokens = call.profile.min_tokens, call.opening_tokens
    if 0 < tokens < minimum:
        yield Finding(
            "below-minimum",
            "note",
            "tools, preamble and documents",
            f"They are about {tokens:,} tokens, and {call.call.model} caches from {minimum:,}: no new conversation "
            "begins with a cache read.",
            "Nothing, where conversations are long; else a longer stable prefix may be cheaper (`break_even`).",
        )


def missing_cache_key(call: LintedCall) -> Iterator[Finding]:
    """OpenAI Responses without a key: requests of one prefix are spread over machines that do not share a cache."""
    if call.call.wire != "openai-responses" or call.profile.family != "intervals":
        return
    if not call.body.get("prompt_cache_key"):
        yield Finding(
            "no-cache-key",
            "note",
            "the request",
            f"It has no `prompt_cache_key`, which keeps requests of {call.call.model} with one prefix on one machine.",
            'Give one for each agent or user: `cache=CacheOptions(key="...")`.',
        )


def implicit_trap(call: LintedCall) -> Iterator[Finding]:
    """A long static opening whose only cache entry ends behind the changing prompt."""
    if call.profile.family != "message_boundaries" or call.marked:
        return
    if (
        call.opening_tokens >= call.profile.min_tokens
        and len({block.message for block in call.conversation}) == 1
    ):
        yield Finding(
            "implicit-mode-trap",
            "warning",
            "the end of the preamble",
            "The one entry that is written ends behind the user's prompt; the next conversation begins with another "
            "prompt, reads nothing, and pays the price of writing again.",
            'Mark the end of what stays: `cache=CacheOptions(breakpoints=("preamble",))`.',
        )


def _named(block: Block) -> str:
    if block.kind == "tool":
        return f"tool `{block.label}`"
    return "static document" if holds_documents(block) else "preamble"


def _documents(text: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the static documents in a text."""
    for found in _DOCUMENT.finditer(text):
        yield found.group(1), found.group(2)


def _sorted(value: Any) -> bool:
    """Whether the keys of every object in a value are in order."""
    if isinstance(value, dict):
        return list(value) == sorted(value) and all(map(_sorted, value.values()))
    return not isinstance(value, list) or all(map(_sorted, value))


CALL_RULES: Final[tuple[Callable[[LintedCall], Iterator[Finding]], ...]] = (
    changing_values_in_prefix,
    unsorted_documents,
    below_minimum,
    missing_cache_key,
    implicit_trap,
)
