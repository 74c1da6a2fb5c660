"""Drives a run: calls the model and the tools the run asks for, asks hooks, records the trace. Decides nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, MutableSequence
from contextlib import aclosing

from msgspec import structs

from agentlab.agent.approvals import Approvals
from agentlab.agent.approving.judging import Judge
from agentlab.agent.current_run import RunScope, entered
from agentlab.agent.delta_hooks import DELTAS, DeltaHooks
from agentlab.agent.diagnosing import compared_with_last
from agentlab.agent.dispatch import ToolDispatch, failed_result
from agentlab.agent.facts import asked_by, offering
from agentlab.agent.heartbeat import heartbeat
from agentlab.agent.hooks import HookContext, Hooks, RenameCall, RetryTurn, Scratchpad, Skip, Stop, UseModel
from agentlab.agent.memory.foresight import remembered_by
from agentlab.agent.prefix_check import PrefixCheck
from agentlab.agent.retrieving.search import Retrieval
from agentlab.agent.run import CallModel, CallTools, Done, Run
from agentlab.agent.settings import AgentSettings
from agentlab.agent.stopping import Stopping
from agentlab.agent.telemetry import RunSpans
from agentlab.agent.trace import Trace
from agentlab.caching.orderings.arrangement import arrange
from agentlab.errors import (
    AgentlabError,
    ApprovalNeeded,
    ModelError,
    ProtocolError,
    RetrievalFailed,
    RunError,
    RunStopped,
    UsageError,
)
from agentlab.http import Clock
from agentlab.messages import (
    AssistantMessage,
    Event,
    Message,
    Notice,
    Request,
    RequestSent,
    RunFinished,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    TurnFinished,
    TurnStarted,
    repair,
)
from agentlab.models import Model, ModelStream
from agentlab.models.interface import wire_name

__all__ = ["RunDriver"]


class RunDriver:
    """Carries one run to its end.

    Args:
        settings: The agent.
        model: The model it calls.
        run: The run; changed as it goes on, valid at every moment.
        trace: Where events are recorded.
        clock: Time.
        history: A conversation that takes the run's messages when it ends well.

    Attributes:
        approvals: Decisions on calls of tools that ask.
        stopping: The user's wish that the run ends.
    """

    def __init__(
        self,
        settings: AgentSettings,
        model: Model,
        run: Run,
        trace: Trace,
        *,
        clock: Clock,
        history: MutableSequence[Message] | None = None,
    ) -> None:
        self.run = run
        self.trace = trace
        self._settings = settings
        self._model = model
        self._clock = clock
        self._hooks = Hooks(settings.hooks)
        self._scratchpad = Scratchpad()
        self.approvals = Approvals(run, settings.approver)
        self._started = clock.monotonic()
        self._stream: ModelStream | None = None
        self._prefix = PrefixCheck()
        self._offered: tuple[str, ...] = offering(run, settings).tools.names
        self._spans: RunSpans
        self._scope: RunScope
        self._judge: Judge
        self._untaken: tuple[TurnFinished, str] | None = None
        self._unclaimed: list[ToolResult] = []
        self._history = history
        self.stopping = Stopping()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Run to the end, giving every event; errors end the run first and are raised then."""
        stopping, trace, monotonic = self.stopping, self.trace, self._clock.monotonic
        error: BaseException | None = None
        with stopping.listening():
            self._begin()
            try:
                self._enter()
                async with self._model.session(), heartbeat():
                    while not isinstance(step := self.run.next_step(), Done):
                        self._check_stop()
                        async with aclosing(self._steps(step)) as steps:
                            async for event in steps:
                                trace.add(event, monotonic() - self._started)
                                stopping.waiting = None
                                yield event
                                stopping.goes_on()
            except AgentlabError as raised:
                error = self._ended_by(raised)
            except BaseException as raised:
                error = self._cancelled_by(raised)
                if error is raised:
                    self._finished()
                    raise
            finally:
                self._spans.finished(self.run.usage, error)
            finished = self._finished()
            stopping.waiting = None
            yield finished
            if error is not None:
                raise error
            if self._history is not None:
                self._history.extend(self.run.messages)

    def _steps(self, step: CallModel | CallTools) -> AsyncGenerator[Event, None]:
        return self._call_model(step) if isinstance(step, CallModel) else self._call_tools(step)

    # ----------------------------------------------------------- the model

    async def _call_model(self, step: CallModel) -> AsyncGenerator[Event, None]:
        retrieval = Retrieval(self._settings, self.run, spans=self._spans, clock=self._clock)
        for begun in retrieval.started():
            yield begun
        for retrieved in await retrieval.retrieved():
            yield retrieved
        context = self._context(step.turn)
        model, request, notices = await self._prepared(context, retrieval)
        yield TurnStarted(step.turn, model.name)
        for said in notices:
            yield said
        self._spans.chat_started(request, model.name)
        finished: TurnFinished | None = None
        deltas = DeltaHooks(self._hooks, context)
        self._stream = model.stream(request)
        async with aclosing(self._stream.events) as events:
            async for event in events:
                if isinstance(event, TurnFinished):
                    finished = structs.replace(event, turn=step.turn)
                    self._untaken = (finished, event.model or model.name)
                else:
                    yield event
                if self.stopping.reason is not None:
                    self._check_stop()
                if type(event) not in deltas.unasked:
                    notice = await self._reaction(event, deltas, model)
                    if notice is not None:
                        yield notice
        self._stream = None
        if finished is None:
            raise ProtocolError(f"the model `{model.name}` ended its stream without a `TurnFinished`")
        self._prefix.answered(finished.usage)
        self._spans.chat_finished(finished)
        await self._take_turn(finished, context, model, request)
        yield finished

    async def _prepared(
        self, context: HookContext, retrieval: Retrieval
    ) -> tuple[Model, Request, list[Notice]]:
        """Who is asked, and what; and what the reader is told of it."""
        memory = await remembered_by(self._settings, self.run, self._scope, at=self._clock.time())
        plain = asked_by(
            self.run, self._settings, self._model.model_id, found=retrieval.found, remembered=memory
        )
        patched = await self._hooks.patch(context, plain)
        if isinstance(patched, Stop):
            raise self._stopped(patched)
        model = await self._selected(context, patched)
        asked = structs.replace(patched, model=model.model_id)
        arranged = arrange(asked, wire=wire_name(model))
        request = compared_with_last(arranged, self.run.records, model.name)
        self._offered = tuple(tool.name for tool in request.tools)
        self.trace.asked.append(asked)
        notices = [Notice("memory", memory.line)] if memory is not None and memory.line else []
        return model, request, notices + [Notice("warning", warning) for warning in retrieval.warnings]

    async def _reaction(self, event: Event, deltas: DeltaHooks, model: Model) -> Notice | None:
        """What an event of the model calls for: hooks are asked of deltas; a notice where the prefix moved."""
        if type(event) in DELTAS:
            answer = await deltas.ask(event)
            if isinstance(answer, Stop):
                raise self._stopped(answer)
        elif isinstance(event, RequestSent) and event.attempt == 1:
            pieces = self._stream.prefix_pieces() if self._stream else ()
            return self._prefix.notice(event, pieces, model=event.model or model.name)
        elif isinstance(event, Notice) and event.kind == "fallback":
            self._prefix.given_up()
        return None

    async def _selected(self, context: HookContext, request: Request) -> Model:
        answer = await self._hooks.ask("on_model_select", context, request, self._model)
        if isinstance(answer, Stop):
            raise self._stopped(answer)
        if isinstance(answer, UseModel):
            if not isinstance(answer.model, Model):
                raise UsageError(f"`UseModel` takes a model object, not {answer.model!r}")
            return answer.model
        return self._model

    async def _take_turn(
        self, turn: TurnFinished, context: HookContext, model: Model, request: Request
    ) -> None:
        """Give the turn to the run, unless a hook rejects it."""
        event = "on_stream_response_finish" if request.stream else "on_completion_response"
        for name in (event, "on_model_turn_finished"):
            answer = await self._hooks.ask(name, context, turn)
            if isinstance(answer, Stop):
                raise self._stopped(answer)
            if isinstance(answer, RetryTurn):
                self._retry(turn, answer, model)
                return
        self._untaken = None
        self.run.model_turn(turn, model=turn.model or model.name)

    def _retry(self, turn: TurnFinished, answer: RetryTurn, model: Model) -> None:
        if turn.message.tool_calls and self.run.output_call(turn.message) is None:
            raise UsageError(
                "`RetryTurn` was returned for a turn that calls tools; only answers can be retried"
            )
        self._untaken = None
        if answer.feedback is None:
            self.run.discard_turn(turn, model=turn.model or model.name)
            return
        self.run.model_turn(turn, model=turn.model or model.name)
        self.run.correct(answer.feedback)

    # ----------------------------------------------------------- the tools

    async def _call_tools(self, step: CallTools) -> AsyncGenerator[Event, None]:
        context = self._context(self.run.turns_made)
        calls: list[ToolCall] = []
        for call in step.calls:
            outcome = await self._checked(call, context)
            if isinstance(outcome, ToolCall):
                calls.append(outcome)
            else:
                self.run.tool_results([outcome])
                yield outcome
        dispatch = ToolDispatch(
            offering(self.run, self._settings).tools,
            context=self._settings.tool_context,
            concurrency=self._settings.tool_concurrency,
            timeout_s=self._settings.tool_timeout_s,
            hooks=self._hooks,
            judge=self._judge,
            spans=self._spans,
            scope=self._scope,
        )
        self._unclaimed = dispatch.unclaimed
        stop: Stop | None = None
        async with aclosing(dispatch.run(calls, context, truncated=step.truncated)) as events:
            async for event in events:
                if isinstance(event, Stop):
                    stop = event
                    break
                if isinstance(event, ToolResult):
                    self.run.tool_results([event])
                yield event
        if stop is not None:
            raise self._stopped(stop)

    async def _checked(self, call: ToolCall, context: HookContext) -> ToolCall | ToolResult:
        """The call, if its tool was offered; else what the hooks or the model are told of it."""
        if call.name in self._offered:
            return call
        answer = await self._hooks.ask("on_invalid_tool_call", context, call, self._offered)
        if isinstance(answer, Stop):
            raise self._stopped(answer)
        if isinstance(answer, RenameCall):
            return self.run.repair_call(call.id, answer.name)
        if isinstance(answer, Skip):
            return ToolResult(call.id, call.name, (Text(answer.reason),), "skipped", call.provider_id)
        return failed_result(
            call, f"there is no tool `{call.name}`; there are {', '.join(self._offered) or 'none'}"
        )

    # -------------------------------------------------------------- ending

    def _check_stop(self) -> None:
        if self.stopping.reason is not None:
            raise self._stopped(Stop(self.stopping.reason))

    def _stopped(self, stop: Stop) -> RunStopped:
        partial = self._untaken[0].message if self._untaken else None
        if partial is None and self._stream is not None:
            partial = self._stream.partial()
        self._end("stopped", stop.reason)
        return RunStopped(
            f"the run was stopped: {stop.reason}",
            reason=stop.reason,
            history=self.run.all_messages,
            partial=partial,
        )

    def _ended_by(self, error: AgentlabError) -> AgentlabError:
        """End the run for an error, and give the error the history."""
        if isinstance(error, ApprovalNeeded):
            # The run stands still and goes on when its calls are decided.
            error.history = tuple(repair(self.run.all_messages))
            error.run_json = self.run.to_json()
        elif isinstance(error, RunStopped):
            # The model itself would not go on: no money left, no request wanted.
            if self.run.stop_reason is None:
                self._end("stopped", error.reason, error.partial)
                error.history = self.run.all_messages
        else:
            partial = error.partial if isinstance(error, ModelError) else None
            out_of_turns = self.run.turns_made >= self.run.max_turns
            self._end(
                "max_turns" if self.run.status == "ready" and out_of_turns else "error",
                str(error),
                partial,
            )
        if isinstance(error, ModelError | RetrievalFailed):
            error.history = self.run.all_messages
        if isinstance(error, ModelError | RunError):
            error.usage, error.cost_usd = self.run.usage, self.run.cost_usd
        return error

    def _cancelled_by(self, error: BaseException) -> BaseException:
        """End the run for a cancellation: ours, if the user asked to stop, else the caller's, which goes on."""
        if self.stopping.caused(error):
            return self._stopped(Stop(self.stopping.reason or ""))
        expected = isinstance(error, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt)
        self._end(
            "cancelled" if expected else "error", None if expected else f"{type(error).__name__}: {error}"
        )
        return error

    def _end(self, reason: StopReason, detail: str | None, partial: AssistantMessage | None = None) -> None:
        """End the run, with what had arrived and not yet been taken: a whole turn, part of one, tool results."""
        if self._untaken is not None:
            turn, model = self._untaken
            self._untaken = None
            self.run.discard_turn(turn, model=model)
            partial = turn.message
        elif self._stream is not None:
            partial = self._stream.partial() or partial
        if self._unclaimed:
            self.run.tool_results(self._unclaimed)
        self.run.end(reason, detail, partial=partial)

    # ------------------------------------------------------------ internal

    def _begin(self) -> None:
        self._spans = RunSpans(
            agent_name=self._settings.name,
            model=self._model.name,
            run_id=self.run.id,
            record_content=self._settings.record_content,
        )

    def _enter(self) -> None:
        """Take the run's place inside the run it begins in, where it begins in one."""
        scope = entered(self.trace, self._model, self.run.max_turns)
        self._model = scope.model or self._model
        self.approvals.above = scope.ask
        self._judge = Judge(self.run, self._settings, self.approvals, scope.approving, self._spans)
        self._scope = self._judge.over(scope)

    def _finished(self) -> RunFinished:
        """The last event, recorded."""
        run = self.run
        waiting = ", ".join(f"`{call.name}`" for call in run.pending_calls)
        reason, detail = run.stop_reason or "done", run.detail
        if run.stop_reason is None and waiting:
            reason, detail = "stopped", f"waits for approval of {waiting}"
        finished = RunFinished(run.text, run.usage, reason, detail)
        self.trace.add(finished, self._clock.monotonic() - self._started)
        return finished

    def _context(self, turn: int) -> HookContext:
        return HookContext(self.run.id, self._settings.name, turn, self._settings.stream, self._scratchpad)
