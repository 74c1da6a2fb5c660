"""How much of a long test runs: all of it in `make gauntlet`, a sample of it else."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["GAUNTLET", "sample"]

GAUNTLET: Final = os.environ.get("AGENTLAB_GAUNTLET") == "1"


def sample(ordinary: int, whole: int) -> int:
    """The number of cases to take."""
    return whole if GAUNTLET else ordinary
