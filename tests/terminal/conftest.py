"""A simulated provider for the chats in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentlab.simulator import Simulator, serve


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A provider of the test's own."""
    with serve() as simulator:
        yield simulator
