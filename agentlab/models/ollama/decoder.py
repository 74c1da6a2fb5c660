"""Reads Ollama's chat answers: lines of a stream and whole bodies, which have one shape.

Sources: https://docs.ollama.com/api/chat, https://docs.ollama.com/api/usage, https://docs.ollama.com/api/errors
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from agentlab.errors import ProtocolError
from agentlab.http import Frame
from agentlab.messages import FinishReason, ModelEvent, UnknownEvent, Usage
from agentlab.models.assembly import Assembly
from agentlab.models.wire import error_for_status

__all__ = ["OllamaDecoder"]


class _Function(Struct):
    name: str
    arguments: Raw = Raw()

    @property
    def written(self) -> str:
        """The arguments as JSON text; some servers send them as a string of it."""
        text = bytes(self.arguments).decode()
        if text.startswith('"'):
            return msgspec.json.decode(text, type=str)
        return "{}" if text in {"", "null"} else text


class _Call(Struct):
    function: _Function
    id: str | None = None


class _Message(Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Line(Struct):
    message: _Message | None = None
    model: str | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_duration: int | None = None
    eval_duration: int | None = None
    error: Any = None


_LINE: Final = msgspec.json.Decoder(_Line)
_REPORTED: Final = (
    "prompt_eval_count",
    "eval_count",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)
_FINISH: Final[dict[str, FinishReason]] = {"stop": "stop", "length": "length"}


class OllamaDecoder:
    """Decodes one response; complete with the line that says `done`.

    Ollama reports nothing of its prompt cache, so those counts stay None. Durations, in nanoseconds, are in `Usage.raw`.
    """

    def __init__(self, *, mint: Callable[[], str]) -> None:
        self.assembly = Assembly("ollama", mint=mint)
        self._calls = 0

    def frame(self, frame: Frame) -> list[ModelEvent]:
        """Interpret one line of a stream.

        Raises:
            ProtocolError: The line is not what the wire allows.
            ServerError: The line reports an error.
        """
        return self._line(frame.data)

    def body(self, body: bytes) -> list[ModelEvent]:
        """Interpret a whole body."""
        return self._line(body)

    def end(self) -> list[ModelEvent]:
        """The bytes ended; the answer was complete before, or it is not."""
        return []

    def _line(self, data: bytes) -> list[ModelEvent]:
        try:
            line = _LINE.decode(data)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise ProtocolError(f"a line of Ollama's answer cannot be read: {error}") from None
        if line.error is not None:
            said = line.error.get("message") if isinstance(line.error, dict) else line.error
            raise error_for_status(500, str(said), body=data.decode("utf-8", "replace"))
        if line.message is None and not line.done:
            return [UnknownEvent("line", msgspec.json.decode(data))]
        self.assembly.model = line.model or self.assembly.model
        events = self._message(line.message) if line.message is not None else []
        return events + self._finish(line) if line.done else events

    def _message(self, message: _Message) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        if message.thinking:
            events += self.assembly.reasoning(message.thinking)
        if message.content:
            events += self.assembly.finish_reasoning()
            events += self.assembly.text(message.content)
        for call in message.tool_calls or ():
            events += self.assembly.finish_reasoning()
            key = ("call", self._calls)
            self._calls += 1
            events += self.assembly.tool_call(
                key, arguments=call.function.written, provider_id=call.id or None, name=call.function.name
            )
            events += self.assembly.finish_tool_call(key)
        return events

    def _finish(self, line: _Line) -> list[ModelEvent]:
        raw = {name: value for name in _REPORTED if (value := getattr(line, name)) is not None}
        self.assembly.report(
            Usage(input_tokens=line.prompt_eval_count, output_tokens=line.eval_count, raw=raw or None)
        )
        reason = line.done_reason or None
        self.assembly.finish(None if reason is None else _FINISH.get(reason, "other"), reason)
        self.assembly.complete = True
        return self.assembly.close()
