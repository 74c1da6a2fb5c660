"""Answers the prompts of conversations, one at a time in each, on the library's background loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agentlab.agent.portal import run_in_background
from agentlab.errors import RunStopped, UsageError
from agentlab.messages import UserMessage
from agentlab.notebook.chat.answer import Answer
from agentlab.notebook.chat.answerer import Answerer
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.exchange import Exchange
from agentlab.notebook.chat.waiting_line import Waiting

__all__ = ["Answering"]

WITHDRAWN: Final = "taken out of the line before it was asked"


class Answering:
    """Asks on behalf of conversations. Methods return at once and may be called from any thread.

    The answers are driven on the background loop, so that they go on while no cell runs and while one blocks.

    Args:
        answerer: Gives who answers in a conversation.
        can_decide: Tells whether somebody watches who can be asked about tools that want approval.
        answered: Called after each answer, on the background loop.
    """

    def __init__(
        self,
        answerer: Callable[[Conversation], Answerer],
        *,
        can_decide: Callable[[], bool],
        answered: Callable[[Conversation], None],
    ) -> None:
        self._answerer = answerer
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
            begin = self._begin(conversation)
            entry = Waiting(prompt, conversation.end_of(None), begin, waits_for_nobody=by_code)
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
            entry = Waiting(prompt, after, begin, instead_of=at, waits_for_nobody=True)
            due = conversation.line.enter(entry, first=True)
        if due is None:
            stop(conversation)
        _go_on(conversation, due)
        return entry

    def resume(self, conversation: Conversation, at: int) -> Waiting:
        """Go on with an answer that has no end, in its place, as soon as no other is under way.

        Raises:
            UsageError: There is no such exchange, or its answer has ended.
        """
        with conversation.lock:
            exchange = conversation.exchange(at)
            if not (exchange.stands_still or exchange.is_resumable):
                raise UsageError(f"the answer to message {at} has ended: there is nothing to go on with")
            begin = self._begin(conversation, exchange)
            entry = Waiting(exchange.prompt, exchange.parent, begin, waits_for_nobody=True)
            due = conversation.line.enter(entry, first=True)
        _go_on(conversation, due)
        return entry

    def decide(self, conversation: Conversation, call_id: str, approved: bool, note: str = "") -> bool:
        """Say whether a tool that asks may run; whether it was waiting for that.

        An answer that stood still goes on when all its calls are decided.
        """
        with conversation.lock:
            answer = _under_way(conversation)
            if answer is not None and answer.decide(call_id, approved, note):
                return True
            standing = any(one.stands_still for one in conversation.path)
            ready = self._answerer(conversation).decide(conversation, call_id, approved, note)
        conversation.tell()
        if ready is not None:
            self.resume(conversation, ready.id)
        return standing

    def _begin(
        self, conversation: Conversation, resumed: Exchange | None = None
    ) -> Callable[[Waiting], None]:
        def begin(entry: Waiting) -> None:
            failure: BaseException | None = None
            with conversation.lock:
                try:
                    self._answerer(conversation).refresh(conversation)
                except Exception as error:  # noqa: BLE001 - shown in the chat, and raised to whoever waits for it
                    failure = error
                exchange = resumed or self._added(conversation, entry)
                entry.exchange_id = exchange.id
                try:
                    if failure is None:
                        entry.answer = self._asked(conversation, entry, exchange, is_new=resumed is None)
                except Exception as error:  # noqa: BLE001 - likewise
                    failure = error
            if entry.answer is None:
                run_in_background(self._refused, conversation, entry, exchange, failure)
            else:
                run_in_background(self._drive, conversation, entry, exchange, entry.answer)

        return begin

    def _added(self, conversation: Conversation, entry: Waiting) -> Exchange:
        is_branch = entry.instead_of is not None
        return conversation.add(entry.prompt, entry.after if is_branch else conversation.end_of(entry.after))

    def _asked(
        self, conversation: Conversation, entry: Waiting, exchange: Exchange, *, is_new: bool
    ) -> Answer:
        answerer, attended = self._answerer(conversation), self._can_decide()
        if is_new:
            return answerer.ask(conversation, exchange, instead_of=entry.instead_of, attended=attended)
        return answerer.resume(conversation, exchange, attended=attended)

    async def _refused(
        self, conversation: Conversation, entry: Waiting, exchange: Exchange, failure: BaseException | None
    ) -> None:
        with conversation.lock:
            if not exchange.stands_still:
                exchange.finish("error", f"{type(failure).__name__}: {failure}")
        self._end(conversation, entry, exchange, failure)

    async def _drive(
        self, conversation: Conversation, entry: Waiting, exchange: Exchange, answer: Answer
    ) -> None:
        failure: BaseException | None = None
        try:
            async for happened in answer.events():
                with conversation.lock:
                    if isinstance(happened, str):
                        if happened not in exchange.changes:
                            exchange.changes += (happened,)
                    else:
                        exchange.apply(happened.event, happened.at_s)
                conversation.tell()
        except BaseException as error:
            failure = error
            if not isinstance(error, Exception):
                raise
        finally:
            with conversation.lock:
                if isinstance(failure, Exception):
                    exchange.finish("error", f"{type(failure).__name__}: {failure}")
                exchange.stands_still = failure is None and answer.stands_still
                if not exchange.stands_still:
                    exchange.finish("cancelled")
                exchange.settle(*answer.left)
            self._end(conversation, entry, exchange, failure)

    def _end(
        self, conversation: Conversation, entry: Waiting, exchange: Exchange, failure: BaseException | None
    ) -> None:
        """Tell everybody, and let the next in line begin; nobody where the background loop is being closed."""
        answer = entry.answer
        with conversation.lock:
            due = conversation.line.leave(hold=exchange.state.status != "done")
            if failure is not None and not isinstance(failure, Exception):
                due = None
        conversation.tell()
        self._answered(conversation)
        if failure is not None:
            entry.result.set_exception(failure)
        elif answer is not None and (result := answer.result) is not None:
            entry.result.set_result(result)
        else:
            entry.result.set_exception(UsageError("there was nothing to go on with: the answer has ended"))
        _go_on(conversation, due)


def stop(conversation: Conversation) -> None:
    """End the answer under way; what has arrived is kept."""
    with conversation.lock:
        answer = _under_way(conversation)
    if answer is not None:
        answer.stop()


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


def _under_way(conversation: Conversation) -> Answer | None:
    current = conversation.line.current
    return current.answer if current is not None else None


def _go_on(conversation: Conversation, due: Waiting | None) -> None:
    conversation.tell()
    if due is not None:
        due.begin(due)
