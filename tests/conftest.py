"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same examples on every run, so that a change and not chance turns a test red; `make gauntlet` draws new ones. No
# deadline: these machines are noisy, and time is measured in `benchmarks/`.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("gauntlet", max_examples=500, deadline=None)
settings.load_profile("gauntlet" if os.environ.get("AGENTLAB_GAUNTLET") == "1" else "steady")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts a background job so, and every test of an interrupt would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop of a notebook kernel."""
    return "asyncio"


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_open() -> Iterator[None]:
    """What a module's tests left open is found here, and not by whichever test the collector happens to run in."""
    yield
    gc.collect()
