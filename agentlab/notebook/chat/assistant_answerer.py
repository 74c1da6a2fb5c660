"""The assistant of a session as one who answers in a conversation: what is shown is the session's, and nothing is kept twice.

Exchanges of the conversation stand for prompts of the log, branches of the one for branches of the other. Before something is
asked the session goes over to the branch that ends where the prompt belongs, or a new one is made there.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from agentlab.agent import Agent
from agentlab.agent.portal import run_in_background
from agentlab.chat import Chat
from agentlab.errors import SessionError, UsageError
from agentlab.messages import ApprovalGiven, Message
from agentlab.notebook.chat.assistant_answer import AssistantAnswer
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.exchange import Exchange
from agentlab.notebook.chat.logged_exchanges import LoggedExchange, LoggedSession, logged_session
from agentlab.notebook.chat.questions import shown_question
from agentlab.plain_text import well_formed
from agentlab.sessions import AssistantSaid, Stored, ToolAnswered

__all__ = ["AssistantAnswerer"]

CUT_OFF = "it was cut off before its end"


class AssistantAnswerer:
    """See `Answerer`.

    Args:
        chat: The assistant.
    """

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.conversation = Conversation(chat.session.id)
        self._log = LoggedSession()
        self._began: dict[int, int] = {}
        self._unplaced: dict[int, tuple[AssistantAnswer, int]] = {}
        self._is_stale = threading.Event()
        self.refresh(self.conversation)
        self._show(self._log.tails.get(chat.session.branch))
        chat.session.follow(self._heard)

    @property
    def agent(self) -> Agent:
        """See `Answerer.agent`."""
        return self.chat.agent

    # ------------------------------------------------------------- asking

    def ask(
        self, conversation: Conversation, exchange: Exchange, *, instead_of: int | None, attended: bool
    ) -> AssistantAnswer:
        """See `Answerer.ask`; where a question waits, the prompt answers it."""
        self._require_idle()
        self._go_to(conversation, exchange.parent, instead_of)
        entries = len(self.chat.session)
        exchange.lead = self._log.pending.get(self.chat.session.branch, ())
        waiting = self.chat.question
        stream = self.chat.stream(exchange.prompt, question_id=waiting.question_id if waiting else None)
        stream.attended = attended or self.chat.attended
        answer = AssistantAnswer(self.chat, stream)
        self._unplaced[exchange.id] = (answer, entries)
        return answer

    def resume(self, conversation: Conversation, exchange: Exchange, *, attended: bool) -> AssistantAnswer:
        """See `Answerer.resume`."""
        self._require_idle()
        self._go_to(conversation, exchange.id, None)
        if exchange.is_resumable:
            exchange.begin_anew(self._log.exchanges[self._began[exchange.id]].events)
        stream = self.chat.resume()
        stream.attended = attended or self.chat.attended
        exchange.stands_still = exchange.is_resumable = False
        return AssistantAnswer(self.chat, stream, since_s=exchange.state.duration_s)

    def decide(self, conversation: Conversation, call_id: str, approved: bool, note: str) -> Exchange | None:
        """See `Answerer.decide`."""
        asking = next((one for one in reversed(conversation.path) if one.stands_still), None)
        if asking is None:
            return None
        self._go_to(conversation, asking.id, None)
        self.chat.decide(call_id, approved, note)
        asking.apply(ApprovalGiven(call_id, approved, note), asking.state.duration_s)
        return None if self.chat.waiting or self.chat.is_running else asking

    # ------------------------------------------------------------- reading

    def refresh(self, conversation: Conversation) -> None:
        """See `Answerer.refresh`: prompts that were asked elsewhere, and ends that answers found there."""
        session = self.chat.session
        self._is_stale.clear()
        with conversation.lock:
            over = [exchange_id for exchange_id, (answer, _) in self._unplaced.items() if answer.is_ended]
            self._log = logged_session({each.name: session.entries(each.name) for each in session.branches})
            known = {began: exchange_id for exchange_id, began in self._began.items()}
            for began, logged in self._log.exchanges.items():
                exchange_id = known.get(began) or self._placed(logged)
                if exchange_id is None:
                    exchange_id = self._put_back(conversation, logged, known)
                if exchange_id is not None:
                    known[began] = exchange_id
                    self._brought_up(conversation.exchange(exchange_id), logged, conversation)
            for exchange_id in over:
                self._unplaced.pop(exchange_id, None)
            if session.title and session.title != conversation.title:
                conversation.title = session.title

    def shown(self, conversation: Conversation) -> None:
        """See `Answerer.shown`: the session goes over to that branch, where no answer is under way."""
        if not self.chat.is_running:
            self._go_to(conversation, conversation.end_of(None), None)

    def history(self, conversation: Conversation) -> list[Message]:
        """See `Answerer.history`."""
        branches = self._ending_with(conversation, conversation.end_of(None))
        return self.chat.session.history(branches[0] if branches else None)

    def around(self, conversation: Conversation) -> dict[str, Any]:
        """See `Answerer.around`."""
        branches = self._ending_with(conversation, conversation.end_of(None))
        is_here = self.chat.session.branch in branches and not self.chat.is_running
        question = self.chat.question if is_here else None
        return {
            "mode": self.chat.mode,
            "question": None if question is None else shown_question(question),
            "changes": [well_formed(line) for line in self._log.pending.get(branches[0], ())]
            if branches
            else [],
        }

    # ------------------------------------------------------------ internal

    def _heard(self, stored: tuple[Stored, ...]) -> None:
        """Something was appended, or another branch is gone on with, by whomever: look, soon.

        It is called with the session's lock held. What comes in the middle of an answer is not looked at.
        """
        if stored and all(isinstance(each.entry, AssistantSaid | ToolAnswered) for each in stored):
            return
        if not self._is_stale.is_set():
            self._is_stale.set()
            run_in_background(self._look)

    async def _look(self) -> None:
        if self._is_stale.is_set():
            with suppress(SessionError):  # closed since; whoever asks next is told
                self.refresh(self.conversation)
                here = self._log.tails.get(self.chat.session.branch)
                if here is not None and self.conversation.line.current is None:
                    self._show(here)
                self.conversation.tell()

    def _require_idle(self) -> None:
        """Refuse a prompt whose place is not known yet.

        Raises:
            UsageError: An answer is under way that was asked for elsewhere.
        """
        if self.chat.is_running:
            raise UsageError(
                "the assistant gives an answer that was asked for elsewhere: ask again when it has ended"
            )

    def _placed(self, logged: LoggedExchange) -> int | None:
        """The exchange that was asked here and is now in the log as this one."""
        for exchange_id, (answer, entries) in self._unplaced.items():
            is_it = answer.run_id in logged.run_ids or (
                logged.began > entries
                and not logged.run_ids
                and logged.said.text == self.conversation.exchange(exchange_id).prompt.text
            )
            if is_it:
                del self._unplaced[exchange_id]
                self._began[exchange_id] = logged.began
                return exchange_id
        return None

    def _put_back(
        self, conversation: Conversation, logged: LoggedExchange, known: dict[int, int]
    ) -> int | None:
        """Show an exchange that was asked elsewhere, once its answer has ended or stands still."""
        unfinished = logged.unfinished if logged.end is None else None
        if unfinished is not None and not unfinished.waiting and self.chat.is_running:
            return None
        if logged.parent is not None and logged.parent not in known:
            return None
        parent = known[logged.parent] if logged.parent is not None else None
        exchange = Exchange(conversation.next_id, parent, logged.prompt)
        exchange.begin_anew(logged.events)
        exchange.settle(logged.messages, logged.records)
        conversation.put_back(exchange)
        self._began[exchange.id] = logged.began
        if unfinished is not None:
            exchange.stands_still = bool(unfinished.waiting)
            exchange.is_resumable = not exchange.stands_still
            if exchange.is_resumable:
                exchange.finish("cancelled", CUT_OFF)
        elif logged.end is None:
            exchange.finish("done")
        return exchange.id

    def _brought_up(self, exchange: Exchange, logged: LoggedExchange, conversation: Conversation) -> None:
        """Bring what the log says of an exchange up to date."""
        exchange.is_kept = True
        exchange.lead, exchange.changes = logged.lead, logged.changes
        end = logged.end
        if end is None:
            return
        exchange.is_resumable = False
        current = conversation.line.current
        if exchange.stands_still and (current is None or current.exchange_id != exchange.id):
            exchange.stands_still = False
            exchange.begin_anew(logged.events)
            exchange.finish(end.reason, end.detail)
            exchange.settle(logged.messages, logged.records)

    def _show(self, began: int | None) -> None:
        """Show the branch of an exchange as far as it is known; None shows the beginning of a conversation."""
        shown = next((exchange_id for exchange_id, each in self._began.items() if each == began), None)
        if began is None or shown is not None:
            self.conversation.select(shown)

    def _ending_with(self, conversation: Conversation, exchange_id: int | None) -> list[str]:
        """The branches that end with an exchange; the one the session is on first, then the newest."""
        while exchange_id is not None and exchange_id not in self._began:
            exchange_id = conversation.exchange(exchange_id).parent
        began = None if exchange_id is None else self._began[exchange_id]
        names = [name for name, tail in reversed(self._log.tails.items()) if tail == began]
        here = self.chat.session.branch
        return sorted(names, key=lambda name: name != here)

    def _go_to(self, conversation: Conversation, after: int | None, instead_of: int | None) -> None:
        """Let the session be on the branch where a prompt belongs.

        Raises:
            UsageError: Another answer is under way on another branch.
        """
        if instead_of in self._began:
            self.chat.branch(self._log.exchanges[self._began[instead_of]].before)
        else:
            branches = self._ending_with(conversation, after)
            if not branches:
                raise UsageError(
                    "the session has no branch that ends there: edit the prompt after it instead"
                )
            if branches[0] == self.chat.session.branch:
                return
            self.chat.switch(branches[0])
        self.refresh(conversation)
