"""The chat in a terminal: reads prompts, shows answers as they come, and can be stopped at any moment."""

from __future__ import annotations

from time import monotonic
from typing import Final

from agentlab.chat.events import ModeChanged
from agentlab.errors import AgentlabError
from agentlab.messages import ApprovalAsked, Event
from agentlab.plain_text import terminal_safe
from agentlab.terminal.answer_view import AnswerView
from agentlab.terminal.answering import Answering
from agentlab.terminal.commands import parse_command, perform
from agentlab.terminal.keys import interrupt_calls, keys_wait
from agentlab.terminal.lines import usage_line
from agentlab.terminal.reading import PromptReader
from agentlab.terminal.screen import Screen
from agentlab.terminal.sources import AnswerSource
from agentlab.terminal.talk import Talk

__all__ = ["TerminalChat"]

_BETWEEN_PAINTINGS_S: Final = 0.05


class TerminalChat:
    """A conversation in a terminal.

    Args:
        conversation: Who answers, and what was said before.
        reader: Asks for prompts.
        screen: Shows answers.
        show_reasoning: Whether the model's reasoning is shown.
    """

    def __init__(
        self, conversation: Talk, reader: PromptReader, screen: Screen, *, show_reasoning: bool = True
    ) -> None:
        self._conversation = conversation
        self._reader = reader
        self._screen = screen
        self._show_reasoning = show_reasoning

    def run(self, title: str) -> int:
        """Talk until the user leaves; gives the exit status.

        Args:
            title: What the chat is called.
        """
        named = dict.fromkeys([title, self._conversation.agent.model.name, "/help"])
        self._say(" · ".join(named), "dim")
        with keys_wait():
            self._go_on()
            return self._talk()

    def _go_on(self) -> None:
        """What an earlier process left: an answer that can go on, a question that waits."""
        left = self._conversation.left_over()
        if left is not None:
            self._say("going on with the answer that had no end", "dim")
            self._show(left)
        self._ask_back()

    def _talk(self) -> int:
        while True:
            try:
                line = self._reader.read().strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return 0
            command = parse_command(line)
            if command is None:
                if line:
                    self._answer(line[1:] if line.startswith("//") else line)
                continue
            said = perform(command, self._conversation)
            if said is None:
                return 0
            self._say("\n".join(said))

    def _answer(self, prompt: str) -> None:
        try:
            source = self._conversation.answer(prompt)
        except AgentlabError as error:
            self._say(str(error), "red")
            return
        self._show(source)
        self._ask_back()

    def _ask_back(self) -> None:
        """Put the assistant's questions to the user; without an answer they wait in the session."""
        while (asked := self._conversation.question) is not None:
            try:
                said = self._reader.answer(asked.text).strip()
            except (KeyboardInterrupt, EOFError):
                return
            if not said:
                return
            self._show(asked.answer(said))

    def _show(self, source: AnswerSource) -> None:
        answering = Answering(source)
        view = AnswerView(self._screen, show_reasoning=self._show_reasoning)
        try:
            with interrupt_calls(answering.stop):
                self._follow(answering, view)
        except AgentlabError as error:
            view.finish()
            self._say(str(error), "red")
        except KeyboardInterrupt:
            view.finish()
            self._say("left; this answer is forgotten", "yellow")
            return
        view.finish()
        self._conversation.take(answering.run)
        self._conclude(answering)

    def _follow(self, answering: Answering, view: AnswerView) -> None:
        next_painting = 0.0
        for event in answering:
            if isinstance(event, ApprovalAsked):
                question = view.question(event)
                view.pause()
                self._decide(answering, event.call_id, question)
            elif isinstance(event, ModeChanged):
                view.pause()
                self._say(f"{event.mode} mode", "dim")
            elif isinstance(event, Event):
                view.apply(event)
            begun = monotonic()
            if begun >= next_painting:
                view.paint()
                # What takes long to paint is painted less often, so that the answer is never held up.
                next_painting = monotonic() + max(_BETWEEN_PAINTINGS_S, 4 * (monotonic() - begun))

    def _decide(self, answering: Answering, call_id: str, question: str) -> None:
        try:
            approved = self._reader.ask(question)
        except (KeyboardInterrupt, EOFError):
            answering.stop()  # a tool that was not decided on does not run
            return
        answering.decide(call_id, approved, "" if approved else "the user said no")

    def _conclude(self, answering: Answering) -> None:
        run = answering.run
        if run is None:
            return
        if run.stop_reason == "stopped":
            self._say("stopped", "yellow")
        if run.records:
            self._say(usage_line(run), "dim")

    def _say(self, text: str, style: str = "") -> None:
        from rich.text import Text  # noqa: PLC0415 - optional

        self._screen.print(Text(terminal_safe(text), style=style))
