"""Who answers in a conversation: an agent by itself, or the assistant of a session. The view shows both alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol

from agentlab.agent import Agent, RunResult
from agentlab.agent.records import TurnRecord
from agentlab.agent.stream import RunStream
from agentlab.agent.trace import TracedEvent
from agentlab.errors import RunStopped, UsageError
from agentlab.messages import Message
from agentlab.notebook.chat.answer import Answer
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.exchange import Exchange

__all__ = ["AgentAnswer", "AgentAnswerer", "Answerer"]


class Answerer(Protocol):
    """Answers prompts. Whoever calls holds the conversation's lock."""

    @property
    def agent(self) -> Agent:
        """Who answers the next prompt."""
        ...

    def ask(
        self, conversation: Conversation, exchange: Exchange, *, instead_of: int | None, attended: bool
    ) -> Answer:
        """Begin to answer the prompt of an exchange.

        Args:
            conversation: Where it is asked.
            exchange: It, begun and without an answer.
            instead_of: The exchange it stands in the place of; None where it follows the end of its branch.
            attended: Whether somebody watches who can be asked about tools that want approval.
        """
        ...

    def resume(self, conversation: Conversation, exchange: Exchange, *, attended: bool) -> Answer:
        """Go on with an answer that stands still or was cut off.

        Raises:
            UsageError: There is nothing to go on with.
        """
        ...

    def decide(self, conversation: Conversation, call_id: str, approved: bool, note: str) -> Exchange | None:
        """Decide on a call of an answer that stands still.

        Returns:
            Its exchange, where all its calls are decided now; else None.

        Raises:
            UsageError: No such call waits.
        """
        ...

    def refresh(self, conversation: Conversation) -> None:
        """Take into the conversation what happened elsewhere."""
        ...

    def shown(self, conversation: Conversation) -> None:
        """The reader has turned to another branch."""
        ...

    def history(self, conversation: Conversation) -> list[Message]:
        """What was said on the branch shown."""
        ...

    def around(self, conversation: Conversation) -> dict[str, Any]:
        """What the view shows beside the exchanges: `mode`, `question` and `changes`, see `chat_document`."""
        ...


class AgentAnswer:
    """A run of an agent.

    Args:
        stream: The run, not yet iterated.
    """

    def __init__(self, stream: RunStream) -> None:
        self._stream = stream

    async def events(self) -> AsyncIterator[TracedEvent | str]:
        """See `Answer.events`."""
        try:
            async for event in self._stream:
                yield TracedEvent(self._stream.trace.events[-1].at_s, event)
        except RunStopped:
            return

    def stop(self) -> None:
        """See `Answer.stop`."""
        self._stream.stop()

    def decide(self, call_id: str, approved: bool, note: str = "") -> bool:
        """See `Answer.decide`."""
        return self._stream.decide(call_id, approved, note)

    @property
    def stands_still(self) -> bool:
        """Never: nothing would be left of it when the process ends."""
        return False

    @property
    def left(self) -> tuple[Iterable[Message], Iterable[TurnRecord]]:
        """See `Answer.left`."""
        return self._stream.run.messages, self._stream.run.records

    @property
    def result(self) -> RunResult:
        """See `Answer.result`."""
        return RunResult(self._stream.run, self._stream.trace)


class AgentAnswerer:
    """Lets an agent answer; the conversation itself is all that is remembered.

    Args:
        agent: The agent.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    def ask(
        self,
        conversation: Conversation,
        exchange: Exchange,
        *,
        instead_of: int | None,  # noqa: ARG002 - the exchange says what it follows
        attended: bool,
    ) -> AgentAnswer:
        """See `Answerer.ask`."""
        stream = self.agent.stream_prompt(exchange.prompt, history=conversation.history(exchange.id))
        stream.attended = attended
        return AgentAnswer(stream)

    def resume(self, conversation: Conversation, exchange: Exchange, *, attended: bool) -> AgentAnswer:  # noqa: ARG002 - the protocol's
        """See `Answerer.resume`."""
        raise UsageError("the answer of an agent ends with its run: ask again")

    def decide(self, conversation: Conversation, call_id: str, approved: bool, note: str) -> None:
        """Nothing stands still; see `Answerer.decide`."""

    def refresh(self, conversation: Conversation) -> None:
        """Nothing happens elsewhere."""

    def shown(self, conversation: Conversation) -> None:
        """Nothing else keeps which branch that is."""

    def history(self, conversation: Conversation) -> list[Message]:
        """See `Answerer.history`."""
        return conversation.history()

    def around(self, conversation: Conversation) -> dict[str, Any]:  # noqa: ARG002 - the protocol's
        """An agent has no modes and no questions."""
        return {"mode": None, "question": None, "changes": []}
