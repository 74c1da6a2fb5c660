"""A running simulator for each test, checked to leave nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from agentlab.simulator import Simulator, serve


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulator with the default behaviour."""
    with serve() as simulator:
        yield simulator
    assert simulator._thread not in threading.enumerate()
