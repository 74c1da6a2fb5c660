"""Reads what a local model writes: text, thoughts and tool calls, told apart by the marks of its training.

Marks: `<think>` (Qwen, DeepSeek, SmolLM), `<tool_call>` (Hermes, Qwen, SmolLM), `[TOOL_CALLS]` (Mistral),
`<|python_tag|>` (Llama 3.1), and a bare JSON object with `name` and `parameters` (Llama 3.2). A mark cut by the end of
a piece is held until it is whole, so the events are the same however the text comes in pieces.

Sources: https://huggingface.co/docs/transformers/chat_extras, https://www.llama.com/docs/model-cards-and-prompt-formats
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from agentlab.messages import ModelEvent
from agentlab.models.assembly import Assembly, mint_id

__all__ = ["WIRE", "AnswerParser"]

WIRE: Final = "local"

_Mode = Literal["start", "text", "thought", "call", "calls", "object"]
_OPENS: Final[dict[str, _Mode]] = {
    "<think>": "thought",
    "<tool_call>": "call",
    "[TOOL_CALLS]": "calls",
    "<|python_tag|>": "calls",
}
_CLOSES: Final[dict[_Mode, str]] = {"thought": "</think>", "call": "</tool_call>"}


class AnswerParser:
    """One answer being read.

    Args:
        stops: Texts at which the answer ends; they are not part of it.
        tools: Whether tools were offered; else what looks like a call is text.
        thinking: Whether the prompt already opened a thought.
        mint: Makes ids of calls.
    """

    def __init__(
        self,
        *,
        stops: tuple[str, ...] = (),
        tools: bool = False,
        thinking: bool = False,
        mint: Callable[[], str] = mint_id,
    ) -> None:
        self.assembly = Assembly(WIRE, mint=mint)
        self.stopped = False
        self._stops = tuple(stop for stop in stops if stop)
        self._tools = tools
        self._mode: _Mode = "thought" if thinking else "start"
        self._held = ""
        self._parts = 0

    @property
    def thinks(self) -> bool:
        """Whether a thought is being written."""
        return self._mode == "thought"

    def feed(self, piece: str) -> list[ModelEvent]:
        """Read on; nothing is read behind a stop."""
        if self.stopped:
            return []
        self._held += piece
        cut = min((at for at in map(self._held.find, self._stops) if at >= 0), default=None)
        if cut is not None:
            self._held, self.stopped = self._held[:cut], True
        return self._read(whole=self.stopped)

    def finish(self) -> list[ModelEvent]:
        """The answer is over: what was held is said, and a call that was cut is one with arguments that are no JSON."""
        return self._read(whole=True)

    def _read(self, *, whole: bool) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        while True:
            before = (self._mode, self._held)
            events += self._step(whole=whole)
            if (self._mode, self._held) == before:
                return events

    def _step(self, *, whole: bool) -> list[ModelEvent]:
        if self._mode == "start":
            return self._begin(whole=whole)
        if self._mode == "text":
            return self._plain(whole=whole)
        if self._mode == "thought":
            return self._thought(whole=whole)
        return self._called(whole=whole)

    def _begin(self, *, whole: bool) -> list[ModelEvent]:
        """Before the first word: whether the whole answer is an object that calls a tool."""
        said = self._held.lstrip()
        if said or whole:
            self._mode = "object" if self._tools and said.startswith("{") else "text"
        return []

    def _plain(self, *, whole: bool) -> list[ModelEvent]:
        opens = {mark: mode for mark, mode in _OPENS.items() if self._tools or mode == "thought"}
        found = (
            min((at, mark) for mark in opens if (at := self._held.find(mark)) >= 0)
            if any(mark in self._held for mark in opens)
            else None
        )
        if found is not None:
            at, mark = found
            events = self._say(self._held[:at])
            self._held, self._mode = self._held[at + len(mark) :], opens[mark]
            self._parts += 1
            return events
        kept = 0 if whole else _open_end(self._held, (*opens, *self._stops))
        ready = self._held[: len(self._held) - kept]
        self._held = self._held[len(ready) :]
        return self._say(ready)

    def _thought(self, *, whole: bool) -> list[ModelEvent]:
        close = _CLOSES["thought"]
        thought, mark, rest = self._held.partition(close)
        if not mark:
            kept = 0 if whole else _open_end(self._held, (close, *self._stops))
            thought, rest = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        key = f"thought-{self._parts}"
        fresh = not self.assembly.reasoning_so_far(key)
        thought = thought.lstrip("\n") if fresh else thought
        events = self.assembly.reasoning(thought, key) if thought else []
        self._held = rest
        if mark:
            events += self.assembly.finish_reasoning(key)
            self._held, self._mode = rest.lstrip("\n"), "start"
            self._parts += 1
        return events

    def _called(self, *, whole: bool) -> list[ModelEvent]:
        close = _CLOSES.get(self._mode)
        said, mark, rest = self._held.partition(close) if close else (self._held, "", "")
        if not mark and not whole:
            return []
        bare, self._held = self._mode == "object", rest
        self._mode = "start" if mark else "text"
        calls = _calls(said)
        if calls is None and bare:
            return self._say(said)
        events: list[ModelEvent] = []
        for name, arguments in calls if calls is not None else [("", said.strip())]:
            self._parts += 1
            key = f"call-{self._parts}"
            events += self.assembly.tool_call(key, name=name, arguments=arguments)
            events += self.assembly.finish_tool_call(key)
        return events

    def _say(self, text: str) -> list[ModelEvent]:
        key = f"text-{self._parts}"
        if not text.strip() and not self.assembly.text_so_far(key):
            return []  # the line ends between thoughts, calls and text are no text
        return self.assembly.text(text, key)


def _open_end(text: str, marks: tuple[str, ...]) -> int:
    """How many characters at the end may be the beginning of a mark."""
    longest = 0
    for mark in marks:
        for length in range(min(len(mark) - 1, len(text)), longest, -1):
            if text.endswith(mark[:length]):
                longest = length
                break
    return longest


def _calls(said: str) -> list[tuple[str, str]] | None:
    """Names and arguments of the calls a text holds; None where it holds none."""
    try:
        found = msgspec.json.decode(said.strip())
    except (msgspec.DecodeError, UnicodeError):
        return None
    calls = [_call(each) for each in (found if isinstance(found, list) else [found])]
    whole = [call for call in calls if call is not None]
    return whole if whole and len(whole) == len(calls) else None


def _call(found: object) -> tuple[str, str] | None:
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return None
    arguments: Any = found.get("arguments", found.get("parameters", {}))
    if isinstance(arguments, str):
        return found["name"], arguments
    return found["name"], msgspec.json.encode(arguments).decode()
