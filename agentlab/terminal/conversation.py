"""What a chat remembers: who answers, what was said, what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentlab.agent import Agent, Run
from agentlab.messages import AssistantMessage, Message, Usage, repair
from agentlab.terminal.sources import AgentAnswer, AnswerSource
from agentlab.terminal.talk import MoreCommand, OpenQuestion

__all__ = ["Conversation"]


@dataclass
class Conversation:
    """A conversation with an agent.

    Attributes:
        agent: Who answers the next prompt.
        messages: Everything said so far: a list any provider takes.
        usage: Tokens of all answers, those before a reset too.
        cost_usd: Price of the answers whose price is known.
        unpriced: How many answers have no known price.
        answers: How many prompts were answered, partly or whole.
    """

    agent: Agent
    messages: list[Message] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    unpriced: int = 0
    answers: int = 0

    @property
    def more_commands(self) -> Mapping[str, MoreCommand]:
        """None: see `Talk.more_commands`."""
        return {}

    @property
    def question(self) -> OpenQuestion | None:
        """None: a tool that asks gets its answer while it runs."""
        return None

    def left_over(self) -> AnswerSource | None:
        """None: nothing lasts longer than this process."""
        return None

    def answer(self, prompt: str) -> AgentAnswer:
        """Ask.

        Raises:
            UsageError: The prompt cannot be sent; nothing was.
        """
        return AgentAnswer(self.agent.stream_prompt(prompt, history=self.messages))

    def set_model(self, name: str) -> None:
        """Let another model answer from now on.

        Raises:
            UsageError: There is no such model.
            MissingKey: Its vendor needs a key and there is none.
        """
        self.agent = self.agent.with_(model=name)

    def take(self, run: Run | None) -> None:
        """Remember a run that has ended, however it did.

        What had arrived of an answer that was stopped is kept. A prompt to which the model said nothing is forgotten, for
        it would stand without an answer before the next one.
        """
        if run is None:
            return
        if run.records:
            self.usage += run.usage
            if run.cost_usd is None:
                self.unpriced += 1
            else:
                self.cost_usd += run.cost_usd
        if any(isinstance(message, AssistantMessage) for message in run.messages):
            self.answers += 1
            self.messages = repair([*self.messages, *run.messages])

    def reset(self) -> None:
        """Forget what was said; what it took is still counted."""
        self.messages = []
