"""Fixtures of the agent's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agent.bench import VENDORS, Bench, bench_of


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A simulated provider and agents against it."""
    with bench_of() as made:
        yield made


@pytest.fixture(params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> str:
    """Each of the five wires in turn."""
    name: str = request.param
    return name


@pytest.fixture(params=[True, False], ids=["streamed", "unary"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Streamed and unary answers in turn."""
    asked: bool = request.param
    return asked
