"""`long_documents`: four long documents about invented things, and questions with one right answer each."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from making.subjects import harbour, museum, observatory, trails
from making.writing import Written

__all__ = ["documents", "rows"]

_QUESTIONS: Final = 15
_SUBJECTS: Final[dict[str, Callable[[Random], Written]]] = {
    "harbour_report": harbour,
    "museum_catalogue": museum,
    "observatory_handbook": observatory,
    "trail_guide": trails,
}


def documents() -> dict[str, str]:
    """The documents, Markdown, by id."""
    return {name: _written(name).text for name in _SUBJECTS}


def rows() -> list[dict[str, Any]]:
    """The questions; those on one document are a cluster."""
    made: list[dict[str, Any]] = []
    for name in _SUBJECTS:
        asked = Random(f"questions/{name}").sample(_written(name).questions, _QUESTIONS)
        made += [
            {
                "sample_id": f"{name}-{number}",
                "input": question,
                "target": target,
                "cluster_id": name,
                "kind": kind,
            }
            for number, (question, target, kind) in enumerate(asked, 1)
        ]
    return made


def _written(name: str) -> Written:
    return _SUBJECTS[name](Random(f"documents/{name}"))
