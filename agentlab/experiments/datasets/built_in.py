"""The datasets that come with agentlab, and what belongs to them: tools, documents, preambles, a recorded sweep.

They lie in the repository's `datasets/`, each with a card, and in a wheel beside this module.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

import msgspec

from agentlab.errors import UsageError
from agentlab.messages import Document
from agentlab.tools import Tool

__all__ = [
    "card_of",
    "data_file",
    "dataset_names",
    "documents_of",
    "preambles_of",
    "recorded_sweep_path",
    "tools_of",
]

_HERE: Final = Path(__file__).parent / "data"  # in a wheel
_CHECKOUT: Final = Path(__file__).parents[3] / "datasets"
_NAMES: Final = (
    "arithmetic_tools",
    "long_documents",
    "lookup_tools",
    "own_documentation",
    "preamble_variants",
)
_TOOLS: Final = {
    "arithmetic_tools": "agentlab.experiments.datasets.arithmetic",
    "lookup_tools": "agentlab.experiments.datasets.towns",
}
_WITH_DOCUMENTS: Final = ("long_documents", "own_documentation")
_RECORDED: Final = "recorded_sweep"
_STORE: Final = "sweep.agentlab.db"
_MORNING: Final = "Monday, 2 March 2026, 09:00"


def dataset_names() -> tuple[str, ...]:
    """The names `load_dataset` knows."""
    return _NAMES


def data_file(name: str) -> Path:
    """The rows of a built-in dataset, one JSON object a line.

    Args:
        name: One of `dataset_names()`.
    """
    return folder_of(name) / "data.jsonl"


def card_of(name: str) -> str:
    """The card of a built-in dataset, Markdown: where it is from, its licence, its columns, how it is scored.

    Args:
        name: One of `dataset_names()`, or `recorded_sweep`.

    Raises:
        UsageError: No dataset has that name.
    """
    return (folder_of(name) / "card.md").read_text(encoding="utf-8")


def tools_of(name: str) -> tuple[Tool, ...]:
    """The tools that the questions of a dataset are to be answered with.

    They are functions of a module, so an agent with them can be sent to another process.

    Args:
        name: `arithmetic_tools` or `lookup_tools`.

    Raises:
        UsageError: The dataset comes without tools.
    """
    if name not in _TOOLS:
        raise UsageError(
            f"no tools belong to `{name}`; they do to {' and '.join(f'`{each}`' for each in _TOOLS)}"
        )
    tools: tuple[Tool, ...] = import_module(_TOOLS[name]).TOOLS
    return tools


def documents_of(name: str = "long_documents", *clusters: str) -> tuple[Document, ...]:
    """The documents that the questions of a dataset are about.

    Args:
        name: `long_documents` or `own_documentation`.
        *clusters: Only those of these `cluster_id`s, in this order; all, in the order of their ids, where none is named.

    Raises:
        UsageError: The dataset comes without documents, or has none of that id.
    """
    if name not in _WITH_DOCUMENTS:
        raise UsageError(
            f"no documents belong to `{name}`; they do to {' and '.join(f'`{each}`' for each in _WITH_DOCUMENTS)}"
        )
    texts = _texts(folder_of(name))
    for cluster in clusters:
        if cluster not in texts:
            raise UsageError(f"`{name}` has no document `{cluster}`; there are {', '.join(texts)}")
    return tuple(Document.from_text(texts[cluster], id=cluster) for cluster in clusters or texts)


def _texts(folder: Path) -> dict[str, str]:
    """Documents by id: a file each, or a line each where ids differ only in their case."""
    lines = folder / "documents.jsonl"
    if lines.exists():
        rows = map(msgspec.json.decode, lines.read_bytes().splitlines())
        return {row["id"]: row["text"] for row in rows}
    files = sorted((folder / "documents").glob("*.md"))
    return {path.stem: path.read_text(encoding="utf-8") for path in files}


def preambles_of(name: str = "preamble_variants", *, now: str = _MORNING) -> dict[str, str]:
    """System prompts to compare, by name: the levels of an axis `preamble`.

    Args:
        name: `preamble_variants`.
        now: What the variant `with_clock` says the time is. Give it the real time to see what a clock in the preamble
            does to a prompt cache.

    Raises:
        UsageError: The dataset holds no preambles.
    """
    if name != "preamble_variants":
        raise UsageError(f"`{name}` holds no preambles; `preamble_variants` does")
    rows = [msgspec.json.decode(line) for line in data_file(name).read_bytes().splitlines()]
    return {row["sample_id"]: row["input"].replace("{now}", now) for row in rows}


def recorded_sweep_path() -> Path:
    """The store of a recorded sweep, for replays without a provider. Copy it before writing to it.

    Raises:
        UsageError: This installation comes without it.
    """
    path = folder_of(_RECORDED) / _STORE
    if not path.is_file():
        raise UsageError(f"the recorded sweep is not in this installation: there is no `{path}`")
    return path


def folder_of(name: str) -> Path:
    """The folder of a built-in dataset.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in {*_NAMES, _RECORDED}:
        raise UsageError(f"there is no dataset `{name}`; there are {', '.join((*_NAMES, _RECORDED))}")
    home = _HERE if _HERE.is_dir() else _CHECKOUT
    if not (home / name).is_dir():
        raise UsageError(
            f"the datasets of this installation are incomplete: there is no folder `{home / name}`"
        )
    return home / name
