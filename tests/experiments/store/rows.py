"""Rows to store: one by hand, any by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from agentlab.experiments.rows import MessageRow, RunRow, ScoreRow, TurnRow
from agentlab.experiments.store import CellKey, KeyPart
from agentlab.experiments.store.canonical import digest

PREAMBLE = KeyPart.of("You are terse.", "preamble")
LEVELS = {"model": "sim:openai/gpt-5.6", "ordering": "docs_last"}


def key_of(sample: int, /, **parts: Any) -> CellKey:
    """The key of a cell; other parts change it."""
    return CellKey.of({"preamble": PREAMBLE, "sample": f"question {sample}", "repeat": 0, **parts})


def run_of(sample: int, /, *, key: CellKey | None = None, **changes: Any) -> RunRow:
    """A finished run of three calls; the first two of its messages are shared with every other."""
    said = [("d", None, "documents"), ("p", "d", "preamble"), (f"q{sample}", "p", "prompt")]
    values: dict[str, Any] = {
        "cell_key": (key or key_of(sample)).digest,
        "run_id": f"run-{sample}",
        "levels": LEVELS,
        "sample_id": str(sample),
        "cluster_id": str(sample // 5),
        "repeat": 0,
        "output": f"answer {sample}",
        "target": {"number": sample},
        "turns": tuple(
            TurnRow(
                turn=turn,
                provider_name="openai",
                request_model="gpt-5.6",
                input_tokens=100 * turn,
                output_tokens=7,
                cost_usd=0.25,
                tool_names=("add",),
            )
            for turn in (1, 2, 3)
        ),
        "scores": (ScoreRow(scorer="exact", value=1.0, reason="equal"),),
        "messages": tuple(
            MessageRow(
                hash=own,
                parent_hash=parent,
                role="user",
                kind="message",
                text="x" * 50,
                tokens=9,
                segment=part,
            )
            for own, parent, part in said
        ),
    }
    return RunRow(**{**values, **changes})


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.none() | st.integers(0, 2**53)
AMOUNTS = st.none() | st.floats(0, 1e6)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TURNS = st.lists(
    st.builds(
        TurnRow,
        turn=st.just(1),
        provider_name=TEXTS,
        request_model=TEXTS,
        finish_reason=st.none() | TEXTS,
        tool_names=st.lists(TEXTS, max_size=2).map(tuple),
        input_tokens=NUMBERS,
        cache_read_input_tokens=NUMBERS,
        cost_usd=AMOUNTS,
        n_429=st.integers(0, 9),
    ),
    max_size=3,
).map(tuple)
SCORES = st.lists(
    st.builds(
        ScoreRow,
        scorer=TEXTS,
        value=AMOUNTS,
        reason=st.none() | TEXTS,
        error=st.none() | TEXTS,
        cost_usd=AMOUNTS,
    ),
    max_size=3,
    unique_by=lambda score: score.scorer,
).map(tuple)
MESSAGES = st.lists(
    st.builds(
        # What a message says is what its hash is of, in the rows of a sweep too.
        lambda text, parent, tokens, part: MessageRow(
            hash=digest(f"{parent}>{text}"),
            parent_hash=parent,
            role="user",
            kind="message",
            text=text,
            tokens=tokens,
            segment=part,
        ),
        TEXTS,
        st.none() | TEXTS,
        st.integers(0, 2**40),
        TEXTS,
    ),
    max_size=4,
).map(tuple)
RUNS = st.builds(
    RunRow,
    cell_key=st.text("0123456789abcdef", min_size=1, max_size=4),
    run_id=TEXTS,
    levels=st.dictionaries(TEXTS, TEXTS, max_size=3),
    sample_id=TEXTS,
    cluster_id=TEXTS,
    repeat=st.integers(0, 99),
    seed=st.integers(-(2**63), 2**63 - 1),
    status=st.sampled_from(["ok", "limit"]),
    output=TEXTS,
    target=JSON,
    cache_contaminated=st.booleans(),
    turns=TURNS,
    scores=SCORES,
    messages=MESSAGES,
)
