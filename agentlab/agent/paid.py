"""What a run cost, as far as that can be known."""

from __future__ import annotations

from agentlab.agent.run import Run
from agentlab.errors import ModelError

__all__ = ["paid_usd"]


def paid_usd(run: Run, error: Exception | None) -> float | None:
    """What the model calls of a run cost, in US dollars; None where that is not known.

    A call that the provider answered with an error status is free. Of one that broke off nobody knows.

    Args:
        run: The run, finished or not.
        error: What ended it, if something did.
    """
    broke = isinstance(error, ModelError) and error.status is None
    if run.records:
        return None if broke else run.cost_usd
    return None if error is None or broke else 0.0
