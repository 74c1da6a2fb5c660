"""Random valid histories, and a model that answers without a provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from hypothesis import strategies as st

from agentlab.errors import AgentlabError
from agentlab.messages import (
    AssistantMessage,
    Event,
    Message,
    Request,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    TurnFinished,
    Usage,
    UserMessage,
    repair,
)
from agentlab.models import ModelStream
from tests.messages.strategies import messages, texts, words

__all__ = ["CONVERSATIONS", "HISTORIES", "PROMPTS", "Teller", "exchange"]


class Teller:
    """A model that says what a function of the request says; an error it gives is raised.

    Args:
        says: Gives the answer.
    """

    name = "openai:gpt-5.6"
    model_id = "gpt-5.6"

    def __init__(self, says: Callable[[Request], str | AgentlabError]) -> None:
        self._says = says
        self.asked: list[Request] = []

    def stream(self, request: Request) -> ModelStream:
        self.asked.append(request)
        return ModelStream(self._events(request), lambda: None)

    async def _events(self, request: Request) -> AsyncGenerator[Event, None]:
        said = self._says(request)
        if isinstance(said, AgentlabError):
            raise said
        usage = Usage(input_tokens=100, output_tokens=10)
        yield TurnFinished(AssistantMessage.of(said), usage, cost_usd=0.01)

    def session(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    def supports(self, capability: str) -> bool:
        return bool(capability)


def exchange(place: int, *, words_each: int = 30, calls: int = 0) -> list[Message]:
    """A prompt and its answer, with tool calls between them; all told apart by their place."""
    said: list[Message] = [UserMessage.of(f"question {place} " + "word " * words_each)]
    for number in range(calls):
        call = ToolCall(f"call_{place}_{number}", "look", "{}")
        said += [
            AssistantMessage.of("Let me look.", call),
            UserMessage.of(ToolResult(call.id, "look", (Text(f"found {place} {number}"),))),
        ]
    return [*said, AssistantMessage.of(f"answer {place}")]


@st.composite
def _conversations(draw: st.DrawFn) -> list[Message]:
    """Exchanges as agents leave them: with calls, several prompts in a row, and answers that were cut off."""
    history: list[Message] = [SystemMessage(word) for word in draw(st.lists(words, max_size=2))]
    if draw(st.booleans()):
        history.append(AssistantMessage.of("Hello, what can I do?"))
    for place in range(draw(st.integers(0, 12))):
        size = draw(st.integers(0, 120))
        said = exchange(place, words_each=size, calls=draw(st.integers(0, 2)))
        kept = draw(st.integers(1, len(said)))
        history += said if draw(st.booleans()) else said[:kept]
    return repair(history)


HISTORIES = st.lists(messages, max_size=24).map(repair)
CONVERSATIONS = _conversations()
PROMPTS = st.builds(
    UserMessage,
    st.lists(texts.filter(lambda part: bool(part.text.strip())), min_size=1, max_size=3).map(tuple),
)
