"""What a client asks, whichever interface it speaks: and the run that answers it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from agentlab.agent import Agent, Run
from agentlab.errors import InvalidHistory, RunProtocolViolation
from agentlab.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    UserMessage,
    validate,
)
from agentlab.serving.memory import Remembered
from agentlab.serving.refusals import invalid

__all__ = ["Question", "run_for"]


class Question(Struct, frozen=True, kw_only=True):
    """One request of a client, in this library's terms.

    Attributes:
        model: The served name that is asked.
        messages: The conversation as the client sees it, the newest last; system messages stand in their places.
        tools: Tools the client runs.
        tool_choice: Which of them the model may or must call; None where the client does not say.
        options: Options of the agent the client sets, by name (`temperature`, `max_tokens`, ...).
        sampling: Sampling parameters that are no options, by OpenAI's name.
        stream: Whether the answer is streamed.
        place: The field of the request the conversation stands in, for refusals.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: ToolChoice | None = None
    options: dict[str, Any] = field(default_factory=dict)
    sampling: dict[str, Any] = field(default_factory=dict)
    stream: bool = False
    place: str = "messages"

    @property
    def system(self) -> str:
        """The system messages the conversation begins with, joined by blank lines."""
        return "\n\n".join(message.content for message in _leading(self.messages))

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The messages behind the leading system messages."""
        return self.messages[len(_leading(self.messages)) :]


def run_for(agent: Agent, question: Question, known: tuple[int, Remembered] | None) -> tuple[Run, int]:
    """The run that answers a question.

    Args:
        agent: The agent that will drive it.
        question: What the client asked.
        known: How many messages of its conversation are remembered, and what they really were.

    Returns:
        The run, and how many of its model calls were made for earlier requests.

    Raises:
        Refused: There is nothing to answer, or calls have no results.
    """
    count, remembered = known or (0, Remembered(()))
    new, place = question.conversation[count:], question.place
    if remembered.paused is None:
        return _ready(agent, [*remembered.history, *new], place), 0
    run = Run.from_json(remembered.paused)
    run.max_turns = run.turns_made + agent.settings.max_turns
    first = new[0] if new else None
    results = first.tool_results if isinstance(first, UserMessage) else ()
    answered = {result.call_id for result in results}
    left = [call.id for call in run.pending_calls if call.id not in answered]
    if not results or left:
        raise _unanswered(left, place)
    try:
        run.tool_results(results)
    except RunProtocolViolation as error:
        raise invalid(str(error), place) from None
    if len(new) == 1:
        return run, run.turns_made
    return _ready(agent, [*run.all_messages, *new[1:]], place), 0


def _ready(agent: Agent, messages: list[Message], place: str) -> Run:
    """A run that stands before its next model call: at a new prompt, or at results of the prompt's tool calls."""
    if not messages or not isinstance(messages[-1], UserMessage):
        raise invalid("the last message must be the user's, or a tool's result", place)
    if isinstance(last := _last_turn(messages), AssistantMessage) and last.tool_calls:
        _check_answered(last, messages, place)
    try:
        validate(messages)
    except InvalidHistory as error:
        raise invalid(str(error), place) from None
    start = max((index for index, message in enumerate(messages) if _is_prompt(message)), default=0)
    return Run(
        id=secrets.token_hex(8),
        history=messages[:start],
        messages=messages[start:],
        max_turns=agent.settings.max_turns,
    )


def _leading(messages: Sequence[Message]) -> list[SystemMessage]:
    leading: list[SystemMessage] = []
    for message in messages:
        if not isinstance(message, SystemMessage):
            break
        leading.append(message)
    return leading


def _is_prompt(message: Message) -> bool:
    return isinstance(message, UserMessage) and any(
        not isinstance(part, ToolResult) for part in message.content
    )


def _last_turn(messages: Sequence[Message]) -> Message | None:
    return next((message for message in reversed(messages) if isinstance(message, AssistantMessage)), None)


def _check_answered(turn: AssistantMessage, messages: Sequence[Message], place: str) -> None:
    answered = {
        result.call_id
        for message in messages
        if isinstance(message, UserMessage)
        for result in message.tool_results
    }
    left = [call.id for call in turn.tool_calls if call.id not in answered]
    if left:
        raise _unanswered(left, place)


def _unanswered(ids: Sequence[str], place: str) -> Exception:
    named = ", ".join(ids) or "all of them"
    return invalid(
        f"an assistant message with tool calls must be followed by a result for each; there is none for {named}",
        place,
    )
