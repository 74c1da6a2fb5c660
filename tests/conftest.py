"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.http.memory_keyring import MemoryKeyring

# The same examples on every run, so that a change and not chance turns a test red; `make gauntlet` draws new ones, ten
# times as many. No deadline: these machines are noisy, and time is measured in `benchmarks/`.
settings.register_profile("steady", max_examples=50, derandomize=True, deadline=None)
settings.register_profile("gauntlet", max_examples=500, deadline=None)
settings.load_profile("gauntlet" if os.environ.get("AGENTLAB_GAUNTLET") == "1" else "steady")

# No test finds the keys that whoever runs it has stored.
os.environ["AGENTLAB_CREDENTIALS"] = "/nonexistent/agentlab/credentials.toml"

# Clients that trust nobody are made at once: reading the machine's authorities takes 35 ms for each. Tests that speak TLS bring
# an authority of their own.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = "/nonexistent/agentlab/certificates"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts a background job so, and every test of an interrupt would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Ten thousand tests and what they import stay until the end: the collector is spared looking at them each time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop of a notebook kernel."""
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def _nothing_is_left_at_all() -> Iterator[None]:
    """Whatever was spared is looked at once more when all else of the session has ended."""
    yield
    gc.unfreeze()
    gc.collect()


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_open() -> Iterator[None]:
    """What a module's tests left open is found here, and not by whichever test the collector happens to run in.

    What is still in use, imports above all, is spared from then on: half a million objects, a quarter of a second each time.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where keys are stored: not there yet, and no variable gives a key or an address in its stead."""
    for name in [name for name in os.environ if name.endswith(("_API_KEY", "_BASE_URL", "_TOKEN"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTLAB_CREDENTIALS", str(tmp_path / "keys.toml"))
    return tmp_path / "keys.toml"


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    """A keyring in memory, in the place of the operating system's."""
    from tests.http.memory_keyring import keyring_in_memory  # noqa: PLC0415 - few tests need the package

    with keyring_in_memory() as made:
        yield made
