"""Two branches beside each other: the fork, what each cost since, how the answers differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from agentlab.errors import UsageError
from agentlab.messages import Usage
from agentlab.sessions import Session, compare_branches
from tests.sessions.spoken import answer, call_and_result, prompt


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session.create(tmp_path / "s.sqlite") as made:
        usage = Usage(input_tokens=1000, cache_read_tokens=0, output_tokens=10)
        made.append(prompt("plan"), answer("a plan", usage=usage))
        fork = len(made)
        usage = Usage(input_tokens=2000, cache_read_tokens=1500, output_tokens=20)
        made.append(
            prompt("go"), *call_and_result(), answer("same line\nleft line", usage=usage, cost_usd=0.5)
        )
        made.branch_at(fork, "other")
        usage = Usage(input_tokens=2000, cache_read_tokens=500, output_tokens=30)
        made.append(prompt("go"), answer("same line\nright line", usage=usage, cost_usd=None))
        yield made


def test_entries_are_told_apart_at_the_fork(session: Session) -> None:
    found = compare_branches(session, "main", "other")
    assert found.fork == 3
    assert [stored.id for stored in found.shared] == [1, 2, 3]
    assert [stored.branch for stored in found.left_entries] == [0] * 4
    assert [stored.branch for stored in found.right_entries] == [1] * 3
    assert [*found.shared, *found.left_entries] == session.entries("main")
    assert [*found.shared, *found.right_entries] == session.entries("other")


def test_the_frame_adds_up_each_side_and_leaves_unknown_unknown(session: Session) -> None:
    frame = compare_branches(session, "main", "other").df.set_index("part")
    assert frame["branch"].tolist() == ["", "main", "other"]
    assert frame["input_tokens"].tolist() == [1000, 2000, 2000]
    assert frame["cache_read_tokens"].tolist() == [0, 1500, 500]
    assert frame.loc["left", "cost_usd"] == 0.5
    assert pd.isna(frame.loc["right", "cost_usd"])
    assert frame["unpriced_calls"].tolist() == [0, 1, 1]
    assert frame["cache_read_share"].tolist()[1:] == [0.75, 0.25]
    assert frame["tool_results"].tolist() == [0, 1, 0]


def test_the_answers_differ_line_by_line(session: Session) -> None:
    diff = compare_branches(session, "main").diff.splitlines()
    assert diff[:2] == ["--- main", "+++ other"]
    assert "-left line" in diff
    assert "+right line" in diff
    assert " same line" in diff


def test_the_text_tells_fork_tokens_share_cost_and_diff(session: Session) -> None:
    told = str(compare_branches(session, "main", "other"))
    assert told.startswith("main and other part after entry 3.")
    for word in ("cache-read share", "75%", "25%", "2,000", "+right line", "$0.5"):
        assert word in told


def test_a_branch_is_the_same_as_itself(session: Session) -> None:
    found = compare_branches(session, "other", "other")
    assert found.left_entries == found.right_entries == ()
    assert found.diff == ""
    assert "The answers are the same." in str(found)


def test_a_branch_is_compared_with_the_one_it_left(session: Session) -> None:
    session.branch_at(len(session), "third")
    found = compare_branches(session, "other", "third")
    assert found.left_entries == ()
    assert [stored.kind for stored in found.right_entries] == ["branched"]


def test_a_branch_that_is_not_there_is_named(session: Session) -> None:
    with pytest.raises(UsageError, match="has no branch 'nowhere'"):
        compare_branches(session, "nowhere")
