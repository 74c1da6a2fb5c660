"""Which index finds the answer: lexical, dense and both, on the project's own questions and on 295 of two public FAQs.

    .venv/bin/python -m benchmarks.retrieval_quality --minilm FOLDER --faq FOLDER --write benchmarks/results/retrieval_quality.csv

`--minilm` is a folder of all-MiniLM-L6-v2 (its hashes are checked), `--faq` one in which two packages of Debian are unpacked
(`faq_questions.py` says which). Embedding takes some ten minutes on one core. Written is, for every question and method, at
which rank its answer stood: from that the notebook makes its tables, with intervals.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from agentlab.experiments.datasets.built_in import documents_of as parts_of
from agentlab.experiments.datasets.loading import load_dataset
from agentlab.messages import TextSource
from agentlab.retrieval import VectorStoreIndex
from agentlab.retrieval.documents import Document
from agentlab.retrieval.embeddings import EmbeddingsBuilder
from agentlab.retrieval.embeddings.minilm import MiniLM
from agentlab.retrieval.fusion import HybridIndex
from agentlab.retrieval.lexical import LexicalIndex
from agentlab.retrieval.stores.memory import InMemoryVectorStore
from benchmarks.faq_questions import documents_of, questions_of

DEEPEST = 50


async def indexes_over(documents: Sequence[Document], minilm: MiniLM | None) -> dict[str, VectorStoreIndex]:
    """Every index over the same documents, by the name of the method."""
    lexical, stemmed = LexicalIndex(), LexicalIndex(stem=True)
    await lexical.insert(documents)
    await stemmed.insert(documents)
    found: dict[str, VectorStoreIndex] = {"BM25": lexical, "BM25, stemmed": stemmed}
    if minilm is None:
        return found
    dense = InMemoryVectorStore(embedding_model=minilm)
    building: EmbeddingsBuilder[Document] = EmbeddingsBuilder(minilm)
    embedded = await building.documents(documents).build()
    await dense.insert(embedded.for_store())
    return found | {
        "hybrid, equal": HybridIndex([dense, stemmed]),
        "hybrid, 4 to 1": HybridIndex([dense, stemmed], weights=[4, 1]),
        "MiniLM": dense,
    }


async def ranks(
    name: str, documents: Sequence[Document], asked: Sequence[tuple[str, set[str]]], minilm: MiniLM | None
) -> pd.DataFrame:
    """For every question and method the rank of the first right document, from 1; none within 50 is missing."""
    began = time.process_time()
    indexes = await indexes_over(documents, minilm)
    print(
        f"{name}: {len(documents)} documents indexed in {time.process_time() - began:.0f} s of processor time"
    )
    rows = []
    for method, index in indexes.items():
        for number, (text, right) in enumerate(asked):
            order = [id_ for _, id_ in await index.top_n_ids(text, DEEPEST)]
            rank = next((place for place, id_ in enumerate(order, 1) if id_ in right), None)
            rows.append({"questions": name, "method": method, "question": number, "rank": rank})
    return pd.DataFrame(rows).astype({"rank": "Int64"})


async def measured(minilm: MiniLM | None, faq: Path | None) -> pd.DataFrame:
    """The ranks of all sets."""
    own = [
        Document(part.id or "", part.source.text)
        for part in parts_of("own_documentation")
        if isinstance(part.source, TextSource)
    ]
    asked = [(str(row.input), {str(row.target)}) for row in load_dataset("own_documentation").itertuples()]
    frames = [await ranks("agentlab", own, asked, minilm)]
    if faq is not None:
        questions = questions_of(faq)
        documents, right = documents_of(faq, questions)
        texts = [question.text for question in questions]
        frames.append(await ranks("FAQs", documents, list(zip(texts, right, strict=True)), minilm))
    return pd.concat(frames, ignore_index=True)


def recall(ranks: pd.Series[int], at: int) -> float:
    """How many of the questions have their document among the first."""
    return float((ranks <= at).fillna(value=False).mean())


def main() -> None:
    """Measure, print recall at 1 and 5, write the ranks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minilm", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--faq", type=Path, help="folder with Debian's packages unpacked")
    parser.add_argument("--write", type=Path, help="CSV file for the ranks")
    given = parser.parse_args()
    minilm = MiniLM.from_folder(given.minilm) if given.minilm else None
    found = asyncio.run(measured(minilm, given.faq))
    if given.write:
        found.to_csv(given.write, index=False)
    groups = found.groupby(["questions", "method"], sort=False)["rank"]
    print(pd.DataFrame({f"recall@{n}": groups.apply(partial(recall, at=n)) for n in (1, 5)}).round(3))


if __name__ == "__main__":
    main()
