"""What several calls tell together: a prefix that moved, an entry out of reach, the same prefix written many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from agentlab.caching.explaining.cause import Cause
from agentlab.caching.explaining.explain import explain
from agentlab.caching.linting.changing_values import kind_of_change
from agentlab.caching.linting.finding import Finding
from agentlab.caching.linting.linted_call import LintedCall
from agentlab.caching.linting.rules import SORT_ADVICE, STABLE_ADVICE, VALUE_CODES

__all__ = ["BETWEEN_RULES", "WHOLE_RULES", "advice_on"]

_ADVICE: Final = {
    "history-rewritten": "Append to a history, never change it; shorten it rarely and by much at once.",
    "tools-changed": "Offer the same tools in the same order every time; forbid one by `tool_choice` or in words.",
    "setting-changed": "Keep it for the whole conversation, or start a new one with the change.",
    "preamble-changed": "Keep the preamble for the whole conversation; put what changes in `volatile=`.",
    "document-changed": "Keep static documents as they are; give what changes as retrieved context, behind the history.",
}


def advice_on(cause: Cause) -> tuple[str, str]:
    """What to do about a change that moved a prefix.

    Args:
        cause: The change, as `explain` found it.

    Returns:
        The code of the rule it breaks, and the advice.
    """
    if cause.aspect == "reordered":
        return "unsorted-json", SORT_ADVICE
    if cause.character is not None and cause.part != "message":
        kind = kind_of_change(cause.before, cause.after, cause.character)
        if kind is not None:
            return VALUE_CODES[kind], SORT_ADVICE if kind == "set" else STABLE_ADVICE
    code = {
        "setting": "setting-changed",
        "tool": "tools-changed",
        "tools": "tools-changed",
        "preamble": "preamble-changed",
        "document": "document-changed",
    }.get(cause.part, "history-rewritten")
    return code, _ADVICE[code]


def moved_prefix(before: LintedCall, after: LintedCall) -> Iterator[Finding]:
    """Everything `explain` finds, by its kind."""
    explanation = explain(before.call, after.call)
    if explanation is None:
        return
    for cause in (explanation.cause, *explanation.also):
        code, advice = advice_on(cause)
        place = f"{cause.place}, {after.place}" if after.number else cause.place
        yield Finding(code, "error", place, _sentence(cause), advice)


def too_many_new_blocks(before: LintedCall, after: LintedCall) -> Iterator[Finding]:
    """More new blocks since the last entry than the provider looks back over."""
    lookback = after.profile.lookback
    if not lookback or not before.marked or not after.marked:
        return
    entry = before.marked[-1]
    reach = min((mark - entry for mark in after.marked if mark >= entry), default=None)
    if reach is not None and reach > lookback:
        yield Finding(
            "too-many-new-blocks",
            "error",
            after.place,
            f"{reach} content blocks came since the last cache marker, and {after.call.model} looks back over "
            f"{lookback}: the entry is not found, and everything is paid anew, without a word.",
            "Put another marker between: `place_breakpoints` finds where. Parallel tool calls count twice, call and result.",
        )


def cold_fan_out(calls: Sequence[LintedCall]) -> Iterator[Finding]:
    """Calls that began together with the same prefix, so that each wrote it and none could read it."""
    groups: dict[tuple[str, ...], list[LintedCall]] = {}
    for call in calls:
        key = (call.call.vendor, call.call.model, *(block.text for block in call.opening))
        groups.setdefault(key, []).append(call)
    for group in groups.values():
        cold = [call for call in group if _wrote_cold(call)]
        together = [
            call for call in cold[1:] if call.call.at <= cold[0].call.at + (cold[0].call.ttft_s or 0.0)
        ]
        if together and cold[0].opening_tokens >= cold[0].profile.min_tokens:
            numbers = ", ".join(str(call.number) for call in (cold[0], *together))
            wasted = sum(min(call.opening_tokens, _written(call)) for call in together)
            yield Finding(
                "cold-fan-out",
                "warning",
                f"calls {numbers}",
                f"They began before the first of them was answered: each wrote the same prefix, about {wasted:,} "
                "tokens more than once.",
                "Send one, wait until it begins to answer, then send the rest.",
            )


def implicit_trap_seen(calls: Sequence[LintedCall]) -> Iterator[Finding]:
    """Conversations that begin alike, each of which wrote the whole prompt and read nothing."""
    for before, after in pairwise(calls):
        if after.profile.family != "message_boundaries" or after.marked or before.begins_like(after):
            continue
        same = [block.text for block in before.opening] == [block.text for block in after.opening]
        if same and after.opening_tokens >= after.profile.min_tokens and _wrote_cold(after):
            yield Finding(
                "implicit-mode-trap",
                "error",
                after.place,
                f"It begins like {before.place} up to the user's prompt, read nothing and wrote {_written(after):,} "
                "tokens: the entry of the call before ends behind its prompt.",
                'Mark the end of what stays: `cache=CacheOptions(breakpoints=("preamble",))`.',
            )


def under_minimum_throughout(calls: Sequence[LintedCall]) -> Iterator[Finding]:
    """Calls that never were long enough to be cached."""
    last = calls[-1]
    longest = max(call.input_tokens for call in calls)
    if len(calls) > 1 and longest < last.profile.min_tokens:
        yield Finding(
            "below-minimum",
            "warning",
            "all calls",
            f"The longest prompt is {longest:,} tokens, and {last.call.model} caches from {last.profile.min_tokens:,}: "
            "nothing was cached.",
            "Nothing, where prompts stay this short; a cache cannot help.",
        )


def _sentence(cause: Cause) -> str:
    sentence = cause.sentence
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _wrote_cold(call: LintedCall) -> bool:
    usage = call.call.usage
    return usage is not None and bool(usage.cache_write_tokens) and not usage.cache_read_tokens


def _written(call: LintedCall) -> int:
    usage = call.call.usage
    return (usage.cache_write_tokens or 0) if usage is not None else 0


BETWEEN_RULES: Final[tuple[Callable[[LintedCall, LintedCall], Iterator[Finding]], ...]] = (
    moved_prefix,
    too_many_new_blocks,
)
WHOLE_RULES: Final[tuple[Callable[[Sequence[LintedCall]], Iterator[Finding]], ...]] = (
    cold_fan_out,
    implicit_trap_seen,
    under_minimum_throughout,
)
