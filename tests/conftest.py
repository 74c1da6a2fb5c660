"""Fixtures shared by all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# The same examples on every run, so that a change and not chance turns a test red; `make gauntlet` draws new ones. No
# deadline: these machines are noisy, and time is measured in `benchmarks/`.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("gauntlet", max_examples=500, deadline=None)
settings.load_profile("gauntlet" if os.environ.get("AGENTLAB_GAUNTLET") == "1" else "steady")


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop of a notebook kernel."""
    return "asyncio"
