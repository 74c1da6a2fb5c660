"""How a sweep is run: everything that is not what it runs."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from agentlab.errors import UsageError
from agentlab.experiments.plan.cells import CacheMode
from agentlab.http import Clock, SystemClock
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:  # workers read settings too, and pandas would make up half the time they take to start
    from agentlab.experiments.plan.stopping import Stopping

__all__ = ["SweepSettings"]


@dataclass(frozen=True, kw_only=True, repr=False)
class SweepSettings(ShortRepr):
    """How a sweep is run.

    Attributes:
        repeats: Runs of each arm on each sample.
        seed: Source of all chance: order, salts, jitter.
        cache: How caches are prepared: `natural` leaves them alone, `warm` primes each prefix, `controlled` gives each
            arm and repeat a prefix nobody sent before, primes it and checks it, `off` gives every run one.
        store: The file that keeps finished rows; a temporary one where None, which lasts as long as the plan.
        budget_usd: Most that may be spent, in US dollars; what is in flight is reserved.
        allow_unpriced: Whether models without a known price may run in spite of a budget.
        concurrency: Calls in flight at most, over all providers; each provider's share is learnt from its answers.
        rpm: Requests a minute, where a provider's limit is known.
        tpm: Tokens a minute, in the same way.
        executor: Where cells run: None is this process's event loop; any `concurrent.futures.Executor`, a Dask
            `Client`, or `Batch()` for the providers' half-price interfaces.
        stopping: When to end early.
        progress: Whether a bar is shown.
        clock: Time.
    """

    repeats: int = 1
    seed: int = 0
    cache: CacheMode = "natural"
    store: Path | None = None
    budget_usd: float | None = None
    allow_unpriced: bool = False
    concurrency: int = 64
    rpm: float | None = None
    tpm: float | None = None
    executor: Executor | Any = None
    stopping: Stopping | None = None
    progress: bool | Literal["auto"] = "auto"
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise UsageError(f"`repeats` is a number of runs, 1 or more, not {self.repeats!r}")
        if self.concurrency < 1:
            raise UsageError(f"`concurrency` is a number of calls, 1 or more, not {self.concurrency!r}")
        if self.cache not in get_args(CacheMode):
            raise UsageError(f"`cache` is one of {', '.join(get_args(CacheMode))}, not {self.cache!r}")
        if self.budget_usd is not None and not self.budget_usd > 0:
            raise UsageError(f"`budget_usd` is an amount above 0, not {self.budget_usd!r}")
