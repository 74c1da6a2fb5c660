"""A desk for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.desk import Desk, desk_of


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A simulated model, files in memory, sessions in a folder of the test."""
    with desk_of(tmp_path) as made:
        yield made
