"""Reads Gemini's answers: chunks of a stream and whole bodies.

Sources: https://ai.google.dev/api/generate-content#GenerateContentResponse,
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from agentlab.errors import ProtocolError
from agentlab.http import Frame
from agentlab.messages import (
    Base64Source,
    Citation,
    FinishReason,
    Image,
    ModelEvent,
    ProviderPart,
    UnknownEvent,
    Usage,
)
from agentlab.models.assembly import Assembly
from agentlab.models.gemini.arguments import PartialArgument, StreamedArguments
from agentlab.models.gemini.citations import citations_of
from agentlab.models.gemini.errors import error_of
from agentlab.models.gemini.parts import WIRE

__all__ = ["GeminiDecoder"]


class _FunctionCall(Struct, rename="camel"):
    name: str | None = None
    id: str | None = None
    args: Raw = Raw()
    partial_args: list[PartialArgument] | None = None
    will_continue: bool | None = None

    @property
    def arguments(self) -> str:
        """The arguments as written; a call without any has none to write."""
        written = bytes(self.args).decode()
        return "" if written in {"", "null"} else written


class _Blob(Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""


class _Part(Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None
    inline_data: _Blob | None = None


class _Content(Struct):
    parts: list[Raw] | None = None


class _Candidate(Struct, rename="camel"):
    index: int | None = None
    content: _Content | None = None
    finish_reason: str | int | None = None
    grounding_metadata: dict[str, Any] | None = None
    citation_metadata: dict[str, Any] | None = None


class _Feedback(Struct, rename="camel"):
    block_reason: str | int | None = None


class _Chunk(Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    usage_metadata: dict[str, Any] | None = None
    prompt_feedback: _Feedback | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Any = None


_CHUNK: Final = msgspec.json.Decoder(_Chunk)
_PART: Final = msgspec.json.Decoder(_Part)

_FILTERED: Final = frozenset({
    "BLOCKLIST",
    "ESCALATION",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_SAFETY",
    "MODEL_ARMOR",
    "PROHIBITED_CONTENT",
    "RECITATION",
    "SAFETY",
    "SPII",
})  # fmt: skip

# Vertex AI's numbers of the reasons, which its REST answers carried before they carried names.
# https://docs.cloud.google.com/python/docs/reference/aiplatform/latest/google.cloud.aiplatform_v1.types.Candidate.FinishReason
_BY_NUMBER: Final = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
)


class GeminiDecoder:
    """Decodes one response.

    A turn can name a finish reason and go on (after a round of code execution), so it is complete only at the end of
    the bytes, if by then the prompt was blocked or a finish reason came with or after the last thing said.

    A text part with a signature stays a part of its own, as Google asks for its replay; other text runs together until
    something else comes between.
    """

    def __init__(self, *, mint: Callable[[], str]) -> None:
        self.assembly = Assembly(WIRE, mint=mint)
        self._key: tuple[str, int] = ("", 0)
        self._count = 0
        self._text_key: Hashable | None = None
        self._streamed: tuple[Hashable, str | None, StreamedArguments] | None = None
        self._usage: dict[str, Any] = {}
        self._cited: set[tuple[str | None, str | None, str | None]] = set()
        self._citations: list[Citation] = []
        self._finished = False

    def frame(self, frame: Frame) -> list[ModelEvent]:
        """Interpret one chunk of a stream.

        Raises:
            ProtocolError: The chunk is not what the wire allows.
            ModelError: The chunk is an error object.
        """
        return self._chunk(frame.data)

    def body(self, body: bytes) -> list[ModelEvent]:
        """Interpret a whole body: one response, or the array that a stream without `alt=sse` is."""
        events: list[ModelEvent] = []
        for chunk in _chunks_of(body):
            events += self._chunk(chunk)
        return events + self.end()

    def end(self) -> list[ModelEvent]:
        """The bytes ended: the turn is complete if it had named a finish reason."""
        if not self._finished or self.assembly.complete:
            return []
        events = self._finish_streamed()
        for citation in self._citations:
            if self._text_key is not None:
                self.assembly.cite(citation, self._text_key)
        self.assembly.complete = True
        return events + self.assembly.close()

    # --------------------------------------------------------------- chunks

    def _chunk(self, data: bytes | Raw) -> list[ModelEvent]:
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise ProtocolError(f"a Gemini chunk cannot be read: {error}") from None
        if chunk.error is not None:
            raise error_of(chunk.error, 500, bytes(data))
        self.assembly.model = chunk.model_version or self.assembly.model
        self.assembly.response_id = chunk.response_id or self.assembly.response_id
        if chunk.usage_metadata is not None:
            self._usage |= chunk.usage_metadata
            self.assembly.report(_usage(self._usage))
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason is not None:
            self._finished = True
            self.assembly.finish("content_filter", f"blocked:{chunk.prompt_feedback.block_reason}")
        if chunk.candidates is None and chunk.usage_metadata is None and chunk.prompt_feedback is None:
            return [UnknownEvent("chunk", msgspec.json.decode(data))]
        events: list[ModelEvent] = []
        for place, candidate in enumerate(chunk.candidates or ()):
            if (place if candidate.index is None else candidate.index) == 0:
                events += self._candidate(candidate)
        return events

    def _candidate(self, candidate: _Candidate) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        for raw in (candidate.content.parts if candidate.content else None) or ():
            events += self._part(raw)
        for citation in citations_of(candidate.grounding_metadata, candidate.citation_metadata):
            mark = (citation.title, citation.url, citation.quote)
            if mark not in self._cited:
                self._cited.add(mark)
                self._citations.append(citation)
        if candidate.finish_reason is not None:
            reason = _finish_reason(candidate.finish_reason)
            if reason is not None:
                self._finished = True
                self.assembly.finish(reason, str(candidate.finish_reason))
        return events

    # ---------------------------------------------------------------- parts

    def _part(self, raw: Raw) -> list[ModelEvent]:
        try:
            part = _PART.decode(raw)
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"a Gemini part cannot be read: {error}") from None
        signature = part.thought_signature
        if part.text or part.function_call is not None:
            self._finished = False
        if part.function_call is not None:
            return self._close() + self._call(part.function_call, signature)
        if part.text is None:
            payload = msgspec.json.decode(raw)
            kind = next((key for key in payload if key not in {"thought", "thoughtSignature"}), None)
            if kind is not None:
                return self._close() + self._whole(part, kind, payload)
        if part.thought:
            return self._thought(part.text or "", signature)
        return self._text(part.text or "", signature)

    def _text(self, text: str, signature: str | None) -> list[ModelEvent]:
        if not text and not signature:
            return []
        if signature:
            events = self._close()
            key = self._open("text")
            events += self.assembly.text(text, key)
            self.assembly.sign_text(signature, key)
            events += self._close()
        else:
            events = [] if self._key[0] == "text" else self._close()
            key = self._open("text")
            events += self.assembly.text(text, key)
        if text:
            self._text_key = key
        return events

    def _thought(self, text: str, signature: str | None) -> list[ModelEvent]:
        if not text and not signature:
            return []
        if signature:
            events = self._close()
            key = self._open("thought")
            events += self.assembly.reasoning(text, key)
            self.assembly.sign_reasoning(signature, key)
            return events + self._close()
        events = [] if self._key[0] == "thought" else self._close()
        return events + self.assembly.reasoning(text, self._open("thought"))

    def _whole(self, part: _Part, kind: str, payload: dict[str, Any]) -> list[ModelEvent]:
        """A part that is there at once: an image the model made, or something only this wire understands."""
        self._finished = False
        blob = part.inline_data
        if blob is not None and blob.mime_type.startswith("image/") and not part.thought:
            image = Image(Base64Source(blob.data), blob.mime_type, signature=part.thought_signature)
            self.assembly.part(image)
        else:
            self.assembly.part(ProviderPart(WIRE, kind, payload))
        return []

    def _open(self, kind: str) -> tuple[str, int]:
        """The key of the part being written, a new one where a part of another kind came before."""
        if self._key[0] != kind:
            self._count += 1
            self._key = (kind, self._count)
        return self._key

    def _close(self) -> list[ModelEvent]:
        """Nothing more is added to the part being written."""
        key, self._key = self._key, ("", 0)
        return self.assembly.finish_reasoning(key) if key[0] == "thought" else []

    # ----------------------------------------------------------- tool calls

    def _call(self, call: _FunctionCall, signature: str | None) -> list[ModelEvent]:
        streamed = self._streamed
        if streamed is not None and (not call.name or (call.id is not None and call.id == streamed[1])):
            return self._continue_call(call)
        events = self._finish_streamed()
        if not call.name:
            if call.arguments or call.partial_args:
                raise ProtocolError("a Gemini function call has arguments but no name")
            return events
        self._count += 1
        key = ("call", self._count)
        in_pieces = bool(call.will_continue or call.partial_args)
        events += self.assembly.tool_call(
            key,
            name=call.name,
            arguments="" if in_pieces else call.arguments or "{}",
            provider_id=call.id or None,
            signature=signature,
        )
        if not in_pieces:
            return events + self.assembly.finish_tool_call(key)
        self._streamed = (key, call.id, StreamedArguments())
        return events + self._continue_call(call)

    def _continue_call(self, call: _FunctionCall) -> list[ModelEvent]:
        assert self._streamed is not None
        key, _, arguments = self._streamed
        for part in call.partial_args or ():
            arguments.add(part)
        if call.will_continue:
            return []
        self._streamed = None
        return self.assembly.finish_tool_call(key, arguments=call.arguments or arguments.to_json())

    def _finish_streamed(self) -> list[ModelEvent]:
        return [] if self._streamed is None else self._continue_call(_FunctionCall())


def _finish_reason(raw: str | int) -> FinishReason | None:
    name = raw if isinstance(raw, str) else _BY_NUMBER[raw] if 0 <= raw < len(_BY_NUMBER) else "OTHER"
    if name == "STOP":
        return "stop"
    if name in {"MAX_TOKENS", "CONTINUATION"}:
        return "length"
    if name == "FINISH_REASON_UNSPECIFIED":
        return None
    return "content_filter" if name in _FILTERED else "other"


def _usage(raw: dict[str, Any]) -> Usage:
    """Gemini's counts in our convention: thoughts are outside its candidates, tool-use prompts outside its prompt."""
    answer, thoughts = raw.get("candidatesTokenCount"), raw.get("thoughtsTokenCount")
    nothing = answer is None and thoughts is None
    return Usage(
        input_tokens=raw.get("promptTokenCount"),
        output_tokens=None if nothing else (answer or 0) + (thoughts or 0),
        cache_read_tokens=raw.get("cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        tool_use_prompt_tokens=raw.get("toolUsePromptTokenCount"),
        reported_total_tokens=raw.get("totalTokenCount"),
        raw=dict(raw),
    )


def _chunks_of(body: bytes) -> list[Raw]:
    try:
        if body.lstrip()[:1] == b"[":
            return msgspec.json.decode(body, type=list[Raw])
        return [msgspec.json.decode(body, type=Raw)]
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ProtocolError(f"a Gemini body cannot be read: {error}") from None
