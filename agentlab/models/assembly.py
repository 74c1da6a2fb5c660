"""Assembles what a wire's frames say into one assistant message, and the events on the way.

Every decoder writes into an `Assembly` and nowhere else, so text, reasoning and tool calls are joined by one piece of
code for all providers. A part is addressed by an opaque key (a wire's block index, output index or field name); the
first use of a key opens the part, at the next place in the message.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from msgspec import structs

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    CacheDiagnosis,
    Citation,
    FinishReason,
    ModelEvent,
    Reasoning,
    ReasoningBlock,
    ReasoningContent,
    ReasoningDelta,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["Assembly", "mint_id"]


def mint_id() -> str:
    """A new id for a tool call whose wire gives none: 21 URL-safe characters (Rig's `ToolCallId`)."""
    return secrets.token_urlsafe(16)[:21]


class _OpenText:
    def __init__(self, index: int) -> None:
        self.index = index
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.signature: str | None = None
        self.extra: dict[str, Any] | None = None

    def part(self) -> Text:
        return Text("".join(self.pieces), tuple(self.citations), self.signature, self.extra)


class _OpenRefusal:
    def __init__(self, index: int) -> None:
        self.index = index
        self.pieces: list[str] = []

    def part(self) -> Refusal:
        return Refusal("".join(self.pieces))


class _OpenReasoning:
    def __init__(self, index: int) -> None:
        self.index = index
        self.pieces: dict[Hashable, list[str]] = {}
        self.summaries: set[Hashable] = set()
        self.signature: str | None = None
        self.id: str | None = None
        self.extra: dict[str, Any] | None = None

    def part(self) -> Reasoning:
        content: list[ReasoningContent] = [
            ReasoningSummary("".join(texts)) if key in self.summaries else ReasoningText("".join(texts))
            for key, texts in self.pieces.items()
        ]
        if self.signature is not None:
            last = content[-1] if content else ReasoningText("")
            text = last.text if isinstance(last, ReasoningText) else ""
            content[-1:] = [ReasoningText(text, self.signature)]
        return Reasoning(tuple(content), id=self.id, extra=self.extra)


class _OpenToolCall:
    def __init__(self, index: int, call_id: str) -> None:
        self.index = index
        self.id = call_id
        self.provider_id: str | None = None
        self.item_id: str | None = None
        self.name = ""
        self.pieces: list[str] = []
        self.signature: str | None = None
        self.extra: dict[str, Any] | None = None

    def part(self) -> ToolCall:
        return ToolCall(
            id=self.id,
            name=self.name,
            arguments_json="".join(self.pieces),
            provider_id=self.provider_id,
            item_id=self.item_id,
            signature=self.signature,
            extra=self.extra,
        )


_Open = _OpenText | _OpenRefusal | _OpenReasoning | _OpenToolCall
_Part = TypeVar("_Part", _OpenText, _OpenRefusal, _OpenReasoning)


class Assembly:
    """One model turn being put together.

    Attributes:
        usage: What has been reported so far; later reports are laid over earlier ones.
        finish_reason: Normalised, None until the wire says.
        raw_finish_reason: The provider's word.
        response_id: The provider's id of the response.
        message_id: The provider's replayable id of the message.
        model: The model the provider says answered.
        cache_diagnosis: The provider's word on what its cache could not read.
        complete: Whether the wire's terminal event was seen. Only a decoder sets it.
    """

    def __init__(self, wire: str, *, mint: Callable[[], str] = mint_id) -> None:
        self.wire = wire
        self.usage = Usage()
        self.finish_reason: FinishReason | None = None
        self.raw_finish_reason: str | None = None
        self.response_id: str | None = None
        self.message_id: str | None = None
        self.model: str | None = None
        self.cache_diagnosis: CacheDiagnosis | None = None
        self.complete = False
        self._mint = mint
        self._parts: list[AssistantPart | _Open] = []
        self._open: dict[Hashable, _Open] = {}

    # ---------------------------------------------------------------- text

    def text(self, delta: str, key: Hashable = "text") -> list[ModelEvent]:
        """Append visible text. An empty delta opens the part without an event."""
        part = self._open.get(key)
        if not isinstance(part, _OpenText):
            part = self._open_part(key, _OpenText)
        if not delta:
            return []
        part.pieces.append(delta)
        return [TextDelta(delta, part.index)]

    def cite(self, citation: Citation, key: Hashable = "text") -> None:
        """Attach a citation to a text part."""
        self._open_part(key, _OpenText).citations.append(citation)

    def sign_text(self, signature: str, key: Hashable = "text") -> None:
        """Attach a provider's signature to a text part."""
        self._open_part(key, _OpenText).signature = signature

    def annotate_text(self, extra: dict[str, Any], key: Hashable = "text") -> None:
        """Attach provider fields to a text part, to be replayed with it."""
        part = self._open_part(key, _OpenText)
        part.extra = {**(part.extra or {}), **extra}

    def text_so_far(self, key: Hashable = "text") -> str:
        """The text of a part, `""` where the key is not open."""
        part = self._open.get(key)
        return "".join(part.pieces) if isinstance(part, _OpenText) else ""

    def refusal(self, delta: str, key: Hashable = "refusal") -> list[ModelEvent]:
        """Append to a refusal, which is kept apart from the answer's text."""
        self._open_part(key, _OpenRefusal).pieces.append(delta)
        return []

    # ----------------------------------------------------------- reasoning

    def reasoning(
        self, delta: str, key: Hashable = "reasoning", *, piece: Hashable = 0, summary: bool = False
    ) -> list[ModelEvent]:
        """Append readable reasoning; `piece` tells apart the pieces of one block."""
        part = self._open_part(key, _OpenReasoning)
        fresh = piece not in part.pieces
        part.pieces.setdefault(piece, [])
        if summary:
            part.summaries.add(piece)
        if not delta:
            return []
        separator = (
            "\n" if fresh and any(part.pieces[other] for other in part.pieces if other != piece) else ""
        )
        part.pieces[piece].append(delta)
        return [ReasoningDelta(separator + delta, part.index)]

    def sign_reasoning(self, signature: str, key: Hashable = "reasoning") -> None:
        """Append to the signature of a block (Anthropic sends it as deltas)."""
        part = self._open_part(key, _OpenReasoning)
        part.signature = (part.signature or "") + signature

    def annotate_reasoning(self, extra: dict[str, Any], key: Hashable = "reasoning") -> None:
        """Attach provider fields to a block, to be replayed with it."""
        self._open_part(key, _OpenReasoning).extra = extra

    def finish_reasoning(self, key: Hashable = "reasoning") -> list[ModelEvent]:
        """Close a block made of deltas; nothing happens where the key is not open."""
        part = self._open.get(key)
        if not isinstance(part, _OpenReasoning):
            return []
        return self.reasoning_block(part.part(), key)

    def reasoning_block(self, block: Reasoning, key: Hashable = "reasoning") -> list[ModelEvent]:
        """Put a complete block; it supersedes the deltas of its key."""
        index = self._settle(key, block, _OpenReasoning)
        return [ReasoningBlock(block, index)]

    def reasoning_so_far(self, key: Hashable = "reasoning") -> tuple[ReasoningContent, ...]:
        """The readable pieces of a block being written, `()` where the key is not open."""
        part = self._open.get(key)
        return part.part().content if isinstance(part, _OpenReasoning) else ()

    # ---------------------------------------------------------- tool calls

    def tool_call(
        self,
        key: Hashable,
        *,
        arguments: str = "",
        provider_id: str | None = None,
        item_id: str | None = None,
        name: str | None = None,
        signature: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> list[ModelEvent]:
        """Open a tool call or append to its arguments.

        The id and the name are taken from where they first appear; vendors that repeat them on every delta do no harm.
        """
        part = self._open.get(key)
        if not isinstance(part, _OpenToolCall):
            part = _OpenToolCall(len(self._parts), provider_id or self._mint())
            self._open[key] = part
            self._parts.append(part)
        fresh = not part.pieces and not part.name
        if provider_id and part.provider_id is None:
            part.provider_id = provider_id
            part.id = provider_id if fresh else part.id
        part.item_id = part.item_id or item_id
        part.name = part.name or name or ""
        part.signature = part.signature or signature
        part.extra = part.extra or extra
        if arguments:
            part.pieces.append(arguments)
        if not arguments and not (fresh and part.name):
            return []
        return [ToolCallDelta(part.id, part.name, arguments, part.index)]

    def arguments_so_far(self, key: Hashable) -> str:
        """The arguments' text of an open call, `""` where the key is not open."""
        part = self._open.get(key)
        return "".join(part.pieces) if isinstance(part, _OpenToolCall) else ""

    def finish_tool_call(self, key: Hashable, *, arguments: str | None = None) -> list[ModelEvent]:
        """Close a call; `arguments` replaces the deltas where the wire sends the whole text at the end."""
        part = self._open.get(key)
        if not isinstance(part, _OpenToolCall):
            return []
        call = part.part()
        if arguments is not None:
            call = structs.replace(call, arguments_json=arguments)
        self._settle(key, call, _OpenToolCall)
        return [call]

    # -------------------------------------------------------------- others

    def part(self, part: AssistantPart, key: Hashable | None = None) -> None:
        """Put a part that is complete at once (image, provider block); a key makes a later one replace it."""
        if key is not None and key in self._open:
            raise KeyError(f"the key {key!r} belongs to a part that is still being written")
        self._parts.append(part)

    def replace(self, index: int, part: AssistantPart) -> None:
        """Put a later form of a finished part in its place; `index` is the one its event gave."""
        if isinstance(self._parts[index], _Open):
            raise KeyError(f"the part at {index} is still being written")
        self._parts[index] = part

    def report(self, usage: Usage) -> None:
        """Lay a usage report over the earlier ones."""
        self.usage = self.usage.merged(usage)

    def finish(self, reason: FinishReason | None, raw: str | None) -> None:
        """Note why the turn ended; `stop` of a turn with tool calls is `tool_calls`."""
        self.raw_finish_reason = raw
        self.finish_reason = reason

    def close(self) -> list[ModelEvent]:
        """Complete every part still open, in order; called once the wire's terminal event was seen."""
        events: list[ModelEvent] = []
        for key, part in sorted(self._open.items(), key=lambda item: item[1].index):
            if isinstance(part, _OpenReasoning):
                events += self.finish_reasoning(key)
            elif isinstance(part, _OpenToolCall):
                events += self.finish_tool_call(key)
        if self.finish_reason == "stop" and any(isinstance(part, ToolCall) for part in self._parts):
            self.finish_reason = "tool_calls"
        return events

    def message(self, *, interrupted: bool = False) -> AssistantMessage:
        """The message as far as it is there; empty unsigned text and empty reasoning are left out."""
        content = tuple(part for part in map(_built, self._parts) if not _says_nothing(part))
        return AssistantMessage(
            content=content, id=self.message_id, wire=self.wire, model=self.model, interrupted=interrupted
        )

    def _open_part(self, key: Hashable, kind: type[_Part]) -> _Part:
        part = self._open.get(key)
        if isinstance(part, kind):
            return part
        opened = kind(len(self._parts))
        self._open[key] = opened
        self._parts.append(opened)
        return opened

    def _settle(self, key: Hashable, part: AssistantPart, kind: type[_Open]) -> int:
        """Put a finished part in the place of the open one of its key, or at the end."""
        opened = self._open.get(key)
        if isinstance(opened, kind):
            self._open.pop(key)
            self._parts[opened.index] = part
            return opened.index
        self._parts.append(part)
        return len(self._parts) - 1


def _built(part: AssistantPart | _Open) -> AssistantPart:
    return part.part() if isinstance(part, _Open) else part


def _says_nothing(part: AssistantPart) -> bool:
    if isinstance(part, Text):
        return not part.text and not part.signature and not part.citations
    return isinstance(part, Reasoning) and not part.content and part.id is None
