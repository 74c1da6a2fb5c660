"""Reads what the OpenAI Responses API answers, as a stream of typed events or as one body.

Parts are told apart by `output_index` and `content_index` alone: item ids change from event to event on some gateways.
What the deltas gave is checked against the finished item, and the items against the final response, so that a vendor
who leaves out deltas, items or the final list still gives the same message
(https://platform.openai.com/docs/api-reference/responses-streaming).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import structs

from agentlab.errors import ModelError, ProtocolError
from agentlab.http import Frame
from agentlab.messages import (
    FinishReason,
    ModelEvent,
    ProviderPart,
    Reasoning,
    ReasoningBlock,
    ReasoningEncrypted,
    ReasoningSummary,
    UnknownEvent,
)
from agentlab.models.assembly import Assembly
from agentlab.models.encoding import encode_json
from agentlab.models.openai_responses import events
from agentlab.models.openai_responses.errors import error_of
from agentlab.models.openai_responses.items import NAME
from agentlab.models.openai_responses.output import (
    cache_diagnosis_of,
    citation_of,
    encrypted_reasoning,
    item_type,
    missing_text,
    present,
    readable_reasoning,
    usage_of,
)

__all__ = ["ResponsesDecoder"]

_EVENT: Final = msgspec.json.Decoder(events.Event)
_REASONS: Final[dict[str, FinishReason]] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_UNFINISHED: Final = frozenset({"queued", "in_progress"})
_CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
_CALL_FIELDS: Final = ("namespace", "caller", "async")


class _Item:
    """An item of the output, as far as it is known."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.id: str | None = None
        self.done = False
        self.citations: dict[tuple[int, int], int] = {}
        self.block: tuple[int, Reasoning] | None = None


class ResponsesDecoder:
    """Reads one response into an assembly."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._items: dict[int, _Item] = {}
        self._contents: set[tuple[int, int]] = set()
        self._handlers: dict[type, Callable[[Any], list[ModelEvent]]] = {
            events.TextDelta: self._text_delta,
            events.TextDone: self._text_done,
            events.RefusalDelta: self._refusal_delta,
            events.RefusalDone: self._refusal_done,
            events.ReasoningTextDelta: self._reasoning_text_delta,
            events.SummaryTextDelta: self._summary_text_delta,
            events.ArgumentsDelta: self._arguments_delta,
            events.ArgumentsDone: self._arguments_done,
            events.CustomInputDelta: self._arguments_delta,
            events.CustomInputDone: self._arguments_done,
            events.AnnotationAdded: self._annotation_added,
            events.ItemAdded: self._item_added,
            events.ItemDone: lambda event: self._complete_item(event.output_index, event.item),
            events.ResponseCreated: self._identify,
            events.ResponseQueued: self._identify,
            events.ResponseInProgress: self._identify,
            events.ResponseCompleted: self._terminal,
            events.ResponseIncomplete: self._terminal,
            events.ResponseFailed: self._terminal,
            events.StreamError: self._error,
        }

    def frame(self, frame: Frame) -> list[ModelEvent]:
        """Interpret one frame; see `Decoder`."""
        try:
            event = _EVENT.decode(frame.data)
        except (msgspec.DecodeError, UnicodeError) as error:
            return self._untyped(frame, error)
        try:
            return self._handlers[type(event)](event)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"an event is misshapen: {error}", body=_shown(frame.data)) from error

    def body(self, body: bytes) -> list[ModelEvent]:
        """Interpret a whole response; see `Decoder`."""
        try:
            response = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ProtocolError(f"the response is not JSON: {error}", body=_shown(body)) from None
        if not isinstance(response, dict):
            raise ProtocolError("the response is not a JSON object", body=_shown(body))
        if response.get("error") or response.get("status") == "failed":
            raise self._failure(response)
        if not isinstance(response.get("output"), list):
            raise ProtocolError("the response has no `output` list", body=_shown(body))
        try:
            return self._finish(response)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"the response is misshapen: {error}", body=_shown(body)) from error

    def end(self) -> list[ModelEvent]:
        """The bytes ended. The terminal event of this wire is explicit, so nothing is left to say."""
        return []

    # ------------------------------------------------------------ deltas

    def _text_delta(self, event: events.TextDelta) -> list[ModelEvent]:
        key = (event.output_index, event.content_index)
        if key not in self._contents:
            self._open_content(key)
        return self.assembly.text(event.delta, key)

    def _text_done(self, event: events.TextDone) -> list[ModelEvent]:
        return self._complete_text((event.output_index, event.content_index), event.text)

    def _refusal_delta(self, event: events.RefusalDelta) -> list[ModelEvent]:
        key = (event.output_index, event.content_index)
        self._open_content(key)
        return self.assembly.refusal(event.delta, key)

    def _refusal_done(self, event: events.RefusalDone) -> list[ModelEvent]:
        return self._complete_refusal((event.output_index, event.content_index), event.refusal)

    def _reasoning_text_delta(self, event: events.ReasoningTextDelta) -> list[ModelEvent]:
        piece = ("text", event.content_index)
        self._item(event.output_index, "reasoning")
        return self.assembly.reasoning(event.delta, event.output_index, piece=piece)

    def _summary_text_delta(self, event: events.SummaryTextDelta) -> list[ModelEvent]:
        piece = ("summary", event.summary_index)
        self._item(event.output_index, "reasoning")
        return self.assembly.reasoning(event.delta, event.output_index, piece=piece, summary=True)

    def _arguments_delta(self, event: events.ArgumentsDelta | events.CustomInputDelta) -> list[ModelEvent]:
        self._item(event.output_index, "function_call")
        return self.assembly.tool_call(event.output_index, arguments=event.delta)

    def _arguments_done(self, event: events.ArgumentsDone | events.CustomInputDone) -> list[ModelEvent]:
        return self._complete_arguments(event.output_index, event.arguments)

    def _annotation_added(self, event: events.AnnotationAdded) -> list[ModelEvent]:
        item = self._item(event.output_index, "message")
        key = (event.output_index, event.content_index)
        item.citations[key] = item.citations.get(key, 0) + 1
        if event.annotation is not None:
            self.assembly.cite(citation_of(event.annotation), key)
        return []

    # ------------------------------------------------------------- items

    def _item_added(self, event: events.ItemAdded) -> list[ModelEvent]:
        kind = item_type(event.item)
        self._item(event.output_index, kind).id = event.item.get("id")
        if kind in _CALLS:
            return self._open_call(event.output_index, event.item)
        return []

    def _complete_item(self, index: int, item: dict[str, Any]) -> list[ModelEvent]:
        kind = item_type(item)
        known = self._item(index, kind)
        if known.done:
            return []
        known.done, known.id = True, item.get("id") or known.id
        if kind == "message":
            return self._complete_message(index, item)
        if kind == "reasoning":
            return self._complete_reasoning(index, item)
        if kind in _CALLS:
            return self._complete_call(index, item)
        self.assembly.part(ProviderPart(NAME, kind, item))
        return []

    def _complete_message(self, index: int, item: dict[str, Any]) -> list[ModelEvent]:
        """Fill in what the deltas left out, and keep what a replay of the message needs."""
        if item.get("id"):
            self.assembly.message_id = item["id"]
        kept = {name: item[name] for name in ("id", "phase") if item.get(name)}
        if item.get("status", "completed") != "completed":
            kept["status"] = item["status"]
        found: list[ModelEvent] = []
        contents = [part for part in item.get("content") or () if isinstance(part, dict)]
        for key, part in zip(self._content_keys(index, len(contents)), contents, strict=True):
            if part.get("type") == "refusal":
                found += self._complete_refusal(key, part.get("refusal") or "")
            else:
                found += self._complete_text(key, part.get("text") or "")
                self._cite_rest(index, key, part.get("annotations") or [])
                if kept:
                    self.assembly.annotate_text(kept, key)
        return found

    def _content_keys(self, index: int, count: int) -> list[tuple[int, int]]:
        """The keys of a message's parts: those seen, in order (some gateways count from 1), then new ones."""
        keys = sorted(key for key in self._contents if key[0] == index)
        first = keys[-1][1] + 1 if keys else 0
        return (keys + [(index, first + place) for place in range(count)])[:count]

    def _complete_text(self, key: tuple[int, int], text: str) -> list[ModelEvent]:
        self._open_content(key)
        return self.assembly.text(missing_text(self.assembly.text_so_far(key), text), key)

    def _complete_refusal(self, key: tuple[int, int], text: str) -> list[ModelEvent]:
        if key in self._contents:
            return []
        self._open_content(key)
        return self.assembly.refusal(text, key)

    def _cite_rest(self, index: int, key: tuple[int, int], annotations: list[Any]) -> None:
        known = self._items[index].citations
        for annotation in annotations[known.get(key, 0) :]:
            if isinstance(annotation, dict):
                self.assembly.cite(citation_of(annotation), key)
        known[key] = max(known.get(key, 0), len(annotations))

    def _complete_reasoning(self, index: int, item: dict[str, Any]) -> list[ModelEvent]:
        readable = readable_reasoning(item)
        found: list[ModelEvent] = []
        seen = self.assembly.reasoning_so_far(index)
        if not seen:
            for place, piece in enumerate(readable):
                summary = isinstance(piece, ReasoningSummary)
                found += self.assembly.reasoning(piece.text, index, piece=place, summary=summary)
        block = Reasoning(
            (*(readable or seen), *encrypted_reasoning(item)),
            id=item.get("id"),
            extra=present(item, ("format", "signature")),
        )
        for event in self.assembly.reasoning_block(block, index):
            assert isinstance(event, ReasoningBlock)
            self._items[index].block = (event.index, block)
            found.append(event)
        return found

    def _open_call(self, index: int, item: dict[str, Any]) -> list[ModelEvent]:
        extra = present(item, _CALL_FIELDS) or {}
        if item_type(item) == "custom_tool_call":
            extra["custom"] = True
        return self.assembly.tool_call(
            index,
            provider_id=item.get("call_id"),
            item_id=item.get("id"),
            name=item.get("name"),
            extra=extra or None,
        )

    def _complete_call(self, index: int, item: dict[str, Any]) -> list[ModelEvent]:
        whole = item.get(_CALLS[item_type(item)])
        text = whole if isinstance(whole, str) else "" if whole is None else encode_json(whole).decode()
        found = self._open_call(index, item) + self._complete_arguments(index, text)
        return found + self.assembly.finish_tool_call(index, arguments=text or None)

    def _complete_arguments(self, index: int, text: str) -> list[ModelEvent]:
        rest = missing_text(self.assembly.arguments_so_far(index), text)
        return self.assembly.tool_call(index, arguments=rest) if rest else []

    # ---------------------------------------------------------- response

    def _identify(
        self, event: events.ResponseCreated | events.ResponseQueued | events.ResponseInProgress
    ) -> list[ModelEvent]:
        self._report(event.response)
        return []

    def _terminal(
        self, event: events.ResponseCompleted | events.ResponseIncomplete | events.ResponseFailed
    ) -> list[ModelEvent]:
        response = event.response
        if isinstance(event, events.ResponseFailed) or response.get("status") == "failed":
            raise self._failure(response)
        if not response.get("status"):
            kind = "incomplete" if isinstance(event, events.ResponseIncomplete) else "completed"
            response = {**response, "status": kind}
        return self._finish(response)

    def _error(self, event: events.StreamError) -> list[ModelEvent]:
        self.assembly.finish("other", "failed")
        raise error_of(None, {"code": event.code, "message": event.message, "error": event.error})

    def _failure(self, response: dict[str, Any]) -> ModelError:
        self._report(response)
        self.assembly.finish("other", "failed")
        return error_of(None, response.get("error") or {"message": "the response failed"})

    def _report(self, response: dict[str, Any]) -> None:
        self.assembly.response_id = response.get("id") or self.assembly.response_id
        self.assembly.model = response.get("model") or self.assembly.model
        usage = response.get("usage")
        if isinstance(usage, dict):
            self.assembly.report(usage_of(usage))
        self.assembly.cache_diagnosis = cache_diagnosis_of(response) or self.assembly.cache_diagnosis

    def _finish(self, response: dict[str, Any]) -> list[ModelEvent]:
        self._report(response)
        found = self._reconcile([item for item in response.get("output") or () if isinstance(item, dict)])
        status = response.get("status")
        if status == "incomplete":
            details = response.get("incomplete_details")
            reason = details.get("reason") if isinstance(details, dict) else None
            self.assembly.finish(_REASONS.get(str(reason), "other"), f"incomplete:{reason}")
        else:
            self.assembly.finish("stop" if status in {"completed", None} else "other", status)
        self.assembly.complete = status not in _UNFINISHED
        return found

    def _reconcile(self, output: list[dict[str, Any]]) -> list[ModelEvent]:
        """Complete the items of the final response that the stream left open or never showed."""
        found: list[ModelEvent] = []
        for item, index in zip(output, self._places(output), strict=True):
            known = self._items.get(index)
            if known is not None and known.done:
                self._renew(known, item)
            else:
                found += self._complete_item(index, item)
        return found

    def _places(self, output: list[dict[str, Any]]) -> list[int]:
        """Which streamed item each of the final response is: by id, or by type and order where ids are not kept."""
        by_id: dict[Any, int] = {known.id: index for index, known in self._items.items() if known.id}
        places = [by_id.get(item.get("id")) for item in output]
        free = [index for index in sorted(self._items) if index not in places]
        fresh = itertools.count(max(self._items, default=-1) + 1)
        for place, item in enumerate(output):
            if places[place] is None:
                same = next((i for i in free if self._items[i].kind == item_type(item)), None)
                places[place] = next(fresh) if same is None else free.pop(free.index(same))
        return [place for place in places if place is not None]

    def _renew(self, known: _Item, item: dict[str, Any]) -> None:
        """Take the encrypted reasoning of the final response, sealed anew there; it belongs to the id it came with."""
        sealed = encrypted_reasoning(item)
        if known.block is None or not sealed or known.id != item.get("id"):
            return
        index, block = known.block
        kept = tuple(piece for piece in block.content if not isinstance(piece, ReasoningEncrypted))
        self.assembly.replace(index, structs.replace(block, content=(*kept, *sealed)))

    # ------------------------------------------------------------- other

    def _item(self, index: int, kind: str) -> _Item:
        if index not in self._items:
            self._items[index] = _Item(kind)
        return self._items[index]

    def _open_content(self, key: tuple[int, int]) -> None:
        self._contents.add(key)
        self._item(key[0], "message")

    def _untyped(self, frame: Frame, error: Exception) -> list[ModelEvent]:
        """A frame that is no event known here: harmless, unknown, or broken."""
        if not frame.data.strip() or frame.data.strip() == b"[DONE]":
            return []
        try:
            payload = msgspec.json.decode(frame.data)
        except (msgspec.DecodeError, UnicodeError):
            raise ProtocolError(f"an event is not JSON: {error}", body=_shown(frame.data)) from None
        if not isinstance(payload, dict):
            raise ProtocolError("an event is not a JSON object", body=_shown(frame.data))
        kind = payload.get("type")
        if kind is None and payload.get("error"):
            return self._error(events.StreamError(error=payload["error"]))
        if kind is None and frame.event in events.TYPES:
            return self.frame(Frame(encode_json({**payload, "type": frame.event})))
        if kind in events.PROGRESS:
            return []
        if not isinstance(kind, str) or kind in events.TYPES:
            raise ProtocolError(f"an event of type {kind!r} is broken: {error}", body=_shown(frame.data))
        return [UnknownEvent(kind, payload)]


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace")
