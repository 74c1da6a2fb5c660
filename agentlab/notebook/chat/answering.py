"""Answers the prompts of conversations, one at a time in each, on the library's background loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agentlab.agent import Agent, RunResult
from agentlab.agent.portal import run_in_background
from agentlab.agent.stream import RunStream
from agentlab.errors import RunStopped
from agentlab.messages import UserMessage
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.exchange import Exchange
from agentlab.notebook.chat.waiting_line import Waiting

__all__ = ["Answering"]

WITHDRAWN: Final = "taken out of the line before it was asked"


class Answering:
    """Asks one agent on behalf of conversations. Methods return at once and may be called from any thread.

    The runs are driven on the background loop, so that they go on while no cell runs and while one blocks.

    Args:
        agent: Who answers.
        can_decide: Tells whether somebody watches who can be asked about tools that want approval.
        answered: Called after each answer, on the background loop.
    """

    def __init__(
        self, agent: Agent, *, can_decide: Callable[[], bool], answered: Callable[[Conversation], None]
    ) -> None:
        self._agent = agent
        self._can_decide = can_decide
        self._answered = answered

    def ask(self, conversation: Conversation, prompt: UserMessage, *, by_code: bool) -> Waiting:
        """Ask at the end of what is shown, as soon as it is its turn.

        Args:
            conversation: What it is asked in.
            prompt: What the user says.
            by_code: Whether code waits for the answer: such a prompt is not held by an answer that was stopped.
        """
        with conversation.lock:
            entry = Waiting(
                prompt, conversation.end_of(None), self._begin(conversation), waits_for_nobody=by_code
            )
            due = conversation.line.enter(entry)
        _go_on(conversation, due)
        return entry

    def ask_instead(self, conversation: Conversation, at: int, prompt: UserMessage) -> Waiting:
        """Ask in the place of an earlier prompt, as a branch; an answer under way is stopped for it.

        Raises:
            UsageError: There is no such exchange.
        """
        with conversation.lock:
            after = conversation.exchange(at).parent
            begin = self._begin(conversation)
            entry = Waiting(prompt, after, begin, is_branch=True, waits_for_nobody=True)
            due = conversation.line.enter(entry, first=True)
        if due is None:
            stop(conversation)
        _go_on(conversation, due)
        return entry

    def _begin(self, conversation: Conversation) -> Callable[[Waiting], None]:
        def begin(entry: Waiting) -> None:
            with conversation.lock:
                after = entry.after if entry.is_branch else conversation.end_of(entry.after)
                exchange = conversation.add(entry.prompt, after)
                try:
                    history = conversation.history(exchange.id)
                    entry.stream = self._agent.stream_prompt(entry.prompt, history=history)
                    entry.stream.attended = self._can_decide()
                except Exception as error:  # noqa: BLE001 - shown in the chat, and raised to whoever waits for it
                    failure: BaseException | None = error
                else:
                    failure = None
            if entry.stream is None:
                run_in_background(self._refused, conversation, entry, exchange, failure)
            else:
                run_in_background(self._drive, conversation, entry, exchange, entry.stream)

        return begin

    async def _refused(
        self, conversation: Conversation, entry: Waiting, exchange: Exchange, failure: BaseException | None
    ) -> None:
        with conversation.lock:
            exchange.finish("error", f"{type(failure).__name__}: {failure}")
        self._end(conversation, entry, exchange, failure)

    async def _drive(
        self, conversation: Conversation, entry: Waiting, exchange: Exchange, stream: RunStream
    ) -> None:
        failure: BaseException | None = None
        try:
            async for event in stream:
                with conversation.lock:
                    exchange.apply(event, stream.trace.events[-1].at_s)
                conversation.tell()
        except RunStopped:
            pass
        except BaseException as error:
            failure = error
            if not isinstance(error, Exception):
                raise
        finally:
            with conversation.lock:
                if isinstance(failure, Exception):
                    exchange.finish("error", f"{type(failure).__name__}: {failure}")
                exchange.finish("cancelled")
                exchange.settle(stream.run.messages, stream.run.records)
            self._end(conversation, entry, exchange, failure)

    def _end(
        self, conversation: Conversation, entry: Waiting, exchange: Exchange, failure: BaseException | None
    ) -> None:
        """Tell everybody, and let the next in line begin; nobody where the background loop is being closed."""
        stream = entry.stream
        with conversation.lock:
            due = conversation.line.leave(hold=exchange.state.status != "done")
            if failure is not None and not isinstance(failure, Exception):
                due = None
        conversation.tell()
        self._answered(conversation)
        if failure is not None:
            entry.result.set_exception(failure)
        elif stream is not None:
            entry.result.set_result(RunResult(stream.run, stream.trace))
        _go_on(conversation, due)


def stop(conversation: Conversation) -> None:
    """End the answer under way; what has arrived is kept."""
    with conversation.lock:
        current = conversation.line.current
        stream = current.stream if current is not None else None
    if stream is not None:
        stream.stop()


def decide(conversation: Conversation, call_id: str, approved: bool, note: str = "") -> bool:
    """Say whether a tool that asks may run; whether it was waiting for that."""
    with conversation.lock:
        current = conversation.line.current
        stream = current.stream if current is not None else None
    return stream is not None and stream.decide(call_id, approved, note)


def withdraw(conversation: Conversation, entry_id: int) -> None:
    """Take a prompt out of the line; whoever waits for its answer is told so."""
    with conversation.lock:
        entry = conversation.line.remove(entry_id)
    if entry is not None:
        entry.result.set_exception(RunStopped(f"the prompt was {WITHDRAWN}", reason=WITHDRAWN))
        conversation.tell()


def send_now(conversation: Conversation, entry_id: int) -> None:
    """Let a prompt in line be asked at once; an answer under way is stopped for it."""
    with conversation.lock:
        due = conversation.line.move_to_front(entry_id)
    if due is None:
        stop(conversation)
    _go_on(conversation, due)


def _go_on(conversation: Conversation, due: Waiting | None) -> None:
    conversation.tell()
    if due is not None:
        due.begin(due)
