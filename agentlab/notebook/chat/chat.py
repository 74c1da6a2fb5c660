"""The chat of an agent: in a notebook a live view with an input box, and the same by hand from Python."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, ParamSpec

from agentlab.agent import Agent, RunResult
from agentlab.agent.agent import Prompt
from agentlab.agent.heartbeat import heartbeat
from agentlab.agent.portal import run_in_background, run_sync
from agentlab.chat import Chat as Assistant
from agentlab.chat.dialogue import answer_text, check_answers
from agentlab.errors import UsageError
from agentlab.messages import Message, UserMessage
from agentlab.notebook.chat import answering
from agentlab.notebook.chat.answering import Answering
from agentlab.notebook.chat.assistant_sessions import AssistantSessions
from agentlab.notebook.chat.chat_document import ChatDocument
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.frames import conversation_frame
from agentlab.notebook.chat.reader_requests import ReaderRequests
from agentlab.notebook.chat.remembering import remembering
from agentlab.notebook.chat.sessions import Sessions
from agentlab.notebook.chat.static_view import mimebundle, static_text
from agentlab.notebook.chat.waiting_line import Waiting
from agentlab.notebook.mode import display_mode, is_deterministic
from agentlab.notebook.publishing import publish, widget_bundle
from agentlab.notebook.run.publisher import Publisher

if TYPE_CHECKING:
    import pandas as pd

    from agentlab.notebook.chat.chat_view import ChatView

__all__ = ["Chat"]

CLEANUP_S: Final = 5.0
P = ParamSpec("P")


class Chat:
    """A conversation with an agent or an assistant. Shown in a cell it has an input box, and goes on while other cells run.

        chat = al.notebook.Chat(agent)
        chat                                  # the last line of a cell shows it; two cells may, and stay equal
        await chat.send("What is 2 + 2?")     # the same from Python
        chat.history, chat.turns

    A prompt sent while another is answered waits in line. Editing an earlier prompt makes a branch; nothing is lost. What
    an agent's run raises is shown in place of its answer, and the next prompt works. A failed prompt that the model never
    answered is left out of what later prompts are sent with.

    Of an assistant, `al.notebook.Chat(al.Chat(...))`, it shows the session: all of its branches, as they were when they were
    answered. The picker lists the sessions of its folder and opens them with the same assistant; one that another process
    writes to is reported. An answer that waits for decisions shows its buttons in any later process too, and goes on when all
    are made. A question of the assistant is answered with its buttons or with the next prompt. The mode is chosen in the head.

    The view needs the kernel: a notebook opened without one shows "model not found" in its place, and a kernel that ends
    cannot say good-bye. Call `freeze` before that to leave a still picture. With `AGENTLAB_DISPLAY=static` and outside a
    notebook it is shown as such a picture from the beginning.

    Args:
        agent: Who answers: an agent, or an `agentlab.Chat`. It is asked on the library's background loop, as with
            `prompt_sync`: what its tools share with code in cells must bear another thread.
        sessions: Where conversations are kept and found; in memory where None. An assistant has its own.
        conversation: The conversation to go on with; a new one where None. An assistant's is its session.

    Raises:
        UsageError: There is nobody to answer, or an assistant was given another place to remember in.
    """

    def __init__(
        self,
        agent: Agent | Assistant,
        *,
        sessions: Sessions | None = None,
        conversation: Conversation | None = None,
    ) -> None:
        place = remembering(agent, sessions, conversation)
        self.sessions: Sessions = place.sessions
        self._answerer = place.answerer
        self._conversation = place.conversation
        self._document = ChatDocument(self._answerer, lambda: self._conversation)
        self._answering = Answering(
            self._answerer, can_decide=lambda: self._view is not None, answered=self.save
        )
        self._requests = ReaderRequests(self)
        self._lock = threading.Lock()
        self._view: ChatView | None = None
        self._publisher: Publisher | None = None
        self._display_id: str | None = None
        self._is_telling = False
        self._unlisten = self._conversation.listen(self._changed)

    # ------------------------------------------------------------- reading

    @property
    def agent(self) -> Agent:
        """Who answers the next prompt."""
        return self._answerer(self._conversation).agent

    @property
    def assistant(self) -> Assistant | None:
        """The assistant on the session that is open; None where an agent answers."""
        return getattr(self._answerer(self._conversation), "chat", None)

    @property
    def conversation(self) -> Conversation:
        """The conversation that is open."""
        return self._conversation

    @property
    def history(self) -> list[Message]:
        """What has been said on the branch shown, ready to be sent to any provider."""
        with self._conversation.lock:
            return self._answerer(self._conversation).history(self._conversation)

    @property
    def turns(self) -> pd.DataFrame:
        """One row a model call of the conversation, all branches; columns as `RunResult.turns`.

        `exchange` says which prompt it answered, `is_shown` whether that is on the branch shown.
        """
        return conversation_frame(self._conversation)

    @property
    def is_running(self) -> bool:
        """Whether an answer is under way."""
        return self._conversation.line.current is not None

    # -------------------------------------------------------------- asking

    async def send(self, prompt: Prompt, *, at: int | None = None) -> RunResult:
        """Ask, and wait for the answer; whoever has the chat on display watches it come.

        Args:
            prompt: Text, parts, or a user message, as `Agent.prompt` takes it.
            at: Id of an exchange to ask it in the place of, as a branch; at the end of the branch shown where None.

        Returns:
            The run; also where it was stopped.

        Raises:
            UsageError: The prompt is empty, or there is no such exchange; nothing was sent.
            RunStopped: The prompt was taken out of the line before it was asked.
            AgentlabError: The run failed, as with `Agent.prompt`; the chat shows it too.
        """
        conversation = self._conversation
        entry = self._ask(conversation, prompt, at, by_code=True)
        waited = asyncio.wrap_future(entry.result)
        try:
            async with heartbeat():
                return await asyncio.shield(waited)
        except asyncio.CancelledError:
            if not waited.done():
                _give_up(conversation, entry)
                await asyncio.wait([waited], timeout=CLEANUP_S)
            if waited.done() and not waited.cancelled():
                waited.exception()
            raise

    def send_sync(self, prompt: Prompt, *, at: int | None = None) -> RunResult:
        """`send` without `await`; an interrupt of the kernel stops the answer and is raised again."""
        self._document.is_blocking = True
        try:
            return run_sync(self.send, prompt, at=at)
        finally:
            self._document.is_blocking = False
            self._changed()

    def submit(self, prompt: Prompt, *, at: int | None = None) -> Waiting:
        """Ask, and do not wait: `Waiting.result` will have the run. Arguments and errors as in `send`.

        An answer before it that was stopped or that failed holds it in line until the reader lets it go on.
        """
        return self._ask(self._conversation, prompt, at, by_code=False)

    def stop(self) -> None:
        """End the answer under way, from any thread; what has arrived is kept and marked."""
        answering.stop(self._conversation)

    def decide(self, call_id: str, approved: bool, note: str = "") -> bool:
        """Say whether a tool that asks may run, from any thread; whether it was waiting for that."""
        return self._answering.decide(self._conversation, call_id, approved, note)

    def resume(self, at: int | None = None) -> Waiting:
        """Go on with an answer of an assistant that was cut off, and do not wait.

        Args:
            at: Id of its exchange; the last one shown where None.

        Raises:
            UsageError: It has ended.
        """
        last = self._conversation.end_of(None) or 0
        return self._answering.resume(self._conversation, last if at is None else at)

    def answer(self, answers: Mapping[str, Any]) -> Waiting:
        """Answer the assistant's question, and do not wait.

        Args:
            answers: Name of each question to its answer.

        Raises:
            UsageError: No question waits, or an answer does not fit it.
        """
        pending = self.assistant.question if self.assistant is not None else None
        if pending is None:
            raise UsageError("no question waits for an answer")
        check_answers(pending.questions, answers)
        return self.submit(answer_text(pending.questions, answers))

    # ------------------------------------------------------------ sessions

    def new(self) -> Conversation:
        """Begin a new conversation; an answer under way in the old one goes on there."""
        return self._switch(self.sessions.new())

    def open(self, session_id: str) -> Conversation:
        """Go on with a conversation of the store.

        Raises:
            UsageError: There is none of that id.
        """
        return self._switch(self.sessions.open(session_id))

    def show(self, at: int) -> None:
        """Show the branch an exchange is on.

        Raises:
            UsageError: There is no such exchange.
        """
        conversation = self._conversation
        with conversation.lock:
            conversation.select(at)
            self._answerer(conversation).shown(conversation)
        self.save()

    def save(self, conversation: Conversation | None = None) -> None:
        """Keep the conversation in the store; done after each answer. What goes wrong is shown, and loses nothing."""
        kept = self._conversation if conversation is None else conversation
        try:
            self._answerer(kept).refresh(kept)
            self.sessions.save(kept)
            self._document.problem = ""
        except Exception as error:  # noqa: BLE001 - a store of the user's own may raise anything; the answer is there
            self.report(f"the conversation could not be saved: {type(error).__name__}: {error}")
        if isinstance(self.sessions, AssistantSessions):
            if kept is not self._conversation:
                self.sessions.leave(kept)
            self._changed()  # to list them opens each of them, and this one is shown by its present title
        else:
            self.list_sessions()

    def list_sessions(self) -> None:
        """Look again which conversations the store has, for the picker."""
        try:
            self._document.sessions = tuple(self.sessions.list())
        except Exception as error:  # noqa: BLE001 - as in `save`
            self.report(f"the sessions could not be listed: {type(error).__name__}: {error}")
        self._changed()

    def report(self, problem: str) -> None:
        """Show what went wrong beside the answers; empty where nothing did."""
        self._document.problem = problem
        self._changed()

    # ------------------------------------------------------------- display

    @property
    def widget(self) -> ChatView:
        """The live view as a widget, to be put among other widgets; showing the chat itself shows it too."""
        with self._lock:
            if self._view is None:
                self._view = self._made_view()
                self._publisher = Publisher(
                    self._document, self._view, size=self._document.size, clock=time.monotonic
                )
            return self._view

    def freeze(self) -> None:
        """Replace the view, wherever it is on display, by a still picture of the branch shown; the notebook keeps that.

        An answer under way goes on. Displaying the chat again shows a new live view. A page that was reloaded since it was
        displayed cannot replace its output and shows the old view, empty; run its cell again.
        """
        with self._lock:
            view, publisher, shown = self._view, self._publisher, self._display_id
            self._view = self._publisher = self._display_id = None
        if view is None or publisher is None:
            return
        publisher.close()
        if shown is not None:
            bundle = mimebundle(self._conversation, deterministic=is_deterministic())
            publish(bundle, display_id=shown, update=True)
        view.close()

    def _ipython_display_(self) -> None:
        if display_mode() != "live":
            publish(self._repr_mimebundle_())
            return
        widget = self.widget
        if self._display_id is None:
            self._display_id = os.urandom(16).hex()
        still = mimebundle(self._conversation)
        # A page without widgets, such as GitHub's, shows how far the conversation was when the cell ran.
        bundle = {**still, **widget_bundle(widget.model_id, still["text/plain"])}
        publish(bundle, display_id=self._display_id, widget=widget)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        """The branch shown as a still picture."""
        return mimebundle(self._conversation, deterministic=is_deterministic())

    def __str__(self) -> str:
        return static_text(self._conversation, deterministic=is_deterministic())

    def __repr__(self) -> str:
        state = ", running" if self.is_running else ""
        return f"Chat({self.agent.model.name!r}, {self._conversation!r}{state})"

    # ------------------------------------------------------------ internal

    def _switch(self, conversation: Conversation) -> Conversation:
        self._unlisten()
        left, self._conversation = self._conversation, conversation
        self._unlisten = conversation.listen(self._changed)
        if left is not conversation and isinstance(self.sessions, AssistantSessions):
            self.sessions.leave(left)
        self.list_sessions()
        return conversation

    def _ask(self, conversation: Conversation, prompt: Prompt, at: int | None, *, by_code: bool) -> Waiting:
        message = self.agent.start(prompt).messages[0]
        assert isinstance(message, UserMessage)
        self._document.problem = ""
        if at is not None:
            return self._answering.ask_instead(conversation, at, message)
        return self._answering.ask(conversation, message, by_code=by_code)

    def _made_view(self) -> ChatView:
        from agentlab.notebook.chat.chat_view import ChatView  # noqa: PLC0415 - widgets are needed by a live view alone

        self.list_sessions()
        return ChatView(
            {"sequence": 0, "document": self._document.document()},
            on_message=lambda message: _in_background(self._requests.take, message),
            on_request=lambda: _in_background(self._snapshot),
        )

    def _changed(self) -> None:
        """Tell the view, soon: on the background loop, once for all that changes until then."""
        if self._publisher is not None and not self._is_telling:
            self._is_telling = True
            _in_background(self._tell)

    def _tell(self) -> None:
        self._is_telling = False
        publisher = self._publisher
        if publisher is not None:
            publisher.changed()

    def _snapshot(self) -> None:
        publisher = self._publisher
        if publisher is not None:
            publisher.snapshot()

    def reply(self, message: dict[str, Any]) -> None:
        """Send the view something that is not of the document."""
        view = self._view
        if view is not None:
            view.send(message)


def _give_up(conversation: Conversation, entry: Waiting) -> None:
    """Whoever waited for a prompt's answer has gone."""
    with conversation.lock:
        is_current = conversation.line.current is entry
    if is_current:
        answering.stop(conversation)
    else:
        answering.withdraw(conversation, entry.id)


def _in_background(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call a quick function on the background loop, soon."""

    async def call() -> None:
        function(*args, **kwargs)

    run_in_background(call)
