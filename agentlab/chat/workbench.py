"""What a chat works with, and one answer from its prompt to its end. Its methods are called one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from msgspec import structs

from agentlab.agent import Agent, Run
from agentlab.agent.agent import Prompt
from agentlab.caching.calls import RecordedCall
from agentlab.chat.assistant import Assistants
from agentlab.chat.attaching import Attaching
from agentlab.chat.config import AgentConfig
from agentlab.chat.context.attachments import PriorityName
from agentlab.chat.context.builder import Budgets, BuiltContext, ContextBuilder, ContextInput
from agentlab.chat.context.report import ReportRow
from agentlab.chat.dialogue import ModeSwitch, QuestionDesk, plan_text
from agentlab.chat.driving import drive, in_thread
from agentlab.chat.events import ChatEvent, Mode
from agentlab.chat.modes import mode_text
from agentlab.chat.persona import Persona, persona_of
from agentlab.chat.recording import Kept, Recorder
from agentlab.chat.resuming import resumed_run
from agentlab.chat.state import RESUMED, ChatState, Unfinished, state_of
from agentlab.chat.stream import ChatStream
from agentlab.chat.summarising import Shortening, plain_text_of
from agentlab.errors import UsageError
from agentlab.http import Clock
from agentlab.messages import UserMessage
from agentlab.plain_text import one_line
from agentlab.sessions import (
    Configured,
    Decided,
    Entry,
    ModeChanged,
    ModelChanged,
    Noticed,
    RunEnded,
    Session,
    Stored,
    Titled,
    ToolAnswered,
    UserSaid,
)
from agentlab.tools.workspace import Workspace

__all__ = ["Workbench"]

LEFT = "left for another prompt"


class Workbench:
    """A session, a workspace, an assistant and how its context is laid out.

    Args:
        session: Where everything is kept.
        workspace: The files; None for none.
        config: Who answers, as the chat was begun; changes since are in the session.
        persona: Who the assistant is; what the configuration names where None.
        context: How the context is laid out.
        clock: Time.

    Attributes:
        attended: Whether somebody decides on calls while an answer goes on.
    """

    def __init__(
        self,
        session: Session,
        workspace: Workspace | None,
        config: AgentConfig,
        *,
        persona: Persona | None,
        context: ContextBuilder,
        clock: Clock,
    ) -> None:
        self.session = session
        self.workspace = workspace
        self.attended = False
        self._begun_with = config
        self._persona = persona or persona_of(config.persona)
        self._context = context
        self._clock = clock
        self._attaching = Attaching(session, workspace)
        self._out: ChatStream | None = None
        self._built: BuiltContext | None = None
        self._last: RecordedCall | None = None
        self._state: tuple[tuple[str, int], ChatState] | None = None
        self.shortening = Shortening(config.result_chars)
        self.desk = QuestionDesk(self._keep_entry, self._tell)
        self.assistants: Assistants

    def mode_switch(self) -> ModeSwitch | None:
        """What ends plan mode; None without a workspace, where there is no plan."""
        if self.workspace is None:
            return None
        return ModeSwitch(
            self.workspace,
            mode=lambda: self.state.mode,
            told=lambda path, text: mode_text(self._persona, "build", plan=path, plan_text=text),
            keep=self._keep_entry,
            tell=self._tell,
        )

    # ------------------------------------------------------------- reading

    @property
    def state(self) -> ChatState:
        """Where the session stands."""
        entries = self.session.entries()
        place = (self.session.branch, len(entries))
        if self._state is None or self._state[0] != place:
            self._state = place, state_of(entries, mode=self._begun_with.mode)
        return self._state[1]

    @property
    def config(self) -> AgentConfig:
        """Who answers now."""
        model = self.state.model
        return self._begun_with if model is None else structs.replace(self._begun_with, model=model)

    @property
    def agent(self) -> Agent:
        """The agent that answers now."""
        return self.assistants.agent(self.config, self._persona)

    def checked_prompt(self, prompt: Prompt) -> UserMessage:
        """A prompt as a message.

        Raises:
            UsageError: It is empty, or nothing can be written to the session.
        """
        if self.session.is_read_only:
            raise UsageError("the session was opened to be read only: open it again to write to it")
        message = self.agent.start(prompt).messages[0]
        assert isinstance(message, UserMessage)
        return message

    def report(self, prompt: Prompt | None) -> tuple[ReportRow, ...]:
        """What was told last, or what would be told with a prompt."""
        if prompt is not None:
            return self._context_for(self.checked_prompt(prompt)).parts
        if self._built is None:
            raise UsageError("nothing was asked yet: give a prompt to see what would be told with it")
        return self._built.parts

    def full_text(self, call_id: str) -> str:
        """The whole of what a tool answered."""
        for stored in reversed(self.session.entries()):
            if isinstance(stored.entry, ToolAnswered) and stored.entry.result.call_id == call_id:
                whole = self.session.text_of(stored.entry.full) if stored.entry.full else None
                return whole if whole is not None else plain_text_of(stored.entry.result)
        raise UsageError(f"no tool answered a call {call_id!r} on this branch")

    # ------------------------------------------------------------- answers

    async def answer(self, prompt: UserMessage, out: ChatStream, *, question_id: str | None = None) -> None:
        """Answer a prompt, into the session and to its readers."""
        built = await in_thread(lambda: self._prepared(prompt))
        run = self.agent.start(built.prompt, history=built.history, tainted=self.state.tainted_by or ())
        # What a run adds to its prompt, such as retrieved documents, stays in the history as it was sent.
        kept = None if built.kept_prompt == built.prompt else built.kept_prompt
        recorder = self._recorder(run, text=prompt.text, question_id=question_id, kept_prompt=kept)
        agent = self.agent.with_(preamble=built.preamble or None)
        await self._drive(agent, run, recorder, out)

    async def resume(self, out: ChatStream) -> None:
        """Go on with the answer that has no end."""
        unfinished = self.state.unfinished
        if unfinished is None:
            out.end(None)
            return
        run, recorder = await in_thread(lambda: self._taken_up(unfinished))
        await self._drive(self.agent, run, recorder, out)

    async def _drive(self, agent: Agent, run: Run, recorder: Recorder, out: ChatStream) -> None:
        self._out = out
        self.desk.begin()
        stream = agent.resume(run)
        stream.attended = self.attended
        out.begin(stream)
        try:
            await drive(stream, recorder, self.session, out)
        finally:
            self._out = None
            self.shortening.whole.clear()
            if stream.trace.calls:
                self._last = stream.trace.calls[-1]

    def _prepared(self, prompt: UserMessage) -> BuiltContext:
        """The context of a prompt; an answer that was left without an end is ended first, and attachments are looked at."""
        if self.state.unfinished is not None:
            self.session.append(RunEnded("", "cancelled", LEFT))
        if not self.session.title and not any(
            isinstance(each.entry, UserSaid) for each in self.session.entries()
        ):
            self._keep_entry(Titled(one_line(prompt.text)))
        self.keep(self._attaching.changes(self.state.attached))
        self._built = self._context_for(prompt)
        return self._built

    def _context_for(self, prompt: UserMessage) -> BuiltContext:
        return self._context.build(self._input(self.session.entries(), prompt))

    def _input(self, entries: Sequence[Stored], prompt: UserMessage) -> ContextInput:
        """What the context of a prompt behind these entries is built from."""
        state, config = state_of(entries, mode=self._begun_with.mode), self.config
        return ContextInput(
            entries=entries,
            prompt=prompt.content,
            preamble=self._persona.preamble,
            mode_block=self._mode_block(state),
            attachments=self._attaching.attachments(state.attached),
            budgets=Budgets(config.attachment_tokens, config.history_tokens),
            last=self._last,
            model=config.model,
            at=self._clock.time(),
        )

    def _mode_block(self, state: ChatState) -> str | None:
        """What the model is told of its mode; nothing where there is no workspace, so that modes mean nothing."""
        if self.workspace is None:
            return None
        return mode_text(self._persona, state.mode, plan=state.plan, plan_text=state.plan_text)

    def _taken_up(self, unfinished: Unfinished) -> tuple[Run, Recorder]:
        """The run of an answer without an end, and what is new in the log for it."""
        entries = self.session.entries()
        said = entries[unfinished.began].entry
        assert isinstance(said, UserSaid)
        built = self._context.build(self._input(entries[: unfinished.began], said.message))
        run, made_up = resumed_run(
            entries,
            unfinished,
            history=built.history,
            max_turns=self.agent.settings.max_turns,
            tainted=self.state.tainted_by or (),
        )
        self.session.append(Noticed(RESUMED), *(ToolAnswered(result, run_id=run.id) for result in made_up))
        return run, self._recorder(run, is_resumed=True)

    def _recorder(self, run: Run, **told: Any) -> Recorder:
        entries = (stored.entry for stored in self.session.entries())
        noticed = {(entry.notice, entry.text) for entry in entries if isinstance(entry, Noticed)}
        return Recorder(run, whole=self.shortening.whole, noticed=noticed, **told)

    # ------------------------------------------------------------- changes

    def keep(self, kept: Kept) -> None:
        """Put entries in the session; they are on disk when this returns."""
        if kept:
            self.session.append(*kept.entries, texts=kept.texts)

    def model_change(self, model: str, why: str) -> Kept:
        """Another model answers."""
        config = structs.replace(self.config, model=model)
        self.assistants.agent(config, self._persona)
        return Kept((ModelChanged(model, self.config.model, why),))

    def mode_change(self, mode: Mode, plan: str | None) -> Kept:
        """Another mode holds."""
        if mode not in get_args(Mode):
            raise UsageError(f"there is no mode {mode!r}; there are {' and '.join(get_args(Mode))}")
        if plan is None:
            return Kept((ModeChanged(mode, self.state.mode),))
        if mode != "build" or self.workspace is None:
            raise UsageError("a plan is carried out in build mode, in a workspace that has it")
        text = plan_text(self.workspace, plan)
        return Kept((ModeChanged(mode, self.state.mode, plan.strip("/"), text),))

    def attached(self, path: str, priority: PriorityName | int, text: str | None) -> Kept:
        """A file is attached."""
        return self._attaching.attached(path, priority, text)

    def detached(self, path: str) -> Kept:
        """A file is attached no more."""
        return self._attaching.detached(path, self.state.attached)

    def decide(self, call_id: str, approved: bool, note: str) -> None:
        """A call of an answer that stands still is decided on."""
        waiting = {each.call_id: each for each in self.state.waiting}
        if call_id not in waiting:
            named = ", ".join(waiting) or "none"
            raise UsageError(f"no call {call_id!r} waits for a decision; waiting: {named}")
        asked = waiting[call_id]
        verdict: Literal["allow", "deny"] = "allow" if approved else "deny"
        self._keep_entry(Decided(call_id, asked.tool, verdict, "user", asked.reason, note, stood_still=True))

    def branch(self, at: int | None, name: str | None) -> str:
        """A branch behind an entry."""
        entries = self.session.entries()
        if not entries:
            raise UsageError("nothing was said yet: there is nothing to branch from")
        return self.session.branch_at(entries[-1].id if at is None else at, name)

    def configure(self) -> None:
        """Put the configuration in the session, where it is another one than there."""
        plain = self._begun_with.to_plain()
        if self.session.config != plain and not self.session.is_read_only:
            self._keep_entry(Configured(plain))

    def close(self) -> None:
        """Let another process write to the session."""
        self.session.close()

    # ------------------------------------------------------------ internal

    def _keep_entry(self, entry: Entry) -> None:
        self.session.append(entry)

    def _tell(self, event: ChatEvent) -> None:
        out = self._out
        if out is not None:
            out.put(event)
