"""Stores on their real engines, each test with a store of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from agentlab.retrieval.index import VectorStore
from tests.retrieval.stores.engines import NAMES, Engine, engine

__all__ = ["fresh_name", "running", "store"]

_numbers = itertools.count()


@pytest.fixture(scope="session", params=NAMES)
def running(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """One engine, for all tests."""
    with engine(request.param) as found:
        yield found


@pytest.fixture
def fresh_name() -> str:
    """A name nothing is kept under."""
    return f"store_{next(_numbers)}"


@pytest.fixture
async def store(running: Engine, fresh_name: str) -> AsyncIterator[VectorStore]:
    """An empty store."""
    async with running.open(fresh_name) as opened:
        yield opened
