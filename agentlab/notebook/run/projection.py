"""A run as the front end holds it: a JSON document, and the smallest patches that bring it up to date.

The document is `{title, status, label, detail, model, started, time, asking, totals, turns: [{head, estimate, parts: {key:
part}}]}`; a patch is a list of operations on it:

    ["run", fields]                        lay fields over the document
    ["turn", i, head]                      the head of turn i, made if it is new; `head.order` lists its parts
    ["estimate", i, tokens]                about how many tokens turn i has generated; null once they are reported
    ["part", i, key, part]                 a part, whole
    ["set", i, key, fields]                lay fields over a part
    ["add", i, key, field, text]           text appended to a field of a part
    ["blocks", i, key, keep, end, [length]]
                                           of the open block keep so much, then `end`; of that, pieces of these lengths are
                                           finished blocks, and the rest is the open one

Only `blocks` carries HTML, and only what `SafeHTML` holds. No request body, header or key is ever in it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final

from agentlab.notebook.run.bounded_text import shortened
from agentlab.notebook.run.media_card import MediaCard
from agentlab.notebook.run.retrieval_card import RetrievalCard
from agentlab.notebook.run.state import STATUS_LABELS, RunState
from agentlab.notebook.run.token_bar import TokenBar, money, seconds
from agentlab.notebook.run.turn import TurnView
from agentlab.notebook.run.turn_parts import Part, Prose, ToolCard
from agentlab.notebook.safety.markdown import StreamingMarkdown
from agentlab.notebook.safety.pictures import Picture
from agentlab.notebook.safety.sounds import Sound

__all__ = ["Operation", "Projection"]

Operation = list[Any]
RESULT_LIMIT: Final = 8_000


class Projection:
    """What the front end has been told of a run.

    Args:
        state: The run; read, never changed.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._revision = -1
        self._run: dict[str, Any] = {}
        self._turns: list[_TurnMirror] = []

    def patch(self) -> list[Operation]:
        """The operations since the last call; empty where nothing changed."""
        if self._revision == self._state.revision:
            return []
        self._revision = self._state.revision
        operations: list[Operation] = []
        for index, turn in enumerate(self._state.turns):
            if index == len(self._turns):
                self._turns.append(_TurnMirror())
            operations += self._turns[index].patch(index, turn, self._state.ideal_read_tokens)
        run = _run_fields(self._state)
        changed = {name: value for name, value in run.items() if self._run.get(name, self) != value}
        if changed:
            operations.append(["run", changed])
        self._run = run
        return operations

    def document(self) -> dict[str, Any]:
        """The whole document as of now; later patches start from it."""
        self.patch()
        return {**self._run, "turns": [mirror.document() for mirror in self._turns]}


class _TurnMirror:
    """One turn as the front end has it."""

    def __init__(self) -> None:
        self._revision = -1
        self._head: dict[str, Any] = {}
        self._estimate: int | None = None
        self._parts: dict[int, _PartMirror] = {}

    def patch(self, index: int, turn: TurnView, ideal: Callable[[int], int | None]) -> list[Operation]:
        if self._revision == turn.revision:
            return []
        self._revision = turn.revision
        operations: list[Operation] = []
        head = {**_head_fields(turn), "ideal": ideal(index)}
        if head != self._head:
            self._head = head
            operations.append(["turn", index, head])
        if turn.estimated_output_tokens != self._estimate:
            self._estimate = turn.estimated_output_tokens
            operations.append(["estimate", index, self._estimate])
        mirrors: dict[int, _PartMirror] = {}
        for part in turn.parts:
            mirror = self._parts.get(part.key)
            if mirror is None:
                mirror = _mirror(part)
                mirror.update(part, turn)
                operations.append(["part", index, part.key, mirror.document()])
            else:
                operations += ([name, index, part.key, *rest] for name, *rest in mirror.update(part, turn))
            mirrors[part.key] = mirror
        self._parts = mirrors
        return operations

    def document(self) -> dict[str, Any]:
        parts = {str(key): mirror.document() for key, mirror in self._parts.items()}
        return {"head": self._head, "estimate": self._estimate, "parts": parts}


class _PartMirror(ABC):
    """One part as the front end has it. `update` gives operations without turn and key."""

    @abstractmethod
    def update(self, part: Part, turn: TurnView) -> list[Operation]: ...

    @abstractmethod
    def document(self) -> dict[str, Any]: ...


class _TextMirror(_PartMirror):
    """Markdown: finished blocks, and the open one."""

    def __init__(self) -> None:
        self._markdown = StreamingMarkdown()
        self._fed = 0
        self._blocks = 0
        self._tail = ""

    def update(self, part: Part, _turn: TurnView) -> list[Operation]:
        assert isinstance(part, Prose)
        if part.size == self._fed:
            return []
        self._markdown.feed(part.text[self._fed :])
        self._fed = part.size
        tail = self._markdown.tail.html
        blocks = [block.html for block in self._markdown.blocks[self._blocks :]]
        self._blocks += len(blocks)
        whole = "".join([*blocks, tail])
        kept = _shared_prefix(self._tail, whole)
        self._tail = tail
        lengths = [_utf16_length(block) for block in blocks]
        return [["blocks", _utf16_length(whole[:kept]), whole[kept:], lengths]]

    def document(self) -> dict[str, Any]:
        blocks = [block.html for block in self._markdown.blocks[: self._blocks]]
        return {"kind": "text", "blocks": blocks, "tail": self._tail}


class _ProseMirror(_PartMirror):
    """Reasoning or a note: plain text that grows; of reasoning also how many tokens it is."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._text = ""
        self._count: dict[str, Any] = {}

    def update(self, part: Part, turn: TurnView) -> list[Operation]:
        assert isinstance(part, Prose)
        added = part.text[len(self._text) :]
        self._text = part.text
        operations: list[Operation] = [["add", "text", added]] if added else []
        if part.kind == "reasoning":
            tokens, estimated = turn.reasoning_tokens(part)
            count = {"tokens": tokens, "estimated": estimated}
            if count != self._count:
                self._count = count
                operations.append(["set", count])
        return operations

    def document(self) -> dict[str, Any]:
        return {"kind": self._kind, "text": self._text, **self._count}


class _CardMirror(_PartMirror):
    """A tool call: its arguments grow while they are written, all else comes at once."""

    def __init__(self) -> None:
        self._card: dict[str, Any] = {}
        self._revision = -1

    def update(self, part: Part, _turn: TurnView) -> list[Operation]:
        assert isinstance(part, ToolCard)
        if self._revision == part.revision:
            return []
        self._revision = part.revision
        old, self._card = self._card, _card_fields(part)
        rest = {name: value for name, value in self._card.items() if name != "arguments"}
        written = old.get("arguments", "")
        if all(old.get(name) == value for name, value in rest.items()) and self._card["arguments"].startswith(
            written
        ):
            return [["add", "arguments", self._card["arguments"][len(written) :]]]
        return [["part", self._card]]

    def document(self) -> dict[str, Any]:
        return self._card


class _RetrievalMirror(_PartMirror):
    """A search, told whole each time."""

    def __init__(self) -> None:
        self._card: dict[str, Any] = {}
        self._revision = -1

    def update(self, part: Part, _turn: TurnView) -> list[Operation]:
        assert isinstance(part, RetrievalCard)
        if self._revision == part.revision:
            return []
        self._revision = part.revision
        self._card = _retrieval_fields(part)
        return [["part", self._card]]

    def document(self) -> dict[str, Any]:
        return self._card


class _MediaMirror(_PartMirror):
    """A picture or a sound, which never changes."""

    def __init__(self, part: MediaCard) -> None:
        self._card = _media_fields(part.shown)

    def update(self, _part: Part, _turn: TurnView) -> list[Operation]:
        return []

    def document(self) -> dict[str, Any]:
        return self._card


def _mirror(part: Part) -> _PartMirror:
    if isinstance(part, MediaCard):
        return _MediaMirror(part)
    if isinstance(part, RetrievalCard):
        return _RetrievalMirror()
    if isinstance(part, ToolCard):
        return _CardMirror()
    return _TextMirror() if part.kind == "text" else _ProseMirror(part.kind)


def _run_fields(state: RunState) -> dict[str, Any]:
    asking = [card.name for card in state.asking]
    return {
        "title": state.title,
        "status": state.status,
        "label": "waiting for approval" if asking else STATUS_LABELS[state.status],
        "detail": state.detail,
        "model": state.model,
        "started": state.started_at,
        "time": seconds(state.duration_s) if state.is_finished else None,
        "asking": asking,
        "totals": {
            "tokens": TokenBar.of(state.usage).counts(),
            "cost": money(state.cost_usd, at_least=state.cost_is_partial),
        },
    }


def _head_fields(turn: TurnView) -> dict[str, Any]:
    bar = TokenBar.of(turn.usage) if turn.usage is not None else TokenBar()
    return {
        "number": turn.number,
        "model": turn.model,
        "status": turn.status,
        "notices": [[line.kind.replace("_", " "), line.text, line.timing] for line in turn.notices],
        "tokens": bar.counts() if turn.usage is not None else None,
        "lengths": bar.lengths(),
        "cost": money(turn.cost_usd),
        "first": seconds(turn.time_to_first_token_s),
        "time": seconds(turn.duration_s),
        "order": [part.key for part in turn.parts],
    }


def _card_fields(card: ToolCard) -> dict[str, Any]:
    return {
        "kind": "tool",
        "call_id": card.call_id,
        "name": card.name,
        "status": card.status,
        "error": card.is_error,
        "reason": card.reason,
        "decision": card.decision,
        "note": card.note,
        "arguments": shortened(card.arguments, RESULT_LIMIT),
        "result": None if card.result is None else shortened(card.result, RESULT_LIMIT),
        "pictures": list(map(_picture_fields, card.pictures)),
        "time": "" if card.duration_s is None else seconds(card.duration_s),
    }


def _media_fields(shown: Picture | Sound) -> dict[str, Any]:
    if isinstance(shown, Picture):
        return {"kind": "picture", **_picture_fields(shown)}
    return {"kind": "sound", "address": shown.address, "caption": shown.caption}


def _picture_fields(picture: Picture) -> dict[str, Any]:
    return {
        "address": picture.address,
        "caption": picture.caption,
        "width": picture.width,
        "height": picture.height,
    }


def _retrieval_fields(card: RetrievalCard) -> dict[str, Any]:
    return {
        "kind": "retrieval",
        "headline": card.headline,
        "index": card.index,
        "query": shortened(card.query, RESULT_LIMIT),
        "status": card.status,
        "hits": [list(line) for line in card.lines],
        "more": card.more,
        "time": "" if card.duration_s is None else seconds(card.duration_s),
    }


def _utf16_length(text: str) -> int:
    """Length as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _shared_prefix(old: str, new: str) -> int:
    """How many characters two texts begin with in common."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
