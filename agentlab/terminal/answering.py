"""One answer under way: its run goes on the library's background loop, its events are taken where they are shown."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Final

from agentlab.agent import Run
from agentlab.agent.portal import run_in_background
from agentlab.chat.events import ChatEvent
from agentlab.messages import Event
from agentlab.terminal.sources import AnswerSource

__all__ = ["Answering"]

_BEAT_S: Final = 0.05


class Answering:
    """Gives the events of an answer to the thread that iterates.

    Between events it gives None, some twenty times a second, so that the reader can repaint; a signal's handler or
    another thread may call `stop` and `decide` at any moment.

    Args:
        source: The answer; it begins when this is iterated, if it has not yet.
    """

    def __init__(self, source: AnswerSource) -> None:
        self._source = source
        self._events: queue.SimpleQueue[Event | ChatEvent | None] = queue.SimpleQueue()
        self._error: BaseException | None = None

    @property
    def run(self) -> Run | None:
        """The run, valid at every moment; None before it has begun."""
        return self._source.run

    def stop(self) -> None:
        """End the answer; what has arrived is kept."""
        self._source.stop()

    def decide(self, call_id: str, approved: bool, note: str = "") -> None:
        """Answer `ApprovalAsked`; `note` is what the model is told of a refusal."""
        self._source.decide(call_id, approved, note)

    def __iter__(self) -> Iterator[Event | ChatEvent | None]:
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
            async for event in self._source.events():
                self._events.put(event)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that iterates
            self._error = error
        finally:
            self._events.put(None)
