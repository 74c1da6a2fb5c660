"""A chat with an assistant that works in a folder, remembers, and can be stopped, resumed, branched and audited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from agentlab.agent import Agent, RunResult
from agentlab.agent.agent import Prompt
from agentlab.agent.approving import ApprovalPolicy
from agentlab.agent.frames import turns_frame
from agentlab.agent.portal import run_sync
from agentlab.agent.settings import Approver
from agentlab.chat.actor import Actor
from agentlab.chat.config import AgentConfig
from agentlab.chat.context.attachments import PriorityName
from agentlab.chat.context.builder import ContextBuilder
from agentlab.chat.context.report import ReportRow, report_frame
from agentlab.chat.dialogue import answer_text, check_answers
from agentlab.chat.events import Mode
from agentlab.chat.making import made_workbench
from agentlab.chat.persona import Persona
from agentlab.chat.recording import Kept
from agentlab.chat.resuming import turn_record
from agentlab.chat.state import ChatState, PendingDecision, PendingQuestion
from agentlab.chat.stream import ChatStream
from agentlab.errors import UsageError
from agentlab.http import Clock
from agentlab.messages import Message
from agentlab.sessions import AssistantSaid, Session, SessionStore
from agentlab.tools import Tool
from agentlab.tools.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Chat"]

T = TypeVar("T")


class Chat:
    """An assistant at work in a workspace, with a session that lasts.

        chat = agentlab.Chat("openai:gpt-5.6", workspace="notes")
        async for event in chat.stream("What is still open in todo.md?"):
            ...
        await chat.prompt("Write it as a table to open.md.")
        chat.session.id                     # Chat(workspace="notes", session=...) goes on, in any process

    One answer is given at a time; prompts and changes are taken in the order they are made, from whichever thread. Everything
    is in the session before anybody is told of it: a crash at any moment leaves a session that opens with a valid history.

    What stands first in a request never changes while a session goes on: one preamble and one set of tools for both modes.
    Modes, approved plans and attachments are told at the end of the conversation, so that the provider's cache keeps all before.

    Args:
        config: Who answers: a configuration, `"vendor:model"`, or an agent, whose preamble becomes the persona and whose tools
            join the workspace's. What the session says where None.
        workspace: The folder it works in, or a `Workspace` such as `MemoryWorkspace`; without one it has no file tools.
        session: A session, or the id of one in the store; a new one where None.
        sessions: Where sessions are kept: a store, or its folder; the user's own where None.
        persona: Who the assistant is: a `Persona`, its file, or the name of one that comes with the library; what the
            configuration says where None.
        tools: More tools, behind the workspace's.
        approvals: Which calls may run, are asked about, or refused; the default policy where None.
        approver: Decides in place of a person, as in `Agent`.
        context: How the model's context is laid out; cache-friendly where None.
        clock: Time; for tests.

    Raises:
        UsageError: Something cannot be used; nothing was sent.
        SessionLocked: Another process writes to the session.
        SessionError: The session cannot be opened.
        MissingKey: The model's vendor needs a key and there is none.
    """

    def __init__(
        self,
        config: AgentConfig | str | Agent | None = None,
        workspace: Workspace | str | Path | None = None,
        session: Session | str | None = None,
        *,
        sessions: SessionStore | str | Path | None = None,
        persona: Persona | str | Path | None = None,
        tools: Iterable[Tool | Callable[..., Any]] = (),
        approvals: ApprovalPolicy | None = None,
        approver: Approver | None = None,
        context: ContextBuilder | None = None,
        clock: Clock | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "persona": persona,
            "tools": tuple(tools),
            "approvals": approvals,
            "approver": approver,
        }
        options |= {"context": context, "clock": clock}
        self._bench = made_workbench(config, workspace, session, sessions=sessions, **options)
        self._given, self._options, self._store = config, options, sessions
        self._actor = Actor()

    # ------------------------------------------------------------- reading

    @property
    def session(self) -> Session:
        """The log: every message, call, decision and change."""
        return self._bench.session

    @property
    def store(self) -> SessionStore:
        """The sessions beside its own: those of the same folder."""
        known = self._store if isinstance(self._store, SessionStore) else None
        return known or SessionStore(self.session.path.parent)

    def with_session(self, session: Session | str | None = None) -> Chat:
        """Another chat, with the same configuration, workspace, tools and approvals; this one stays open.

        Args:
            session: A session, or the id of one in `store`; a new one where None.

        Raises:
            SessionError: The session cannot be opened, or another process writes to it.
        """
        store = None if isinstance(session, Session) else self.store
        given = self.config if self._given is None and session is None else self._given
        return Chat(given, self.workspace, session, sessions=store, **self._options)

    @property
    def workspace(self) -> Workspace | None:
        """The files it works on."""
        return self._bench.workspace

    @property
    def config(self) -> AgentConfig:
        """Who answers now."""
        return self._bench.config

    @property
    def state(self) -> ChatState:
        """Where the session stands: the mode, what is attached, what waits for the user."""
        return self._bench.state

    @property
    def mode(self) -> Mode:
        """`plan` or `build`."""
        return self.state.mode

    @property
    def agent(self) -> Agent:
        """The agent that answers now."""
        return self._bench.agent

    @property
    def history(self) -> list[Message]:
        """What was said on the branch, ready to be sent to any provider."""
        return self.session.history()

    @property
    def df(self) -> pd.DataFrame:
        """One row a part of a message, with model, tokens, cost, tool, arguments and result; see `Session.df`."""
        return self.session.df

    @property
    def turns(self) -> pd.DataFrame:
        """One row a model call of the branch, counted through all its answers; columns as `RunResult.turns`."""
        said = [each.entry for each in self.session.entries() if isinstance(each.entry, AssistantSaid)]
        paid = [entry for entry in said if entry.usage is not None]
        return turns_frame([turn_record(entry, place) for place, entry in enumerate(paid, start=1)])

    @property
    def waiting(self) -> tuple[PendingDecision, ...]:
        """The calls that wait for a decision; `decide` takes it."""
        return self.state.waiting

    @property
    def question(self) -> PendingQuestion | None:
        """The question that waits for an answer; `answer` takes it."""
        return self.state.question

    @property
    def is_running(self) -> bool:
        """Whether an answer is under way or waits for its turn."""
        return bool(self._actor.streams)

    @property
    def attended(self) -> bool:
        """Whether somebody watches who decides on calls while the answer goes on.

        Where nobody does, an answer that needs a decision ends there and stands still: `waiting` has the calls, `decide` and
        `resume` go on, today or in another process.
        """
        return self._bench.attended

    @attended.setter
    def attended(self, attended: bool) -> None:
        self._bench.attended = attended

    # -------------------------------------------------------------- asking

    def stream(self, prompt: Prompt, *, question_id: str | None = None) -> ChatStream:
        """Ask, and get the events of the answer as they come. It is given whether they are read or not.

        Args:
            prompt: Text, parts, or a user message, as `Agent.prompt` takes it.
            question_id: The question it answers; `answer` sets it.

        Raises:
            UsageError: The prompt is empty, or the session can only be read; nothing was sent.
        """
        message = self._bench.checked_prompt(prompt)
        return self._actor.answer(lambda out: self._bench.answer(message, out, question_id=question_id))

    async def prompt(self, prompt: Prompt) -> RunResult:
        """Ask, and wait for the answer; arguments and errors as in `stream`.

        Returns:
            The run; also where it was stopped, or waits for a decision.

        Raises:
            ModelError: A model call failed; what there was is in the session.
            SessionWriteFailed: It could not be kept, and was stopped.
        """
        return _there(await self.stream(prompt))

    def prompt_sync(self, prompt: Prompt) -> RunResult:
        """`prompt` without `await`; an interrupt stops the answer and is raised again."""
        return run_sync(self.prompt, prompt)

    def server_sent(self, prompt: Prompt) -> AsyncIterator[bytes]:
        """Ask, and get the answer as server-sent events (`text/event-stream`) for a web front end."""
        return self.stream(prompt).server_sent()

    def answer(self, answers: Mapping[str, Any] | str, question_id: str | None = None) -> ChatStream:
        """Answer the question that waits; the assistant goes on with it.

        Args:
            answers: Name of each question to its answer, or a text.
            question_id: Which question; the one that waits where None.

        Raises:
            UsageError: No such question waits, or an answer does not fit its schema; nothing was sent.
        """
        waiting = self.question
        if waiting is None or question_id not in {None, waiting.question_id}:
            raise UsageError(
                "no such question waits for an answer" if question_id else "no question waits for an answer"
            )
        if not isinstance(answers, str):
            check_answers(waiting.questions, answers)
        return self.stream(answer_text(waiting.questions, answers), question_id=waiting.question_id)

    def decide(self, call_id: str, approved: bool, note: str = "") -> None:
        """Decide whether a call may run. Where the answer stands still, `resume` goes on when all calls are decided.

        Args:
            call_id: Which of `waiting`.
            approved: Whether it may.
            note: What the model is told of a refusal.

        Raises:
            UsageError: No such call waits.
        """
        if not any(each.decide(call_id, approved, note) for each in self._actor.streams):
            self._bench.decide(call_id, approved, note)

    def resume(self) -> ChatStream:
        """Go on with an answer that stood still for a decision, or that a crash cut off.

        Calls that were under way when the process went away are not made again; the model is told that they were interrupted.

        Raises:
            UsageError: There is nothing to go on with.
        """
        if self.state.unfinished is None:
            raise UsageError("there is nothing to resume: the last answer is complete")
        return self._actor.answer(self._bench.resume)

    def stop(self) -> None:
        """End the answer under way, from any thread; what has come of it is kept and marked."""
        for under_way in self._actor.streams[:1]:
            under_way.stop()

    # ------------------------------------------------------------ changing

    def set_model(self, model: str, why: str = "") -> None:
        """Let another model answer from the next prompt on. The provider's cache is not the other one's: it begins anew.

        Raises:
            UsageError: There is no such model.
            MissingKey: Its vendor needs a key and there is none.
        """
        self._keep(self._bench.model_change(model, why))

    def set_mode(self, mode: Mode, plan: str | None = None) -> None:
        """Go over to plan or build mode with the next prompt; the model is told then.

        Args:
            mode: The mode.
            plan: Path of a plan to carry out, for build mode.

        Raises:
            UsageError: There is no such mode.
            ToolError: There is no such plan.
        """
        self._keep(self._bench.mode_change(mode, plan))

    def attach(self, path: str, priority: PriorityName | int = "medium", *, text: str | None = None) -> None:
        """Tell the model a file with the next prompt, and again whenever it has changed.

        Args:
            path: Its path in the workspace.
            priority: `essential` is never left out; of the others the lowest go first where they do not fit.
            text: Its content, where it is in no workspace.

        Raises:
            UsageError: It is no text, or there is no workspace to find it in.
            ToolError: There is no such file.
        """
        self._keep(self._bench.attached(path, priority, text))

    def detach(self, path: str) -> None:
        """Do not tell a file any more. What was told stays in the history.

        Raises:
            UsageError: It is not attached.
        """
        self._keep(self._bench.detached(path))

    def branch(self, at: int | None = None, name: str | None = None) -> str:
        """Begin a branch behind an entry of the session, and go on there; the other branches stay. Files are not branched.

        Args:
            at: Id of the last entry both share (`chat.df.entry`); the newest where None.
            name: What it is called.

        Returns:
            The branch's name.

        Raises:
            UsageError: An answer is under way, or there is no such entry.
        """
        self._actor.require_idle("begin a branch")
        return self._bench.branch(at, name)

    def switch(self, name: str) -> None:
        """Go on with another branch.

        Raises:
            UsageError: An answer is under way, or there is no such branch.
        """
        self._actor.require_idle("change the branch")
        self.session.switch(name)

    def context_report(self, prompt: Prompt | None = None) -> pd.DataFrame:
        """What the model was told last, or would be told: each part, its tokens, whether it was kept and why.

        Args:
            prompt: A prompt to try; nothing is sent. The last one that was answered where None.

        Returns:
            One row a part and a policy, see `agentlab.chat.context.report.ReportRow`.
        """
        return report_frame(self.context_rows(prompt))

    def context_rows(self, prompt: Prompt | None = None) -> tuple[ReportRow, ...]:
        """The rows of `context_report`, without a frame."""
        return self._bench.report(prompt)

    def full_text(self, call_id: str) -> str:
        """The whole of what a tool answered, where the model was shown it shortened.

        Raises:
            UsageError: There is no such call.
        """
        return self._bench.full_text(call_id)

    def close(self) -> None:
        """End the answer under way, and let another process write to the session."""
        self._actor.close()
        self._bench.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _keep(self, change: Kept) -> None:
        self._actor.change(lambda: self._bench.keep(change))

    def __repr__(self) -> str:
        state = ", running" if self.is_running else ""
        return f"Chat({self.config.model!r}, mode={self.mode!r}, session={self.session.id!r}{state})"


def _there(result: RunResult | None) -> RunResult:
    assert result is not None
    return result
