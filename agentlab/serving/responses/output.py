"""An answer in the format of OpenAI's Responses: its items, whole or event by event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct, field

from agentlab.messages import FinishReason, Image, Usage
from agentlab.messages.media import Base64Source
from agentlab.serving.media import data_url
from agentlab.serving.seen import (
    CallArguments,
    CallStarted,
    Seen,
    SeenImage,
    SeenReasoning,
    SeenRefusal,
    SeenText,
)

__all__ = ["Event", "OutputItems", "ended_as", "responses_usage", "whole_output"]

Event = dict[str, Any]

_INCOMPLETE: Final[dict[str, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}


class _Open(Struct):
    """An item that is being written."""

    kind: str
    item: dict[str, Any]
    place: int
    pieces: list[str] = field(default_factory=list)

    @property
    def at(self) -> dict[str, Any]:
        """Where its deltas belong."""
        where: dict[str, Any] = {"item_id": self.item["id"], "output_index": self.place}
        if self.kind == "reasoning":
            return {**where, "summary_index": 0}
        return where if self.kind == "function_call" else {**where, "content_index": 0}


class OutputItems:
    """Puts the items of one answer together, and tells of each step.

    Args:
        name: A name that no other answer has; the items' ids are made of it.

    Attributes:
        items: The items, as far as they are.
    """

    def __init__(self, name: str) -> None:
        self.items: list[dict[str, Any]] = []
        self._name = name
        self._speech: _Open | None = None
        self._calls: list[_Open] = []

    def next(self, seen: Seen) -> Iterable[Event]:
        """The events for what the client sees next."""
        if isinstance(seen, CallStarted):
            yield from self._close_speech()
            call = {"arguments": "", "call_id": seen.id, "name": seen.name}
            opened = self._opened("function_call", "fc", call)
            self._calls.append(opened)
            yield self._added(opened)
        elif isinstance(seen, CallArguments):
            opened = self._calls[seen.index]
            opened.pieces.append(seen.text)
            yield {"type": "response.function_call_arguments.delta", **opened.at, "delta": seen.text}
        elif isinstance(seen, SeenImage):
            yield from self._close_speech()
            made = self._opened("image_generation_call", "ig", {"result": _result(seen.image)})
            yield self._added(made)
            yield self._done(made)
        else:
            yield from self._spoken(seen)

    def end(self, reason: FinishReason) -> Iterable[Event]:
        """The events that complete what is open."""
        status = "incomplete" if reason in _INCOMPLETE else "completed"
        yield from self._close_speech(status)
        for call in self._calls:
            call.item["arguments"] = arguments = "".join(call.pieces)
            yield {"type": "response.function_call_arguments.done", **call.at, "arguments": arguments}
            yield self._done(call, status)

    def _spoken(self, seen: SeenText | SeenReasoning | SeenRefusal) -> Iterable[Event]:
        kind = {SeenText: "text", SeenRefusal: "refusal", SeenReasoning: "reasoning"}[type(seen)]
        speech = self._speech
        if speech is None or speech.kind != kind:
            yield from self._close_speech()
            if kind == "reasoning":
                speech = self._opened("reasoning", "rs", {"summary": []}, kind)
            else:
                speech = self._opened("message", "msg", {"role": "assistant", "content": []}, kind)
            self._speech = speech
            yield self._added(speech)
            yield {"type": f"{_AROUND[kind]}.added", **speech.at, "part": _part(kind, "")}
        speech.pieces.append(seen.text)
        yield {"type": f"{_TOLD[kind]}.delta", **speech.at, "delta": seen.text, **_extra(kind)}

    def _close_speech(self, status: str = "completed") -> Iterable[Event]:
        speech, self._speech = self._speech, None
        if speech is None:
            return
        kind, text = speech.kind, "".join(speech.pieces)
        part = _part(kind, text)
        speech.item["summary" if kind == "reasoning" else "content"] = [part]
        yield {"type": f"{_TOLD[kind]}.done", **speech.at, _FIELD.get(kind, "text"): text, **_extra(kind)}
        yield {"type": f"{_AROUND[kind]}.done", **speech.at, "part": part}
        yield self._done(speech, status)

    def _opened(self, type_: str, prefix: str, fields: dict[str, Any], kind: str | None = None) -> _Open:
        place = len(self.items)
        item = {"id": f"{prefix}_{self._name}{place:02d}", "type": type_, "status": "in_progress", **fields}
        self.items.append(item)
        return _Open(kind or type_, item, place)

    def _added(self, opened: _Open) -> Event:
        return {
            "type": "response.output_item.added",
            "output_index": opened.place,
            "item": dict(opened.item),
        }

    def _done(self, opened: _Open, status: str = "completed") -> Event:
        opened.item["status"] = status
        return {"type": "response.output_item.done", "output_index": opened.place, "item": dict(opened.item)}


_AROUND: Final = {
    "text": "response.content_part",
    "refusal": "response.content_part",
    "reasoning": "response.reasoning_summary_part",
}
_TOLD: Final = {
    "text": "response.output_text",
    "refusal": "response.refusal",
    "reasoning": "response.reasoning_summary_text",
}
_FIELD: Final = {"refusal": "refusal"}


def ended_as(reason: FinishReason) -> dict[str, Any]:
    """The status of a whole answer, and why it is not complete."""
    cut = _INCOMPLETE.get(reason)
    return {
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": cut} if cut else None,
    }


def responses_usage(usage: Usage) -> dict[str, Any] | None:
    """The usage in OpenAI's words; None where the provider reported none. The interface wants numbers for the rest."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens or 0,
            "cache_write_tokens": usage.cache_write_tokens or 0,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": usage.total_tokens,
    }


def whole_output(name: str, seen: Sequence[Seen], reason: FinishReason) -> list[dict[str, Any]]:
    """The items of an answer that is not streamed."""
    output = OutputItems(name)
    for each in seen:
        for _ in output.next(each):
            pass
    for _ in output.end(reason):
        pass
    return output.items


def _part(kind: str, text: str) -> dict[str, Any]:
    if kind == "reasoning":
        return {"type": "summary_text", "text": text}
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _result(image: Image) -> str | None:
    """The image itself as base64; its address where the model gave one."""
    return image.source.data if isinstance(image.source, Base64Source) else data_url(image)


def _extra(kind: str) -> dict[str, Any]:
    return {"logprobs": []} if kind == "text" else {}
