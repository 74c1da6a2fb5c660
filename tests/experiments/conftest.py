"""A simulator for the tests of sweeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentlab.simulator import Simulator, serve

__all__ = ["sim"]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulator of its own, with room for every request of a test."""
    with serve(log_size=100_000) as running:
        yield running
