"""The recordings, read once; absent recordings skip with the reason, or fail where nothing may be missing."""

from __future__ import annotations

import os
from functools import cache

import pytest

from tests.corpus.recordings import Recording, corpus_folder, recordings

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"


@cache
def _all() -> tuple[Recording, ...]:
    return tuple(recordings())


@pytest.fixture(scope="session")
def corpus() -> tuple[Recording, ...]:
    """Every record of our wires with an expected result."""
    folder = corpus_folder()
    if not folder.is_dir():
        pytest.skip(f"no recordings: {folder} does not exist; name their folder with AGENTLAB_CORPUS")
    found = _all()
    if not found:
        pytest.skip(f"no recordings of our wires in {folder}")
    return found


@pytest.fixture(scope="session")
def streams(corpus: tuple[Recording, ...]) -> tuple[Recording, ...]:
    """The streamed, successful ones."""
    return tuple(each for each in corpus if each.streaming and each.record["status"] < 400 and each.body)
