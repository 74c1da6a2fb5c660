"""When things happen in one model call."""

from __future__ import annotations

from agentlab.http import Clock
from agentlab.messages import ModelEvent, ReasoningDelta, TextDelta, Timing, ToolCall, ToolCallDelta

__all__ = ["Stopwatch"]


class Stopwatch:
    """Times one model call.

    Args:
        clock: Time.

    Attributes:
        started_at: Unix time of the start.
        first_event_s: Seconds to the first event; None before it.
        first_token_s: Seconds to the first event that says something; None before it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.started_at = 0.0
        self._start = 0.0
        self._waited = 0.0
        self.first_event_s: float | None = None
        self.first_token_s: float | None = None

    def start(self) -> None:
        """Begin."""
        self.started_at = self._clock.time()
        self._start = self._clock.monotonic()

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._start

    async def sleep(self, seconds: float) -> None:
        """Wait, and count it as waiting."""
        before = self._clock.monotonic()
        await self._clock.sleep(seconds)
        self._waited += self._clock.monotonic() - before

    def event(self, event: ModelEvent) -> None:
        """Note an event; only the first ones matter."""
        if self.first_token_s is not None:
            return
        elapsed = self.elapsed()
        if self.first_event_s is None:
            self.first_event_s = elapsed
        if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta | ToolCall):
            self.first_token_s = elapsed

    def timing(self) -> Timing:
        """What was measured so far."""
        return Timing(
            started_at=self.started_at,
            duration_s=self.elapsed(),
            time_to_first_event_s=self.first_event_s,
            time_to_first_token_s=self.first_token_s,
            waited_s=self._waited,
        )
