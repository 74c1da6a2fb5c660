"""One answer under way: its run goes on the library's background loop, its events are taken where they are shown."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from typing import Final

from agentlab.agent import Agent, Run
from agentlab.agent.portal import run_in_background
from agentlab.errors import RunStopped
from agentlab.messages import Event, Message

__all__ = ["Answering"]

_BEAT_S: Final = 0.05


class Answering:
    """Asks, and gives the events to the thread that iterates.

    Between events it gives None, some twenty times a second, so that the reader can repaint; a signal's handler or
    another thread may call `stop` and `decide` at any moment.

    Args:
        agent: Who is asked.
        prompt: What.
        history: What was said before; not changed.

    Raises:
        UsageError: The prompt cannot be sent; nothing was.
    """

    def __init__(self, agent: Agent, prompt: str, history: Sequence[Message]) -> None:
        self._stream = agent.stream_prompt(prompt, history=history)
        self._stream.attended = True
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._error: BaseException | None = None

    @property
    def run(self) -> Run:
        """The run, valid at every moment."""
        return self._stream.run

    def stop(self) -> None:
        """End the answer; what has arrived is kept."""
        self._stream.stop()

    def decide(self, call_id: str, approved: bool, note: str = "") -> None:
        """Answer `ApprovalAsked`; `note` is what the model is told of a refusal."""
        self._stream.decide(call_id, approved, note)

    def __iter__(self) -> Iterator[Event | None]:
        """Ask, and give every event, with None for a moment without any.

        Raises:
            ModelError: A model call failed; `run` has what there was.
            RunError: The run could not finish; not where it was stopped.
        """
        driven = run_in_background(self._drive)
        ended = False
        try:
            while not ended:
                try:
                    event = self._events.get(timeout=_BEAT_S)
                except queue.Empty:
                    yield None
                    ended = driven.done() and self._events.empty()
                    continue
                ended = event is None
                if event is not None:
                    yield event
        finally:
            if not ended:
                driven.cancel()
        driven.result()
        if self._error is not None:
            raise self._error

    async def _drive(self) -> None:
        try:
            async for event in self._stream:
                self._events.put(event)
        except RunStopped:
            pass
        except Exception as error:  # noqa: BLE001 - raised again in the thread that iterates
            self._error = error
        finally:
            self._events.put(None)
