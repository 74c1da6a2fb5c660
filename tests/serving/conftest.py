"""Fixtures of the servers' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agent.bench import Bench, bench_of


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A simulated provider and agents against it."""
    with bench_of() as made:
        yield made
