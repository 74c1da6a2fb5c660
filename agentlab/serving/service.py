"""The agents that are served, and how one request becomes a run and a run an answer. No network here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import structs

from agentlab.agent import Agent, Run, RunStream
from agentlab.errors import AnswerTruncated, ApprovalNeeded, ContentFiltered, UsageError
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    FinishReason,
    ReasoningOptions,
    SystemMessage,
    Usage,
)
from agentlab.models.interface import wire_name
from agentlab.serving.client_tools import with_client_tools
from agentlab.serving.memory import ConversationMemory, Remembered, digests
from agentlab.serving.question import Question, run_for
from agentlab.serving.refusals import invalid
from agentlab.serving.sampling import sampling_params
from agentlab.serving.seen import Seen, Sight

__all__ = ["AgentService", "Answering", "SystemMessages"]

SystemMessages = Literal["append", "refuse"]


class Answering:
    """One request being answered.

    Args:
        question: What was asked.
        stream: The run.
        earlier_turns: Model calls of the run that answered earlier requests.
    """

    def __init__(self, question: Question, stream: RunStream, earlier_turns: int) -> None:
        self.question = question
        self.stream = stream
        self.sight = Sight(frozenset(tool.name for tool in question.tools))
        self._earlier_turns = earlier_turns
        self._earlier_messages = len(stream.run.messages)

    @property
    def run(self) -> Run:
        """The run."""
        return self.stream.run

    @property
    def usage(self) -> Usage:
        """Tokens of the model calls made for this request."""
        return sum((record.usage for record in self.run.records[self._earlier_turns :]), Usage())

    def finish_reason(self, error: Exception | None) -> FinishReason:
        """How the answer ended.

        Args:
            error: What the run raised, or None.

        Raises:
            Exception: The error, where it is more than the end of an answer.
        """
        if error is None:
            last = self.run.records[-1].finish_reason if self.run.records else None
            return last if last in {"length", "content_filter"} else "stop"
        if isinstance(error, ApprovalNeeded) and self._waits_for_client():
            return "tool_calls"
        if isinstance(error, AnswerTruncated):
            return "length"
        if isinstance(error, ContentFiltered) and self.run.failure == "filtered":
            return "content_filter"
        raise error

    def read_messages(self) -> list[Seen]:
        """What the run's messages show the client, in place of what its events did one by one.

        A hook may have rejected a turn; its events came, but it is no part of the answer.
        """
        self.sight = Sight(frozenset(tool.name for tool in self.question.tools))
        new = self.run.messages[self._earlier_messages :]
        return [seen for turn in new if isinstance(turn, AssistantMessage) for seen in self.sight.read(turn)]

    def _waits_for_client(self) -> bool:
        client_side = {tool.name for tool in self.question.tools}
        return all(call.name in client_side for call in self.run.pending_calls)


class AgentService:
    """Agents under names, and the memory of their conversations.

    Args:
        agents: Served name to agent.
        system_messages: What becomes of a client's system messages: `append` puts those the conversation begins with
            behind the agent's preamble and keeps others in their places, `refuse` answers 400.
        remember: How many conversations are remembered; see `ConversationMemory`.

    Attributes:
        agents: The agents.
        remembered: How many conversations are remembered.

    Raises:
        UsageError: There is no agent.
    """

    def __init__(
        self, agents: Mapping[str, Agent], *, system_messages: SystemMessages = "append", remember: int = 256
    ) -> None:
        if not agents:
            raise UsageError("there is no agent to serve")
        self.agents = dict(agents)
        self._system_messages = system_messages
        self.remembered = remember
        self._memory = ConversationMemory(remember)

    def begin(self, question: Question) -> Answering:
        """The run that answers a request; nothing is sent until its events are asked for.

        Raises:
            Refused: The request cannot be answered.
            UsageError: The agent cannot take its options.
        """
        agent = self.agents.get(question.model)
        if agent is None:
            names = ", ".join(f"`{name}`" for name in self.agents)
            raise invalid(
                f"the model `{question.model}` does not exist; served are {names}",
                "model",
                code="model_not_found",
                status=404,
            )
        if self._system_messages == "refuse" and any(
            isinstance(message, SystemMessage) for message in question.messages
        ):
            raise invalid("this server takes no system messages; its agents have their own", question.place)
        configured = with_client_tools(_with_options(agent, question), question.tools, question.tool_choice)
        conversation = question.conversation
        known = self._memory.longest(conversation, digests(_scope(question), conversation))
        run, earlier_turns = run_for(configured, question, known)
        return Answering(question, configured.resume(run), earlier_turns)

    def remember(self, answering: Answering, error: Exception | None) -> None:
        """Keep what the client does not see of an answer that was given."""
        question, run = answering.question, answering.run
        seen = digests(_scope(question), (*question.conversation, answering.sight.message))[-1]
        if isinstance(error, ApprovalNeeded):
            self._memory.keep(seen, Remembered((), error.run_json))
        elif error is None:
            self._memory.keep(seen, Remembered(run.all_messages))


def _with_options(agent: Agent, question: Question) -> Agent:
    """The agent with what the client sets; the rest stays the agent's."""
    settings, options = agent.settings, dict(question.options)
    if question.system:
        options["preamble"] = "\n\n".join(filter(None, (settings.preamble, question.system)))
    if isinstance(reasoning := options.get("reasoning"), ReasoningOptions) and settings.reasoning is not None:
        options["reasoning"] = _thinking(settings.reasoning, reasoning)
    if isinstance(cache := options.get("cache"), CacheOptions) and settings.cache is not None:
        options["cache"] = structs.replace(settings.cache, key=cache.key)
    sampling = sampling_params(question.sampling, wire_name(agent.model))
    if sampling:
        options["additional_params"] = _laid_over(settings.additional_params, sampling)
    return agent.with_(**options)


def _thinking(own: ReasoningOptions, asked: ReasoningOptions) -> ReasoningOptions:
    """The agent's options with the client's over them; an effort replaces a budget."""
    return ReasoningOptions(
        effort=asked.effort or own.effort,
        budget_tokens=own.budget_tokens if asked.effort is None else None,
        summary=asked.summary or own.summary,
    )


def _laid_over(base: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(base)
    for name, value in new.items():
        below = laid.get(name)
        laid[name] = (
            _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return laid


def _scope(question: Question) -> tuple[str, str]:
    return question.model, question.system
