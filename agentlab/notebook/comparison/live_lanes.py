"""A comparison on display: one widget while it goes on, a still picture in its place when it is over."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

from agentlab.messages import Event, StopReason
from agentlab.notebook.comparison.comparison_view import ComparisonView
from agentlab.notebook.comparison.lanes import Lanes
from agentlab.notebook.comparison.static_lanes import lanes_mimebundle, lanes_text
from agentlab.notebook.mode import display_mode, is_deterministic
from agentlab.notebook.publishing import print_text, publish, widget_bundle
from agentlab.notebook.run.publisher import Publisher
from agentlab.notebook.run.runs_projection import RunsProjection

__all__ = ["LiveLanes"]


class LiveLanes:
    """A comparison on display. All methods are quick, block on nothing, and may be called from any thread, one at a time.

    Args:
        title: The prompt.
        agents: Label and model of each.
        stop: Called when the reader presses Stop, on any thread, with the number of the lane or None for all; must only
            ask the runs to end.
        decide: Called with the lane, the id of a call and whether its tool may run, when the reader decides; on any thread.
        stops_each: Whether each lane has a Stop button of its own.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        title: str,
        agents: Sequence[tuple[str, str]],
        *,
        stop: Callable[[int | None], None],
        decide: Callable[[int, str, bool], None],
        stops_each: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lanes = Lanes(title, agents, started_at=time.time())
        self._stop = stop
        self._decide = decide
        self._stops_each = stops_each
        self._clock = clock
        self._began = clock()
        self._lock = threading.RLock()
        self._mode = display_mode()
        self._view: ComparisonView | None = None
        self._publisher: Publisher | None = None
        self._display_id = os.urandom(16).hex()
        self._finished = False

    @property
    def is_live(self) -> bool:
        """Whether there is a reader who can press a button."""
        return self._mode == "live"

    def start(self) -> None:
        """Put the view on display."""
        self._began = self._clock()
        if not self.is_live:
            return
        projection = RunsProjection(self.lanes.entries, self.lanes.fields)
        snapshot = {"sequence": 0, "document": projection.document()}
        self._view = ComparisonView(snapshot, stops_each=self._stops_each)
        self._publisher = Publisher(
            projection, self._view, size=lambda: self.lanes.size, clock=self._clock, lock=self._lock
        )
        self._view.listen(on_request=self._publisher.snapshot, on_stop=self._stop, on_decide=self._decide)
        text = f"{self.lanes.title} [{self.lanes.summary}]"
        bundle = widget_bundle(self._view.model_id, text)
        publish(bundle, display_id=self._display_id, widget=self._view)

    def apply(self, index: int, event: Event, at_s: float) -> None:
        """Show one more event of an agent.

        Args:
            index: The number of its lane.
            event: The next event of its run.
            at_s: When it came, in seconds since its run began.
        """
        with self._lock:
            self.lanes.apply(index, event, at_s)
            self._changed()

    def end(self, index: int, stop_reason: StopReason, detail: str | None = None) -> None:
        """The run of one agent is over, where its events did not say so."""
        with self._lock:
            self.lanes.end(index, stop_reason, detail, self._clock() - self._began)
            self._changed()

    def finish(self) -> None:
        """All are over, or nobody waits for them any more: replace the view by a still picture. Twice is once."""
        with self._lock:
            if self._finished:
                return
            self._finished = True
            for index in range(len(self.lanes)):
                self.lanes.end(index, "cancelled", None, self._clock() - self._began)
            if self._publisher is not None and self._view is not None:
                self._publisher.close(with_snapshot=self._view.was_reopened)
        self._leave_picture()

    def _changed(self) -> None:
        if self._publisher is not None:
            self._publisher.changed()

    def _leave_picture(self) -> None:
        deterministic = is_deterministic()
        if self._mode == "print":
            print_text(lanes_text(self.lanes, deterministic=deterministic))
            return
        bundle = lanes_mimebundle(self.lanes, deterministic=deterministic)
        if self._view is None:
            publish(bundle)
            return
        publish(bundle, display_id=self._display_id, update=True)
        if not self._view.was_reopened:
            self._view.close()
