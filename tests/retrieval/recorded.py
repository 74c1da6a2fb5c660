"""Recorded exchanges of embedding models and rerankers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.recordings import corpus_folder

APIS = frozenset({"openai-embeddings", "gemini-embed", "cohere-embed", "rerank", "cohere-rerank"})


def _lines(path: Path, mark: str) -> Iterator[dict[str, Any]]:
    """Only lines that hold the mark are read as JSON: the recordings are large."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if mark in line)


@cache
def _all() -> tuple[dict[str, Any], ...]:
    found = []
    for path in sorted(corpus_folder().glob("*.jsonl.gz")):
        if path.name.startswith("expected_"):
            continue
        records = [
            record for mark in ("embed", "rerank") for record in _lines(path, mark) if record["api"] in APIS
        ]
        unique = {record["id"]: record for record in records}
        if unique:
            beside = path.with_name(f"expected_{path.name}")
            expected = {entry["id"]: entry for entry in _lines(beside, "n_vectors")}
            found += [{**record, "expected": expected.get(name)} for name, record in unique.items()]
    return tuple(found)


def some_exchanges(*apis: str) -> tuple[dict[str, Any], ...]:
    """All records of these kinds of API, each with what the reference made of it as `expected`.

    Without recordings the test is skipped and says so.
    """
    if not corpus_folder().is_dir():
        pytest.skip(
            f"no recordings: {corpus_folder()} does not exist; name their folder with AGENTLAB_CORPUS"
        )
    return tuple(record for record in _all() if record["api"] in apis)
