"""A hard budget: what calls in flight may yet cost is held back before they start.

    spent + reserved <= limit, always

as long as no call costs more than was reserved for it. The books are kept in whole picodollars, so that sums are exact; what is
reserved is rounded up.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Final

from agentlab.errors import BudgetSpent, UsageError
from agentlab.experiments.metering.stop_signal import StopSignal

__all__ = ["Budget", "Reservation"]

_PICO: Final = 10**12


class Reservation:
    """Money held back for one call. Settle it exactly once; settling again does nothing.

    Made by `Budget.reserve`.
    """

    def __init__(self, budget: Budget, held: int) -> None:
        self._budget = budget
        self._held: int | None = held
        self._most = held

    @property
    def usd(self) -> float:
        """US dollars held back; 0 once settled."""
        return (self._held or 0) / _PICO

    @property
    def most_usd(self) -> float:
        """The most it ever held, in US dollars."""
        return self._most / _PICO

    def grow(self, upper_usd: float) -> bool:
        """Hold back more.

        Args:
            upper_usd: What the whole call may cost, as is now known; less than what is held changes nothing.

        Returns:
            Whether the budget has room for it; where not, what was held stays.
        """
        if self._held is None:
            return False
        more = _rounded_up(upper_usd) - self._held
        if more <= 0:
            return True
        if not self._budget.hold(more):
            return False
        self._held += more
        self._most = self._held
        return True

    def settle(self, actual_usd: float) -> None:
        """The call has ended: book what it cost, and let the rest go.

        Args:
            actual_usd: US dollars; 0 for a call that was not billed.
        """
        if self._held is not None:
            held, self._held = self._held, None
            self._budget.book(held, _rounded_up(actual_usd))


class Budget:
    """A limit on what calls may cost in all. Belongs to one event loop.

    Args:
        limit_usd: US dollars.
        spent_usd: Of these, spent before: by an earlier session of the same experiment.

    Raises:
        UsageError: An amount is negative or not finite.
    """

    def __init__(self, limit_usd: float, *, spent_usd: float = 0.0) -> None:
        for name, amount in (("limit_usd", limit_usd), ("spent_usd", spent_usd)):
            if not (math.isfinite(amount) and amount >= 0):
                raise UsageError(f"`{name}` is an amount in US dollars from 0 up, not {amount}")
        self._limit = math.floor(limit_usd * _PICO)
        self._spent = _rounded_up(spent_usd)
        self._reserved = 0
        self._in_flight = 0
        self._waiting: deque[tuple[int, asyncio.Future[Reservation]]] = deque()

    @property
    def limit_usd(self) -> float:
        """US dollars that may be spent."""
        return self._limit / _PICO

    @property
    def spent_usd(self) -> float:
        """US dollars booked; estimates are among them where a call ended without a report of its tokens."""
        return self._spent / _PICO

    @property
    def reserved_usd(self) -> float:
        """US dollars held back for calls in flight."""
        return self._reserved / _PICO

    @property
    def free_usd(self) -> float:
        """US dollars that are neither spent nor held back."""
        return max(0, self._limit - self._spent - self._reserved) / _PICO

    @property
    def in_flight(self) -> int:
        """Reservations not settled."""
        return self._in_flight

    async def reserve(self, upper_usd: float, *, stop: StopSignal | None = None) -> Reservation:
        """Hold back what a call may cost, and wait where calls in flight may yet leave enough.

        First come, first served: a small call does not overtake a large one.

        Args:
            upper_usd: What the call costs at most.
            stop: Ends the wait.

        Raises:
            BudgetSpent: What is left is too little even if the calls in flight cost nothing.
            SweepStopped: `stop` was set.
        """
        amount = _rounded_up(upper_usd)
        future: asyncio.Future[Reservation] = asyncio.get_running_loop().create_future()
        place = (amount, future)
        with (stop or StopSignal()).ends(future):
            self._waiting.append(place)
            try:
                self._serve()
                return await future
            except BaseException:
                if future.done() and not future.cancelled() and future.exception() is None:
                    future.result().settle(0.0)
                elif place in self._waiting:
                    self._waiting.remove(place)
                self._serve()
                raise

    def try_reserve(self, upper_usd: float) -> Reservation | None:
        """Hold back what a call may cost, if there is room now and nobody waits; None else."""
        amount = _rounded_up(upper_usd)
        if any(not future.done() for _, future in self._waiting) or not self.hold(amount):
            return None
        return self._opened(amount)

    def hold(self, amount: int) -> bool:
        """Hold back so many picodollars, if there is room; called by reservations."""
        if self._spent + self._reserved + amount > self._limit:
            return False
        self._reserved += amount
        return True

    def book(self, held: int, actual: int) -> None:
        """Let go of what was held, and book what was spent, in picodollars; called by reservations."""
        self._reserved -= held
        self._spent += actual
        self._in_flight -= 1
        self._serve()

    def _opened(self, amount: int) -> Reservation:
        self._in_flight += 1
        return Reservation(self, amount)

    def _serve(self) -> None:
        """Answer those that wait, in order, up to the first for whom it is worth waiting on."""
        while self._waiting:
            amount, future = self._waiting[0]
            if future.done():
                self._waiting.popleft()
            elif self.hold(amount):
                self._waiting.popleft()
                future.set_result(self._opened(amount))
            elif self._spent + amount > self._limit:
                self._waiting.popleft()
                future.set_exception(self._refusal(amount))
            else:
                return

    def _refusal(self, amount: int) -> BudgetSpent:
        text = (
            f"a model call may cost up to ${amount / _PICO:.4f}, and of the budget of ${self.limit_usd:.2f} "
            f"${self.spent_usd:.4f} is spent; raise `budget_usd`, or lower `max_tokens`"
        )
        return BudgetSpent(text, reason="the budget is spent")

    def __repr__(self) -> str:
        return f"<Budget ${self.spent_usd:.4f} spent, ${self.reserved_usd:.4f} reserved of ${self.limit_usd:.2f}>"


def _rounded_up(usd: float) -> int:
    """US dollars in picodollars.

    Raises:
        UsageError: The amount is negative or unknown.
    """
    if not (math.isfinite(usd) and usd >= 0):
        raise UsageError(f"an amount is a number of US dollars from 0 up, not {usd}")
    return math.ceil(usd * _PICO)
