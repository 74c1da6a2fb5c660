"""Drives a run for a chat: what happens is kept first and told then, so nobody sees what a crash could take back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from agentlab.agent import RunResult
from agentlab.agent.stream import RunStream
from agentlab.chat.events import ApprovalPending, Done, Failed, Stopped
from agentlab.chat.recording import Kept, Recorder
from agentlab.chat.stream import ChatStream
from agentlab.errors import AgentlabError, ApprovalNeeded, RunStopped
from agentlab.sessions import Session

__all__ = ["drive", "in_thread"]

Value = TypeVar("Value")


async def drive(stream: RunStream, recorder: Recorder, session: Session, out: ChatStream) -> None:
    """Carry a run to its end, into the session and to its readers.

    Args:
        stream: The run.
        recorder: Makes its entries.
        session: Where they are kept.
        out: Who reads; ended with the run or what it raised.
    """
    error: BaseException | None = None
    try:
        async for event in stream:
            await _keep(session, recorder.take(event, stream.trace.events[-1].at_s))
            out.put(event)
    except BaseException as raised:  # noqa: BLE001 - told below, and raised where it is no error
        error = raised
    await stream.aclose()
    try:
        await _keep(session, recorder.finish(error))
    except AgentlabError as raised:
        error = error if error is not None else raised
    _tell_end(stream, error, out)
    if error is not None and not isinstance(error, Exception):
        raise error


def _tell_end(stream: RunStream, error: BaseException | None, out: ChatStream) -> None:
    run = stream.run
    result = RunResult(run, stream.trace)
    if error is None:
        out.put(Done(run.text, run.usage, run.cost_usd))
        out.end(result)
    elif isinstance(error, ApprovalNeeded):
        for call in error.calls:
            out.put(ApprovalPending(call.id, call.name))
        out.put(Stopped("stopped", "waits for approval", run.text))
        out.end(result)
    elif isinstance(error, RunStopped):
        out.put(Stopped("stopped", error.reason, run.text))
        out.end(result)
    else:
        out.put(Failed(type(error).__name__, str(error)))
        out.end(result, error)


async def _keep(session: Session, kept: Kept) -> None:
    if kept:
        await in_thread(lambda: session.append(*kept.entries, texts=kept.texts))


async def in_thread(function: Callable[[], Value]) -> Value:
    """Run a blocking function in a thread, and wait for it even where the waiting is cancelled: what it writes is written."""
    work = asyncio.create_task(asyncio.to_thread(function))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()  # looked at, so that the loop does not report it once more
        raise
