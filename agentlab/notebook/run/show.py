"""Show a run while it happens, and leave a still picture of it behind.

In a notebook the run is one live widget, replaced by plain HTML and text when it ends: a widget's output is lost when
the notebook is opened without its kernel. `AGENTLAB_DISPLAY=static` shows only that picture, once, without times and
prices, so that a notebook's outputs can be compared. Outside a notebook the text is printed at the end.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable

from agentlab.agent.heartbeat import heartbeat
from agentlab.messages import Event, StopReason
from agentlab.notebook.mode import display_mode, is_deterministic
from agentlab.notebook.publishing import print_text, publish, widget_bundle
from agentlab.notebook.run.projection import Projection
from agentlab.notebook.run.publisher import Publisher
from agentlab.notebook.run.run_view import RunView
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.static_view import mimebundle, static_text

__all__ = ["Live", "show_run"]


class Live:
    """One run on display. All methods are quick, block on nothing, and may be called from any thread, one at a time.

    Args:
        title: What the run is called, usually the prompt.
        stop: Called when the reader presses Stop, on any thread; must only ask the run to end. Without it there is no button.
        decide: Called with the id of a call and whether its tool may run, when the reader decides; on any thread.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        title: str,
        *,
        stop: Callable[[], None] | None = None,
        decide: Callable[[str, bool], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = RunState(title)
        self._stop = stop
        self._decide = decide
        self._clock = clock
        self._began = clock()
        self._lock = threading.RLock()
        self._mode = display_mode()
        self._view: RunView | None = None
        self._publisher: Publisher | None = None
        self._display_id: str | None = None
        self._finished = False

    def start(self) -> None:
        """Put the view on display."""
        self._began = self._clock()
        self.state.started_at = time.time()
        if self._mode != "live":
            return
        projection = Projection(self.state)
        snapshot = {"sequence": 0, "document": projection.document()}
        self._view = RunView(snapshot, can_stop=self._stop is not None, can_decide=self._decide is not None)
        self._publisher = Publisher(
            projection, self._view, size=lambda: self.state.size, clock=self._clock, lock=self._lock
        )
        self._view.listen(
            on_request=self._publisher.snapshot,
            on_stop=self._stop or (lambda: None),
            on_decide=self._decide or (lambda _call_id, _approved: None),
        )
        self._ipython_display_()

    def apply(self, event: Event, at_s: float | None = None) -> None:
        """Show one more event.

        Args:
            event: The next event of the run.
            at_s: When it came, in seconds since the run began; now, where None.
        """
        with self._lock:
            self.state.apply(event, self._clock() - self._began if at_s is None else at_s)
            if self._publisher is not None:
                self._publisher.changed()

    def finish(self, stop_reason: StopReason = "cancelled", detail: str | None = None) -> None:
        """The run is over: replace the view by a still picture. Doing it twice does nothing.

        Args:
            stop_reason: How the run ended, where its events did not say: a run that just stops was cancelled.
            detail: Why, in words.
        """
        with self._lock:
            if self._finished:
                return
            self._finished = True
            self.state.stop(stop_reason, detail, self._clock() - self._began)
            if self._publisher is not None and self._view is not None:
                self._publisher.close(with_snapshot=self._view.was_reopened)
        self._leave_picture()

    def _leave_picture(self) -> None:
        deterministic = is_deterministic()
        if self._mode == "print":
            print_text(static_text(self.state, deterministic=deterministic))
            return
        bundle = mimebundle(self.state, deterministic=deterministic)
        if self._display_id is None:
            publish(bundle)
        else:
            publish(bundle, display_id=self._display_id, update=True)
        if self._view is not None and not self._view.was_reopened:
            self._view.close()

    def _ipython_display_(self) -> None:
        """Display it, once more too: every place it was displayed shows the still picture in the end."""
        if self._view is None or self._finished:
            publish(mimebundle(self.state, deterministic=is_deterministic()))
            return
        if self._display_id is None:
            self._display_id = os.urandom(16).hex()
        bundle = widget_bundle(self._view.model_id, f"{self.state.title} [running]")
        publish(bundle, display_id=self._display_id, widget=self._view)


async def show_run(
    stream: AsyncIterator[Event | tuple[Event, float]],
    *,
    title: str,
    stop: Callable[[], None] | None = None,
) -> RunState:
    """Show a stream of events until it ends.

    A kernel interrupt cancels the caller: the picture is marked as stopped, and the cancellation goes on. Stop in the
    view calls `stop`; the stream should then end by itself. Without `stop` the stream is cancelled, and the call returns
    what there is.

    Args:
        stream: Events, each alone or with its time in seconds since the run began.
        title: What the run is called.
        stop: Asks the run to end; called on any thread.

    Returns:
        The state of the finished run.
    """
    loop = asyncio.get_running_loop()
    stopped = False

    def cancel() -> None:
        nonlocal stopped
        stopped = True
        loop.call_soon_threadsafe(pump.cancel)

    live = Live(title, stop=stop or cancel)
    live.start()
    pump = loop.create_task(_pump(stream, live))
    try:
        async with heartbeat():
            # Waited for and not awaited: whoever is cancelled, this call or the stream, is known apart.
            await asyncio.wait([pump])
    except asyncio.CancelledError:
        await _settled(pump)
        live.finish("cancelled")
        raise
    _finish(live, pump, stopped=stopped)
    return live.state


async def _pump(stream: AsyncIterator[Event | tuple[Event, float]], live: Live) -> None:
    async for item in stream:
        event, at_s = item if isinstance(item, tuple) else (item, None)
        live.apply(event, at_s)


def _finish(live: Live, pump: asyncio.Task[None], *, stopped: bool) -> None:
    """End the display the way the stream ended."""
    error = asyncio.CancelledError() if pump.cancelled() else pump.exception()
    if error is None or (stopped and pump.cancelled()):
        live.finish("stopped" if stopped else "cancelled")
        return
    live.finish(
        "cancelled" if pump.cancelled() else "error",
        None if pump.cancelled() else f"{type(error).__name__}: {error}",
    )
    raise error


async def _settled(task: asyncio.Task[None]) -> None:
    """Let a cancelled task clean up; what it raises is not news any more."""
    task.cancel()
    await asyncio.wait([task], timeout=5)
