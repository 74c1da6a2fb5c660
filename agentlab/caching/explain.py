"""Why a request could not read the cache that the one before it left: which part moved, and what that cost.

A provider's cache matches a prefix of the rendered prompt, so the first block that differs ends it, whatever comes
after. The counters alone do not tell: they stay above zero. Anthropic and OpenAI have diagnoses of their own
(`diagnostics` and `prompt_cache_diagnostics`) that give one reason; their words are used here, for every cause there is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from agentlab.caching.appended import only_appends
from agentlab.caching.blocks import Block, split_object
from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.cause import Cause
from agentlab.caching.explanation import Explanation
from agentlab.caching.lost_tokens import dollars_lost, tokens_lost
from agentlab.caching.moving_settings import Level, Vocabulary, moved_settings, setting_name, vocabulary
from agentlab.caching.text_causes import message_causes, system_causes
from agentlab.caching.tool_causes import Placed, tool_causes
from agentlab.errors import UsageError

__all__ = ["Explainable", "explain", "explain_calls"]

Explainable = Sequence[Block] | tuple[str, str | bytes | Mapping[str, Any]] | RecordedCall
"""A request: its blocks, its wire and JSON body, or a recorded call."""


def explain(
    previous: Explainable, current: Explainable, *, provider: str | None = None, model: str | None = None
) -> Explanation | None:
    """Say why the later request no longer begins with the earlier one.

    Compares what was sent, not what a provider did: a cache may also miss because an entry expired or lies on another
    machine, which no comparison can show.

    Args:
        previous: The earlier request. Blocks alone do not show settings that are not rendered (model, cache key, tier).
        current: The later one, in the same form or another.
        provider: Vendor, for its words and its prices; that of the recorded call, else the wire's home, where None.
        model: Model, for prices; the body's where None.

    Returns:
        The explanation; None where the earlier request is still the start of the later one: messages were appended,
        cache markers moved, or settings changed that no cache sees (temperature, limits, metadata).

    Raises:
        UsageError: A body is no JSON object, or its wire is not known.
    """
    if _plainly_appended(previous, current):
        return None
    before, after = _request(previous, provider, model), _request(current, provider, model)
    causes = _causes(before, after)
    if not causes:
        return None
    first, *rest = sorted(causes, key=lambda cause: cause.block)
    kept, lost = tokens_lost(before.blocks, after.blocks, first, total=before.input_tokens)
    home = after.provider or before.provider
    named = after.model or before.model
    dollars = dollars_lost(home, named, lost, after.blocks, at=after.at, input_tokens=after.input_tokens)
    return Explanation(
        first, tuple(rest), kept, lost, dollars, home, named, None, before.blocks, after.blocks
    )


def explain_calls(
    trace: Calls, *, provider: str | None = None, model: str | None = None
) -> tuple[Explanation, ...]:
    """Explain every call that no longer begins with the call before it.

    Args:
        trace: A trace, or calls in the order they were made.
        provider: As in `explain`.
        model: As in `explain`.

    Returns:
        One explanation for each call that moved, with its place as `turn`, counted from 1; empty where none did.
    """
    calls = calls_of(trace)
    found = [
        (number, explain(before, after, provider=provider, model=model))
        for number, (before, after) in enumerate(zip(calls, calls[1:], strict=False), 2)
    ]
    return tuple(structs.replace(each, turn=number) for number, each in found if each is not None)


class _Request(Struct, frozen=True):
    """A request in the one form the comparison takes."""

    blocks: tuple[Block, ...]
    wire: str | None = None
    body: Mapping[str, Any] | None = None
    provider: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    at: float | None = None


def _plainly_appended(previous: Explainable, current: Explainable) -> bool:
    """The quick proof, where both requests are text of one wire, model and vendor."""
    old, new = _text_of(previous), _text_of(current)
    return old is not None and new is not None and old[1:] == new[1:] and only_appends(old[0], new[0])


def _text_of(given: Explainable) -> tuple[str, str, str, str] | None:
    if isinstance(given, RecordedCall):
        return (given.body, given.wire, given.vendor, given.model) if given.body else None
    if len(given) == 2 and isinstance(given[0], str):
        body = given[1]
        if isinstance(body, str):
            return body, given[0], "", ""
        if isinstance(body, bytes):
            return body.decode("utf-8", "replace"), given[0], "", ""
    return None


def _request(given: Explainable, provider: str | None, model: str | None) -> _Request:
    if isinstance(given, RecordedCall):
        body = _object(given.body) if given.body else None
        read = _from_body(given.wire, body, provider or given.vendor or None) if body is not None else None
        if read is None:
            read = _Request(_neutral_blocks(given), provider=provider or given.vendor or None)
        reported = given.usage.input_tokens if given.usage is not None else None
        # Some wires name the model in the address alone.
        body = {**read.body, "model": given.model} if read.body is not None and given.model else read.body
        return structs.replace(
            read, body=body, model=model or given.model, input_tokens=reported, at=given.at or None
        )
    if len(given) == 2 and isinstance(given[0], str):
        wire, raw = given
        body = raw if isinstance(raw, Mapping) else _object(raw)  # type: ignore[arg-type]  # a pair, by its first
        read = _from_body(str(wire), dict(body), provider)
        return structs.replace(read, model=model or read.model)
    return _Request(tuple(given), provider=provider, model=model)  # type: ignore[arg-type]  # blocks: no pair


def _neutral_blocks(call: RecordedCall) -> tuple[Block, ...]:
    from agentlab.caching.blocks import blocks_of

    if call.request is None:
        raise UsageError("a recorded call without body and request cannot be compared")
    return blocks_of(call.request)


def _from_body(wire: str, body: dict[str, Any], provider: str | None) -> _Request:
    model = body.get("model")
    return _Request(
        split_object(wire, body),
        wire,
        body,
        provider,
        model if isinstance(model, str) else None,
    )


def _object(body: str | bytes) -> dict[str, Any]:
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    if not isinstance(read, dict):
        raise UsageError("the body is not a JSON object")
    return read


# ------------------------------------------------------------------- causes


def _causes(before: _Request, after: _Request) -> list[Cause]:
    elsewhere = _another_provider(before, after)
    if elsewhere is not None:
        return [elsewhere]
    words = vocabulary(after.wire, after.provider)
    old, new = _Levels.of(before.blocks), _Levels.of(after.blocks)
    causes = _setting_causes(before, after, old, words)
    end = len(before.blocks)
    after_tools = old.start("system", end)
    after_system = old.start("messages", end)
    parts = (
        (tool_causes(old.tools, new.tools, after_tools), words.tools if words else None),
        (system_causes(old.system, new.system, after_system), words.system if words else None),
        (message_causes(old.messages, new.messages, end), words.messages if words else None),
    )
    for found, word in parts:
        causes += [structs.replace(cause, reason=_word(cause, word, words)) for cause in found]
    return causes


def _word(cause: Cause, word: str | None, words: Vocabulary | None) -> str | None:
    compacted = cause.part == "message" and '"type":"compaction"' in cause.after
    return words.compaction if words is not None and words.compaction and compacted else word


def _another_provider(before: _Request, after: _Request) -> Cause | None:
    """A request to another vendor or over another wire shares nothing, whatever it says."""
    was, now = ((each.provider or "", each.wire or "") for each in (before, after))
    if not any(old and new and old != new for old, new in zip(was, now, strict=True)):
        return None
    named = [f"{vendor}:{each.model}" if vendor else wire for (vendor, wire), each in ((was, before), (now, after))]
    return Cause("setting", "provider", "changed", "", 0, before=named[0], after=named[1])


class _Levels(Struct, frozen=True):
    """The blocks of a request by level, without settings, each with its index."""

    tools: list[Placed]
    system: list[Placed]
    messages: list[Placed]

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> _Levels:
        """Sort blocks by level; system texts among the messages belong to the conversation."""
        levels = cls([], [], [])
        for index, block in enumerate(blocks):
            if block.kind == "tool":
                levels.tools.append(Placed(index, block))
            elif block.kind == "system" and not levels.messages:
                levels.system.append(Placed(index, block))
            elif block.kind != "setting":
                levels.messages.append(Placed(index, block))
        return levels

    def start(self, level: Level, end: int) -> int:
        """Index at which a level begins; that of the next where it is empty."""
        if level == "tools":
            return 0
        if level == "system" and self.system:
            return self.system[0].index
        return self.messages[0].index if self.messages else end


def _setting_causes(
    before: _Request, after: _Request, old: _Levels, words: Vocabulary | None
) -> list[Cause]:
    end = len(before.blocks)
    if before.body is None or after.body is None or after.wire is None:
        return _rendered_settings(before.blocks, after.blocks)
    return [
        Cause(
            "setting",
            moved.setting.name,
            "changed",
            moved.setting.path,
            old.start(moved.setting.level, end),
            before=moved.before,
            after=moved.after,
            reason=moved.setting.reason if words is not None else None,
            assumed=moved.setting.assumed,
        )
        for moved in moved_settings(after.wire, before.body, after.body)
    ]


def _rendered_settings(previous: Sequence[Block], current: Sequence[Block]) -> list[Cause]:
    """Settings that differ, where only blocks are known."""
    was = {block.label: (index, block.text) for index, block in enumerate(previous) if block.kind == "setting"}
    now = {block.label: (index, block.text) for index, block in enumerate(current) if block.kind == "setting"}
    causes: list[Cause] = []
    for label in {**was, **now}:
        old, new = was.get(label), now.get(label)
        if old is None or new is None or old[1] != new[1]:
            place = old[0] if old is not None else min(new[0], len(previous)) if new is not None else 0
            texts = (each[1] if each is not None else "" for each in (old, new))
            causes.append(Cause("setting", setting_name(label), "changed", label, place, 0, *texts))
    return causes
