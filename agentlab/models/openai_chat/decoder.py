"""Reads answers of the Chat Completions wire, in all the dialects its vendors speak.

Source: OpenAI API reference, "Chat Completions: the chat completion chunk object"; the vendors' deviations are those
of recorded traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.errors import ModelError, ProtocolError
from agentlab.http import Frame
from agentlab.messages import (
    Base64Source,
    Citation,
    FinishReason,
    Image,
    ModelEvent,
    Reasoning,
    ReasoningContent,
    ReasoningEncrypted,
    ReasoningSummary,
    ReasoningText,
    UnknownEvent,
    UrlSource,
)
from agentlab.models.assembly import Assembly, mint_id
from agentlab.models.openai_chat.dialect import ChatDialect
from agentlab.models.openai_chat.errors import error_from_payload
from agentlab.models.openai_chat.usage import read_usage

__all__ = ["ChatDecoder"]

_FINISH: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class _Function(Struct, gc=False):
    name: str | None = None
    arguments: Any = None


class _ToolDelta(Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    extra_content: dict[str, Any] | None = None


class _Delta(Struct, gc=False):
    content: Any = None
    reasoning_content: str | None = None
    reasoning: Any = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[_ToolDelta] | None = None
    function_call: _Function | None = None
    refusal: str | None = None
    annotations: list[dict[str, Any]] | None = None
    images: list[dict[str, Any]] | None = None


class _Choice(Struct, gc=False):
    index: int | None = None
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None
    error: Any = None


class _Groq(Struct, gc=False):
    usage: dict[str, Any] | None = None


class _Chunk(Struct, gc=False):
    id: Any = None
    model: Any = None
    choices: list[_Choice] | None = None
    usage: dict[str, Any] | None = None
    error: Any = None
    x_groq: _Groq | None = None
    cost: Any = None
    citations: list[Any] | None = None
    search_results: list[Any] | None = None


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


class ChatDecoder:
    """One answer being read. See `Decoder` in wire.py."""

    def __init__(self, dialect: ChatDialect, mint: Callable[[], str] | None = None) -> None:
        self.assembly = Assembly("openai-chat", mint=mint or mint_id)
        self._dialect = dialect
        self._named = False
        self._calls: dict[int, tuple[int, str]] = {}
        self._reasoning: list[str] = []
        self._details: list[dict[str, Any]] = []
        self._sources: tuple[list[Any], list[Any]] = ([], [])

    def frame(self, frame: Frame) -> list[ModelEvent]:
        """Interpret one frame of a stream."""
        data = frame.data
        if data == b"[DONE]":
            self.assembly.complete = True
            return self._close()
        if frame.event == "error":
            raise _in_band(data)
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeError) as error:
            return self._misfit(data, error)
        if chunk.choices is None and chunk.usage is None and not chunk.error and chunk.x_groq is None:
            return self._unknown(frame)
        return self._chunk(chunk, data, unary=False)

    def body(self, body: bytes) -> list[ModelEvent]:
        """Interpret a whole unary response."""
        try:
            chunk = _CHUNK.decode(body)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ProtocolError(f"the response is not a chat completion: {error}", body=_text(body)) from None
        events = self._chunk(chunk, body, unary=True)
        if not chunk.choices:
            raise ProtocolError("the response holds no choices", body=_text(body))
        self.assembly.complete = True
        return events + self._close()

    def end(self) -> list[ModelEvent]:
        """The bytes ended: vendors without `[DONE]` are complete here, once a finish reason was seen."""
        ended = self._dialect.terminal == "finish_reason" and self.assembly.raw_finish_reason is not None
        if ended and not self.assembly.complete:
            self.assembly.complete = True
            return self._close()
        return []

    # -------------------------------------------------------------- chunks

    def _chunk(self, chunk: _Chunk, data: bytes, *, unary: bool) -> list[ModelEvent]:
        if not self._named:
            self._name(chunk)
        usage = chunk.usage or (chunk.x_groq.usage if chunk.x_groq else None)
        if usage or chunk.cost:
            self.assembly.report(read_usage(usage or {}, chunk.cost))
        if chunk.search_results or chunk.citations:
            self._sources = (chunk.search_results or [], chunk.citations or [])
        if chunk.error:
            raise _in_band(data)
        events: list[ModelEvent] = []
        for choice in chunk.choices or ():
            if choice.index:
                continue
            if choice.error:
                raise _in_band(data, choice.error)
            first, second = (choice.message, choice.delta) if unary else (choice.delta, choice.message)
            piece = first if first is not None else second
            if piece is not None:
                events = self._piece(piece)
            if choice.finish_reason:
                reason = choice.finish_reason
                self.assembly.finish(_FINISH.get(reason, "other"), reason)
            break
        return events

    def _name(self, chunk: _Chunk) -> None:
        """The first chunk of Azure has an empty id and model; later ones repeat them."""
        self.assembly.response_id = self.assembly.response_id or _string(chunk.id) or None
        self.assembly.model = self.assembly.model or _string(chunk.model) or None
        self._named = self.assembly.response_id is not None and self.assembly.model is not None

    def _piece(self, piece: _Delta) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        if piece.reasoning_content or piece.reasoning or piece.reasoning_details:
            events += self._think(piece)
        content = piece.content
        if content:
            events += self.assembly.text(content) if type(content) is str else self._content(content)
        if piece.tool_calls:
            for position, delta in enumerate(piece.tool_calls):
                events += self._tool(delta, position)
        if piece.function_call is not None and (piece.function_call.name or piece.function_call.arguments):
            events += self._tool(_ToolDelta(index=0, function=piece.function_call), 0)
        if piece.refusal:
            events += self.assembly.refusal(piece.refusal)
        for annotation in piece.annotations or ():
            self.assembly.cite(_citation(annotation))
        for image in piece.images or ():
            self.assembly.part(_image(image))
        return events

    def _content(self, content: Any) -> list[ModelEvent]:
        """Content that is not a string: a list of parts (Mistral), or JSON the vendor has parsed (Cloudflare)."""
        if not isinstance(content, list):
            return self.assembly.text(msgspec.json.encode(content).decode())
        events: list[ModelEvent] = []
        for part in content:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "text":
                events += self.assembly.text(_string(part.get("text")))
            elif kind == "thinking" and isinstance(part.get("thinking"), list):
                thoughts = (each.get("text") for each in part["thinking"] if isinstance(each, dict))
                events += self._thought("".join(map(_string, thoughts)))
            else:
                events.append(UnknownEvent(str(kind), part))
        return events

    # ----------------------------------------------------------- reasoning

    def _think(self, piece: _Delta) -> list[ModelEvent]:
        """Reasoning, which some vendors give under two names at once: it is taken once."""
        spoken = piece.reasoning_content or piece.reasoning
        details = piece.reasoning_details or []
        earlier = len(self._details)
        for detail in details:
            self._keep(detail, earlier)
        if not spoken or not isinstance(spoken, str):
            texts = (detail.get("text") or detail.get("summary") for detail in details)
            spoken = "".join(map(_string, texts))
        return self._thought(spoken)

    def _thought(self, text: str) -> list[ModelEvent]:
        if text:
            self._reasoning.append(text)
        return self.assembly.reasoning(text)

    def _keep(self, delta: dict[str, Any], earlier: int) -> None:
        """Join the deltas of one detail, to replay it verbatim: texts add up, all else is set.

        Details of one list are different ones, and a detail that has its signature or data is whole; so a delta goes on
        only with one of the first `earlier` details, of the same index and type, that is still open.
        """
        for known in reversed(self._details[:earlier]):
            if known.get("index") == delta.get("index") and known.get("type") == delta.get("type"):
                if known.get("signature") or known.get("data"):
                    break
                for name, value in delta.items():
                    if name in {"text", "summary"}:
                        known[name] = _string(known.get(name)) + _string(value)
                    elif value is not None:
                        known[name] = value
                return
        self._details.append(dict(delta))

    def _reasoning_block(self) -> list[ModelEvent]:
        text = "".join(self._reasoning)
        signatures = [sign for detail in self._details if (sign := _string(detail.get("signature")))]
        spoken = any(detail.get("type") == "reasoning.text" for detail in self._details)
        content: list[ReasoningContent] = []
        if signatures or (text and spoken):
            content.append(ReasoningText(text, signatures[-1] if signatures else None))
        elif text:
            content.append(ReasoningSummary(text))
        secrets = (_string(detail.get("data")) for detail in self._details)
        content += [ReasoningEncrypted(secret) for secret in secrets if secret]
        block = Reasoning(tuple(content), extra={"reasoning_details": self._details})
        return self.assembly.reasoning_block(block)

    # ---------------------------------------------------------- tool calls

    def _tool(self, delta: _ToolDelta, position: int) -> list[ModelEvent]:
        function = delta.function or _Function()
        given = function.arguments
        arguments = given if isinstance(given, str) else ""
        if given is not None and not isinstance(given, str):
            arguments = msgspec.json.encode(given).decode()
        key = self._call_key(delta, position)
        if arguments == "null" and not self.assembly.arguments_so_far(key):
            arguments = ""
        return self.assembly.tool_call(
            key,
            arguments=arguments,
            provider_id=delta.id or None,
            name=function.name or None,
            extra={"extra_content": delta.extra_content} if delta.extra_content else None,
        )

    def _call_key(self, delta: _ToolDelta, position: int) -> tuple[str, int, int]:
        """Which call a delta belongs to: its index, and a count of the ids seen there.

        Mistral may leave the index out; others give every parallel call the index 0. A new id at a known index
        therefore opens a new call; a repeated one (Kimi) does not.
        """
        index = position if delta.index is None else delta.index
        count, known = self._calls.get(index, (0, ""))
        if delta.id and known and delta.id != known:
            count += 1
        if delta.id:
            known = delta.id
        self._calls[index] = (count, known)
        return ("call", index, count)

    # --------------------------------------------------------------- edges

    def _close(self) -> list[ModelEvent]:
        for source in _sources(*self._sources):
            self.assembly.cite(source)
        self._sources = ([], [])
        events: list[ModelEvent] = []
        if self._details:
            events += self._reasoning_block()
            self._details = []
        return events

    def _misfit(self, data: bytes, error: Exception) -> list[ModelEvent]:
        """A frame that is no chunk: an object of another shape, another JSON value, or no JSON at all."""
        try:
            payload = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError):
            raise ProtocolError(f"a frame is not JSON: {error}", body=_text(data)) from None
        if isinstance(payload, dict):
            raise ProtocolError(f"a frame has the wrong shape: {error}", body=_text(data)) from None
        return [UnknownEvent(type(payload).__name__, payload)]

    @staticmethod
    def _unknown(frame: Frame) -> list[ModelEvent]:
        payload = msgspec.json.decode(frame.data)
        if "code" in payload and "message" in payload:
            raise _in_band(frame.data)
        return [UnknownEvent(frame.event or str(payload.get("object") or payload.get("type") or ""), payload)]


def _in_band(data: bytes, inner: Any = None) -> ModelError:
    """The error inside a response whose status is 200."""
    try:
        payload = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        payload = _text(data)
    return error_from_payload({"error": inner} if inner else payload, body=_text(data))


def _citation(annotation: dict[str, Any]) -> Citation:
    kind = annotation.get("type")
    inner = annotation.get(kind) if isinstance(kind, str) else None
    return _cited(inner if isinstance(inner, dict) else annotation, "content", annotation)


def _cited(facts: dict[str, Any], quote: str, raw: dict[str, Any]) -> Citation:
    title, url, words = (_string(facts.get(name)) or None for name in ("title", "url", quote))
    return Citation(title, url, words, raw)


def _sources(results: list[Any], urls: list[Any]) -> list[Citation]:
    """Perplexity's sources, sent whole with every chunk."""
    if results:
        return [_cited(each, "snippet", each) for each in results if isinstance(each, dict)]
    return [Citation(url=url) for url in urls if isinstance(url, str)]


def _image(payload: dict[str, Any]) -> Image:
    """An image a model drew (OpenRouter), as URL or data URI."""
    inner = payload.get("image_url")
    url = str(inner.get("url") if isinstance(inner, dict) else inner or "")
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        return Image(Base64Source(data), head.removeprefix("data:"))
    return Image(UrlSource(url))


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
