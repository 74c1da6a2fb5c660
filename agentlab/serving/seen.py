"""What a client sees of a run: its text and reasoning, and the calls of the client's own tools.

Tools of the agent run on the server; their calls and results are not part of an answer in OpenAI's interface. Texts of
several turns are one answer, with a blank line between them.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Event,
    Image,
    ReasoningDelta,
    Refusal,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    TurnFinished,
    TurnStarted,
)

__all__ = [
    "CallArguments",
    "CallStarted",
    "Seen",
    "SeenImage",
    "SeenReasoning",
    "SeenRefusal",
    "SeenText",
    "Sight",
]


class SeenText(Struct, frozen=True):
    """More of the answer."""

    text: str


class SeenReasoning(Struct, frozen=True):
    """More of the reasoning."""

    text: str


class SeenRefusal(Struct, frozen=True):
    """The model declined."""

    text: str


class SeenImage(Struct, frozen=True):
    """An image the model made."""

    image: Image


class CallStarted(Struct, frozen=True):
    """A call of a client's tool begins; `index` counts the calls of the answer."""

    index: int
    id: str
    name: str


class CallArguments(Struct, frozen=True):
    """More of a call's arguments."""

    index: int
    text: str


Seen = SeenText | SeenReasoning | SeenRefusal | SeenImage | CallStarted | CallArguments


class Sight:
    """Follows a run and says what the client sees of it.

    Args:
        client_side: Names of the client's tools.

    Attributes:
        text: The answer so far.
        reasoning: The reasoning so far.
        refusal: What the model declined with.
        images: Images of the answer.
    """

    def __init__(self, client_side: frozenset[str]) -> None:
        self.text = ""
        self.reasoning = ""
        self.refusal = ""
        self.images: list[Image] = []
        self._client_side = client_side
        self._calls: dict[str, _Call] = {}
        self._new_turn = {"text": True, "reasoning": True}

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls of the client's tools."""
        return tuple(
            ToolCall(id_, call.name, call.arguments, provider_id=id_) for id_, call in self._calls.items()
        )

    @property
    def message(self) -> AssistantMessage:
        """The answer, as the client will send it back."""
        parts: list[AssistantPart] = [Text(self.text)] if self.text else []
        return AssistantMessage((*parts, *self.calls))

    def follow(self, event: Event) -> Iterator[Seen]:
        """What an event shows the client."""
        if isinstance(event, TurnStarted):
            self._new_turn = {"text": True, "reasoning": True}
        elif isinstance(event, TextDelta):
            yield from self._says("text", event.text)
        elif isinstance(event, ReasoningDelta):
            yield from self._says("reasoning", event.text)
        elif isinstance(event, ToolCallDelta):
            if event.name in self._client_side:
                yield from self._call(event.id, event.name, event.arguments)
        elif isinstance(event, ToolCall):
            yield from self._whole_call(event)
        elif isinstance(event, TurnFinished):
            yield from self._rest_of(event.message)

    def read(self, message: AssistantMessage) -> list[Seen]:
        """What a whole turn shows the client."""
        return [*self.follow(TurnStarted(1, "")), *self._rest_of(message)]

    def _says(self, channel: str, text: str) -> Iterator[Seen]:
        if not text:
            return
        before: str = getattr(self, channel)
        if self._new_turn[channel] and before:
            text = f"\n\n{text}"
        self._new_turn[channel] = False
        setattr(self, channel, before + text)
        yield SeenText(text) if channel == "text" else SeenReasoning(text)

    def _call(self, call_id: str, name: str, arguments: str) -> Iterator[Seen]:
        call = self._calls.get(call_id)
        if call is None:
            call = self._calls[call_id] = _Call(len(self._calls), name)
            yield CallStarted(call.index, call_id, name)
        if arguments:
            call.arguments += arguments
            yield CallArguments(call.index, arguments)

    def _whole_call(self, call: ToolCall) -> Iterator[Seen]:
        """What of a completed call was not shown as it was written."""
        if call.name not in self._client_side:
            return
        known = self._calls.get(call.id)
        shown = known.arguments if known is not None else ""
        written = call.arguments_json.strip() or "{}"
        rest = written[len(shown) :] if written.startswith(shown) else ""
        yield from self._call(call.id, call.name, rest)

    def _rest_of(self, message: AssistantMessage) -> Iterator[Seen]:
        """What of a complete turn did not come as deltas: all of it, where a model gives none."""
        if self._new_turn["reasoning"]:
            yield from self._says("reasoning", message.reasoning)
        if self._new_turn["text"]:
            yield from self._says("text", message.text)
        for part in message.content:
            if isinstance(part, ToolCall):
                yield from self._whole_call(part)
            elif isinstance(part, Refusal) and part.text:
                self.refusal += part.text
                yield SeenRefusal(part.text)
            elif isinstance(part, Image):
                self.images.append(part)
                yield SeenImage(part)


class _Call(Struct):
    index: int
    name: str
    arguments: str = ""
