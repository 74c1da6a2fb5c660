"""Invented frames of a sweep: three orderings of two models, four turns a run."""

from __future__ import annotations

import numpy as np
import pandas as pd

ORDERINGS = ("static_first", "docs_last", "user_first")
MODELS = ("sim:openai/gpt-5.6", "sim:anthropic/claude-sonnet-5")


def run_frame(*, questions=24, repeats=3, models=MODELS, orderings=ORDERINGS, seed=0) -> pd.DataFrame:
    """`res.df` of a sweep, without the columns that no figure reads."""
    rng = np.random.default_rng(seed)
    shape = (len(models), len(orderings), questions, repeats)
    model, ordering, question, repeat = (index.ravel() for index in np.indices(shape))
    chance = 0.1 + 0.8 * (question % 5) / 5 + 0.15 * (ordering == 1) + 0.05 * (model % 2)
    n = len(model)
    return pd.DataFrame(
        {
            "run_id": [f"run-{place}" for place in range(n)],
            "sample_id": [f"q{each}" for each in question],
            "cluster_id": [f"document {each // 2}" for each in question],
            "repeat": repeat,
            "status": np.where(rng.random(n) < 0.02, "error", "ok"),
            "model": pd.Categorical.from_codes(model, categories=list(models)),
            "ordering": pd.Categorical.from_codes(ordering, categories=list(orderings)),
            "score_exact": (rng.random(n) < chance).astype(float),
            "cost_usd": 0.002 * (1 + model) * (1 + 0.5 * ordering) * rng.lognormal(0, 0.3, n),
            "started_at": pd.to_datetime(
                1_790_000_000 + np.cumsum(rng.exponential(0.4, n)), unit="s", utc=True
            ),
            "duration_s": rng.lognormal(1, 0.4, n),
        }
    )


def turn_frame(runs: pd.DataFrame, *, turns=4, seed=1) -> pd.DataFrame:
    """`res.turns` of it: the prompt grows, and the third ordering breaks its prefix at every turn."""
    rng = np.random.default_rng(seed)
    rows = []
    for run, model, ordering in zip(runs["run_id"], runs["model"], runs["ordering"], strict=True):
        before = 0
        for turn in range(1, turns + 1):
            prompt = 2000 + 700 * turn + int(rng.integers(0, 200))
            expected = {"static_first": before, "docs_last": int(before * 0.7), "user_first": before // 8}[
                ordering
            ]
            read = 0 if rng.random() < 0.15 else expected
            rows.append(
                {
                    "run_id": run,
                    "turn": turn,
                    "model": model,
                    "ordering": ordering,
                    "input_tokens": prompt,
                    "cache_read_input_tokens": read,
                    "cache_write_input_tokens": (prompt - read) // 2,
                    "output_tokens": int(rng.integers(200, 600)),
                    "reasoning_output_tokens": 150,
                    "cache_expected_tokens": expected,
                    "time_to_first_chunk_s": rng.lognormal(-1.2 if read else 0.1, 0.5),
                }
            )
            before = prompt
    frame = pd.DataFrame(rows)
    counts = [name for name in frame if name.endswith("tokens")]
    return frame.astype(dict.fromkeys(counts, "Int64")).astype({"ordering": runs["ordering"].dtype})


def message_frame(*, questions=6) -> pd.DataFrame:
    """`res.messages` of one arm: tools and preamble shared by all, a document by three questions each."""
    rows: dict[str, tuple[str | None, str, int]] = {}
    for question in range(questions):
        chain = [
            ("tools", "tools", 600),
            ("preamble", "preamble", 900),
            (f"document {question // 3}", "documents", 2400),
            (f"question {question}", "prompt", 300),
        ]
        parent = None
        for name, segment, tokens in chain:
            rows.setdefault(name, (parent, segment, tokens))
            parent = name
    return pd.DataFrame(
        {
            "hash": list(rows),
            "parent_hash": pd.Series([parent for parent, _, _ in rows.values()], dtype="str"),
            "role": "user",
            "kind": "message",
            "text": list(rows),
            "tokens": pd.array([tokens for _, _, tokens in rows.values()], dtype="Int64"),
            "segment": [segment for _, segment, _ in rows.values()],
        }
    )


def call_frame(reads: dict[str, list[int | None]]) -> pd.DataFrame:
    """What `prefix_tree` reads of `res.turns`: for the block a prompt ends with, what each call read."""
    ends = [end for end, each in reads.items() for _ in each]
    read = pd.array([tokens for each in reads.values() for tokens in each], dtype="Int64")
    return pd.DataFrame({"prefix_hash": ends, "cache_read_input_tokens": read})
