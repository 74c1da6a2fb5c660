"""Records the sweep that is kept for replay: two models and two preambles on the questions about one document.

    python datasets/making/recorded_sweep.py

Times differ from one recording to the next, so the kept file is made once and not compared.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import agentlab as al
from agentlab.experiments.datasets import documents_of, preambles_of
from agentlab.experiments.store import Store

__all__ = ["recorded_plan"]

_QUESTIONS = 12


def recorded_plan(store: Path) -> al.Plan:
    """The plan that was recorded.

    Args:
        store: The file that answers it.
    """
    questions = al.load_dataset("long_documents").head(_QUESTIONS)
    name = str(questions["cluster_id"].iloc[0])
    documents = [document for document in documents_of("long_documents") if document.id == name]
    preambles = preambles_of()
    return al.sweep(
        al.Agent("sim:openai/gpt-4o", context=documents, max_tokens=200),
        over={
            "model": ["sim:openai/gpt-4o", "sim:openai/gpt-4o-mini"],
            "preamble": {label: preambles[label] for label in ("terse", "cot")},
        },
        data=questions,
        score=al.contains("target"),
        store=store,
        progress=False,
    )


def _main() -> None:
    kept = Path(__file__).parents[1] / "recorded_sweep" / "sweep.agentlab.db"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "sweep.agentlab.db"
        recorded_plan(made).run_sync()
        with Store.open(made) as store:
            store.copy_for_fixture(kept, traces=True)


if __name__ == "__main__":
    _main()
