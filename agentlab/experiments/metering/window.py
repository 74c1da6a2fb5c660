"""How many requests a provider takes at once, learnt from its answers: additive increase, multiplicative decrease.

The window is TCP's: it doubles every round trip until the provider first refuses (slow start), then grows by half a
request a round trip and shrinks by a fifth when it refuses. A window below one request spaces requests out. A round trip
is the time to the first event, not to the end of the answer: that is when a request is known to have been let in. Pure:
the time is an argument, nothing waits.

Sources: RFC 5681 (slow start, once a round trip), RFC 9002 7.7 (pacing); measured at a limit of 150 requests a second.
"""

from __future__ import annotations

from random import Random
from typing import Final

__all__ = ["AdaptiveWindow"]

_START: Final = 8.0
_DECREASE: Final = 0.8
_STEP: Final = 0.5  # requests more in a round trip; four processes then have 7 % refused, with TCP's one 11 %
_GROWTH: Final = 0.05  # of the window in a round trip, where that is more than one
_UNASKED_S: Final = 0.1  # a provider that names no wait is left alone for about so long
_JITTER: Final = 0.1  # of a wait, so that several processes do not come back at once
_SMOOTHING: Final = 0.125  # RFC 6298: weight of a new round trip
_LONGEST_GAP_S: Final = 1.0
_SLOW_START_PACE: Final = 2.0
_PACE: Final = 1.25  # RFC 9002: starts may run this much ahead of one window a round trip


class AdaptiveWindow:
    """Decides whether one more request may start.

    Args:
        most: Requests in flight at most.
        start: Requests in flight to begin with.
        rng: Source of the jitter.

    Attributes:
        size: The window; requests in flight stay below it.
        opens_at: No request starts before this moment.
        in_flight: Requests that started and have not ended.
    """

    def __init__(self, *, most: int, start: float = _START, rng: Random) -> None:
        self._most = float(most)
        self._rng = rng
        self._slow_start = True
        self._shrunk_at = float("-inf")
        self._last_start = float("-inf")
        self._round_trip: float | None = None
        self._held: float | None = None
        self.size = min(start, self._most)
        self.opens_at = float("-inf")
        self.in_flight = 0

    def wait_s(self, now: float) -> float | None:
        """Seconds until a request may start; 0 for at once, None where one must end first."""
        return None if self.in_flight >= max(1, int(self.size)) else self.gate_s(now)

    def gate_s(self, now: float) -> float:
        """Seconds until a request that is in flight already may be sent again."""
        return max(0.0, self.opens_at - now, self._last_start + self._gap() - now)

    def started(self, now: float) -> None:
        """A request has started."""
        self.in_flight += 1
        self._last_start = now

    def sent_again(self, now: float) -> None:
        """A request in flight was sent again."""
        self._last_start = now

    def ended(self, held_s: float | None = None) -> None:
        """A request has ended, however.

        Args:
            held_s: How long it was in flight, where it was answered.
        """
        self.in_flight -= 1
        if held_s is not None:
            self._held = _smoothed(self._held, held_s)

    def admitted(self, started_at: float, now: float) -> None:
        """The first event of an answer has come: the provider let the request in.

        Args:
            started_at: When the request started.
            now: The time.
        """
        self._round_trip = _smoothed(self._round_trip, now - started_at)
        if self.in_flight * 2 < int(self.size):
            return  # a window nobody fills says nothing about the provider
        if self._slow_start:
            grown = self.size + 1.0
        elif self.size < 1.0:
            grown = self.size * (1.0 + _GROWTH)
        else:
            grown = self.size + max(_STEP / self.size, _GROWTH)
        self.size = min(grown, self._most)

    def throttled(self, started_at: float, now: float, asked_s: float | None) -> None:
        """The provider refused a request for its rate, or is overloaded.

        Args:
            started_at: When the request started; refusals of requests from before the last decrease are one refusal.
            now: The time.
            asked_s: Seconds it asked to wait.
        """
        wait = _UNASKED_S if asked_s is None else asked_s
        self.opens_at = max(self.opens_at, now + wait * (1.0 + self._rng.uniform(0.0, _JITTER)))
        if started_at <= self._shrunk_at or self.in_flight > self.size + 1.0:
            return  # the last decrease has not taken effect yet
        # In slow start the window has doubled since the last round trip that was let in whole.
        self.size = max(self._least(), self.size * (0.5 if self._slow_start else _DECREASE))
        self._slow_start = False
        self._shrunk_at = now

    def _least(self) -> float:
        """The smallest window: one request, or what spaces quick ones out by the longest gap."""
        return 1.0 if self._held is None else min(1.0, self._held / _PACE / _LONGEST_GAP_S)

    def _gap(self) -> float:
        """Seconds between two starts: what keeps the window full, and spreads it evenly."""
        turnover, pace = (self._round_trip, _SLOW_START_PACE) if self._slow_start else (self._held, _PACE)
        return 0.0 if turnover is None else min(_LONGEST_GAP_S, turnover / self.size / pace)


def _smoothed(known: float | None, value: float) -> float:
    return value if known is None else known + _SMOOTHING * (value - known)
