"""A chat of the workspace assistant as the terminal shows it: everything is in its session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from agentlab.agent import Agent, Run
from agentlab.chat import Chat
from agentlab.chat.events import Mode
from agentlab.errors import UsageError
from agentlab.messages import Message, Usage
from agentlab.plain_text import one_line, terminal_safe
from agentlab.sessions import AssistantSaid, Stored, UserSaid
from agentlab.terminal.sources import AnswerSource, ChatAnswer
from agentlab.terminal.talk import MoreCommand, OpenQuestion

__all__ = ["AssistantConversation"]


class AssistantConversation:
    """See `Talk`.

    Args:
        chat: The chat; its `attended` is set, for the terminal asks about calls.
    """

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        chat.attended = True

    @property
    def agent(self) -> Agent:
        """See `Talk.agent`."""
        return self.chat.agent

    @property
    def messages(self) -> Sequence[Message]:
        """See `Talk.messages`."""
        return self.chat.history

    @property
    def usage(self) -> Usage:
        """See `Talk.usage`; of the whole session, other branches too."""
        return sum((entry.usage for entry in self._turns if entry.usage is not None), Usage())

    @property
    def cost_usd(self) -> float:
        """See `Talk.cost_usd`."""
        return sum(entry.cost_usd for entry in self._turns if entry.cost_usd is not None)

    @property
    def unpriced(self) -> int:
        """See `Talk.unpriced`; it counts model calls."""
        return sum(entry.cost_usd is None for entry in self._turns)

    @property
    def answers(self) -> int:
        """See `Talk.answers`."""
        return sum(isinstance(stored.entry, UserSaid) for stored in self.chat.session.all_entries())

    @property
    def question(self) -> OpenQuestion | None:
        """See `Talk.question`."""
        waiting = self.chat.question
        if waiting is None:
            return None
        text = "\n".join(str(each.get("question", "")) for each in waiting.questions)
        return OpenQuestion(
            terminal_safe(text),
            lambda said: ChatAnswer(self.chat, self.chat.answer(said, waiting.question_id)),
        )

    @property
    def more_commands(self) -> Mapping[str, MoreCommand]:
        """See `Talk.more_commands`."""
        return {
            "mode": MoreCommand(
                "/mode [plan|build]", "which mode holds, or another one from now on", self._mode
            ),
            "attach": MoreCommand(
                "/attach [file]", "tell the model a file, or list those it is told", self._attach
            ),
            "detach": MoreCommand("/detach <file>", "do not tell a file any more", self._detach),
            "branch": MoreCommand(
                "/branch [entry]", "go on from an earlier entry, on a branch", self._branch
            ),
            "switch": MoreCommand(
                "/switch [branch]", "the branches, or go on with one of them", self._switch
            ),
            "context": MoreCommand(
                "/context", "what the model was told last, and what was left out", self._context
            ),
            "session": MoreCommand("/session", "where all this is kept", self._session),
        }

    def answer(self, prompt: str) -> ChatAnswer:
        """See `Talk.answer`."""
        return ChatAnswer(self.chat, self.chat.stream(prompt))

    def left_over(self) -> AnswerSource | None:
        """See `Talk.left_over`: an answer that waits for a decision, which is asked for again, or that was cut off."""
        if self.chat.session.is_read_only or self.chat.state.unfinished is None:
            return None
        return ChatAnswer(self.chat, self.chat.resume())

    def set_model(self, name: str) -> None:
        """See `Talk.set_model`."""
        self.chat.set_model(name)

    def take(self, run: Run | None) -> None:
        """Nothing to do: the session has it."""

    def reset(self) -> None:
        """Go on from before the first prompt, on a branch; what was said stays on the other."""
        first = next((stored for stored in self._entries if isinstance(stored.entry, UserSaid)), None)
        if first is not None:
            self.chat.branch(first.id - 1)

    # ------------------------------------------------------------ commands

    def _mode(self, argument: str) -> list[str]:
        if argument:
            self.chat.set_mode(cast("Mode", argument))
        return [f"{self.chat.mode} mode"]

    def _attach(self, argument: str) -> list[str]:
        if argument:
            self.chat.attach(argument)
            return [f"{terminal_safe(argument)} is told with the next prompt"]
        return [terminal_safe(path) for path in self.chat.state.attached] or ["nothing is attached"]

    def _detach(self, argument: str) -> list[str]:
        self.chat.detach(argument)
        return [f"{terminal_safe(argument)} is told no more"]

    def _branch(self, argument: str) -> list[str]:
        if argument and not argument.isdigit():
            raise UsageError(
                f"an entry is a number; `agentlab sessions show {self.chat.session.id}` has them"
            )
        return [f"on the branch {self.chat.branch(int(argument) if argument else None)}"]

    def _switch(self, argument: str) -> list[str]:
        if argument:
            self.chat.switch(argument)
            return [f"on the branch {terminal_safe(argument)}"]
        here = self.chat.session.branch
        return [
            f"{'*' if each.name == here else ' '} {terminal_safe(each.name)}"
            for each in self.chat.session.branches
        ]

    def _context(self, argument: str) -> list[str]:  # noqa: ARG002 - every command's signature
        return [
            f"{row.tokens:>8,}  {'told    ' if row.is_kept else 'left out'}  "
            f"{one_line(terminal_safe(row.part), 40)}: {terminal_safe(row.why)}"
            for row in self.chat.context_rows()
        ]

    def _session(self, argument: str) -> list[str]:  # noqa: ARG002 - every command's signature
        session = self.chat.session
        return [
            f"{session.id} · {session.branch} · {len(session):,} entries · {terminal_safe(str(session.path))}"
        ]

    @property
    def _entries(self) -> list[Stored]:
        return self.chat.session.entries()

    @property
    def _turns(self) -> list[AssistantSaid]:
        entries = (stored.entry for stored in self.chat.session.all_entries())
        return [entry for entry in entries if isinstance(entry, AssistantSaid)]
