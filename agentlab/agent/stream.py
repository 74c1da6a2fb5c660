"""A run being streamed: iterate it for events, stop it from anywhere, read the run at any moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from weakref import ref

from agentlab.agent.driver import RunDriver
from agentlab.agent.run import Run
from agentlab.agent.trace import Trace
from agentlab.errors import UsageError
from agentlab.messages import Event

__all__ = ["RunStream"]


class RunStream:
    """The events of one run, as they happen.

        stream = agent.stream_prompt("...")
        async for event in stream:
            ...
        stream.run.text

    Leaving the loop early ends the run; its history stays valid. It can be iterated once.

    Args:
        driver: Carries the run.
    """

    def __init__(self, driver: RunDriver) -> None:
        self._driver = driver
        # Weak, so that a loop left early lets go of the last reference, and the run ends there and then.
        self._events: ref[AsyncGenerator[Event, None]] | None = None

    def __repr__(self) -> str:
        return f"RunStream({self.run!r})"

    @property
    def run(self) -> Run:
        """The run; valid at every moment."""
        return self._driver.run

    @property
    def trace(self) -> Trace:
        """What has happened so far."""
        return self._driver.trace

    def stop(self, reason: str = "stopped by the user") -> None:
        """End the run at once, from any thread; the loop over it raises `RunStopped` with what had arrived.

        Stopping a run that has ended does nothing.
        """
        if self._driver.stopping.reason is None and self.run.stop_reason is None:
            self._driver.stopping.ask(reason)

    @property
    def attended(self) -> bool:
        """Whether somebody reads the events and answers `ApprovalAsked` with `decide`; set it before iterating.

        Where nobody does, a tool that asks is left to the agent's `approver`, or the run is raised as `ApprovalNeeded`.
        """
        return self._driver.approvals.attended

    @attended.setter
    def attended(self, attended: bool) -> None:
        self._driver.approvals.attended = attended

    def decide(self, call_id: str, approved: bool, note: str = "") -> bool:
        """Say whether a call that was asked about may run, from any thread.

        Args:
            call_id: `ApprovalAsked.call_id`.
            approved: Whether it may.
            note: What the model is told of a refusal.

        Returns:
            Whether the call was waiting for it; a second answer changes nothing.
        """
        return self._driver.approvals.decide(call_id, approved, note)

    async def aclose(self) -> None:
        """End the run if it still goes on, and wait until it has."""
        events = self._events() if self._events is not None else None
        if events is not None:
            await events.aclose()
        elif self._driver.stopping.ended is not None:
            await self._driver.stopping.ended.wait()

    def __aiter__(self) -> AsyncIterator[Event]:
        if self._events is not None:
            raise UsageError("a run can be iterated once; read `run` and `trace` for what happened")
        events = self._driver.events()
        self._events = ref(events)
        return events
