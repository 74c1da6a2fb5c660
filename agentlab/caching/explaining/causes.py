"""Everything that changed from one request to the next and moves the prefix, level by level in render order."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from agentlab.caching.blocks.splitting import Block
from agentlab.caching.explaining.cause import Cause
from agentlab.caching.explaining.compared_request import ComparedRequest
from agentlab.caching.explaining.moving_settings import (
    Level,
    Vocabulary,
    moved_settings,
    setting_name,
    vocabulary,
)
from agentlab.caching.explaining.text_causes import Conversation, message_causes, system_causes
from agentlab.caching.explaining.tool_causes import Placed, tool_causes

__all__ = ["causes_between"]


def causes_between(before: ComparedRequest, after: ComparedRequest) -> list[Cause]:
    """The causes, those that end the prefix first at the head; none where the later request only appends.

    Args:
        before: The earlier request.
        after: The later one.
    """
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
        (message_causes(old.messages, new.messages), words.messages if words else None),
    )
    for found, word in parts:
        causes += [structs.replace(cause, reason=_word(cause, word, words)) for cause in found]
    return sorted(causes, key=lambda cause: cause.block)


def _word(cause: Cause, word: str | None, words: Vocabulary | None) -> str | None:
    compacted = cause.part == "message" and '"type":"compaction"' in cause.after
    return words.compaction if words is not None and words.compaction and compacted else word


def _another_provider(before: ComparedRequest, after: ComparedRequest) -> Cause | None:
    """A request to another vendor or over another wire shares nothing, whatever it says."""
    was, now = ((each.provider or "", each.wire or "") for each in (before, after))
    if not any(old and new and old != new for old, new in zip(was, now, strict=True)):
        return None
    named = [
        f"{vendor}:{each.model}" if vendor else wire for (vendor, wire), each in ((was, before), (now, after))
    ]
    return Cause("setting", "provider", "changed", "", 0, before=named[0], after=named[1])


class _Levels(Struct, frozen=True):
    """The blocks of a request by level, without settings, each with its index."""

    tools: list[Placed]
    system: list[Placed]
    messages: Conversation

    @classmethod
    def of(cls, blocks: tuple[Block, ...]) -> _Levels:
        """Sort blocks by level; system texts among the messages belong to the conversation, which is last."""
        tools: list[Placed] = []
        system: list[Placed] = []
        for index, block in enumerate(blocks):
            if block.kind == "message":
                return cls(tools, system, Conversation(index, blocks[index:]))
            if block.kind != "setting":
                (tools if block.kind == "tool" else system).append(Placed(index, block))
        return cls(tools, system, Conversation(len(blocks), ()))

    def start(self, level: Level, end: int) -> int:
        """Index at which a level begins; that of the next where it is empty."""
        if level == "tools":
            return 0
        if level == "system" and self.system:
            return self.system[0].index
        return self.messages.begins if self.messages.blocks else end


def _setting_causes(
    before: ComparedRequest, after: ComparedRequest, old: _Levels, words: Vocabulary | None
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
    was = {
        block.label: (index, block.text) for index, block in enumerate(previous) if block.kind == "setting"
    }
    now = {block.label: (index, block.text) for index, block in enumerate(current) if block.kind == "setting"}
    causes: list[Cause] = []
    for label in {**was, **now}:
        old, new = was.get(label), now.get(label)
        if old is None or new is None or old[1] != new[1]:
            place = old[0] if old is not None else min(new[0], len(previous)) if new is not None else 0
            before, after = (each[1] if each is not None else "" for each in (old, new))
            causes.append(
                Cause("setting", setting_name(label), "changed", label, place, before=before, after=after)
            )
    return causes
