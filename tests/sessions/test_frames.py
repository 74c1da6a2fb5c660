"""The frame of a branch: a row for each part that was said, sums that are right, types that pandas knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from agentlab.http import ManualClock
from agentlab.messages import AssistantMessage, Image, Reasoning, ReasoningText, Text, Usage, UserMessage
from agentlab.sessions import AssistantSaid, Noticed, Session, UserSaid, digest_of
from agentlab.sessions.frames import COLUMNS
from tests.sessions.scripted import MODEL, two_turn_chat


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session.create(tmp_path / "a.sqlite", clock=ManualClock(1.7e9)) as made:
        for batch in two_turn_chat(4):
            made.append(*batch.entries, texts=batch.texts)
        yield made


def test_there_is_a_row_for_each_part_in_the_order_in_which_it_was_said(session: Session) -> None:
    assert list(zip(session.df["role"], session.df["part"], strict=True)) == [
        ("user", "text"),
        ("user", "text"),
        ("assistant", "reasoning"),
        ("assistant", "text"),
        ("assistant", "tool_call"),
        ("assistant", "tool_call"),
        ("tool", "tool_result"),
        ("tool", "tool_result"),
        ("assistant", "text"),
        ("user", "text"),
        ("assistant", "text"),
        ("assistant", "tool_call"),
        ("assistant", "tool_call"),
    ]
    assert session.df["entry_id"].is_monotonic_increasing


def test_columns_and_types_are_the_same_whatever_is_in_it(session: Session, tmp_path: Path) -> None:
    with Session.create(tmp_path / "empty.sqlite") as empty:
        empty.append(Noticed("warning", "nobody spoke"))
        assert len(empty.df) == 0
        assert dict(empty.df.dtypes.astype(str)) == dict(session.df.dtypes.astype(str))
    assert list(session.df.columns) == list(COLUMNS)
    assert str(session.df["at"].dtype) == "datetime64[us, UTC]"
    assert session.df["at"].iloc[0] == pd.Timestamp(1.7e9, unit="s", tz="UTC")


def test_what_belongs_to_a_whole_call_is_summed_once(session: Session) -> None:
    frame = session.df
    usages = [stored.entry.usage for stored in session.entries() if isinstance(stored.entry, AssistantSaid)]
    assert frame["input_tokens"].sum() == sum(usage.input_tokens or 0 for usage in usages if usage)
    assert frame["output_tokens"].sum() == 20
    assert frame["cost_usd"].sum() == pytest.approx(0.001)
    assert frame["tokens"].sum() == sum(stored.tokens for stored in session.entries())
    assert frame.groupby("entry_id")["tokens"].count().eq(1).all()


def test_what_was_not_told_is_missing_and_not_zero(session: Session) -> None:
    cut = session.df[session.df["interrupted"].fillna(value=False)]
    assert len(cut) == 3
    assert cut["input_tokens"].isna().all()
    assert cut["cost_usd"].isna().all()


def test_calls_and_results_meet_by_their_ids(session: Session) -> None:
    frame = session.df
    calls = frame[frame["part"] == "tool_call"].set_index("call_id")
    results = frame[frame["part"] == "tool_result"].set_index("call_id")
    assert list(results.index) == ["call-4-b", "call-4-a"]  # as they came
    assert (
        calls.loc["call-4-a", "arguments"] == results.loc["call-4-a", "arguments"] == '{"pattern": "müller"}'
    )
    assert list(results["tool_name"]) == ["ls", "grep"]
    assert results.loc["call-4-a", "untrusted"]
    assert results.loc["call-4-b", "summary"] == "1 file"
    assert (
        digest_of(session.text_of(results.loc["call-4-a", "full"]) or "") == results.loc["call-4-a", "full"]
    )


def test_reasoning_stands_apart_from_text_under_its_id(session: Session) -> None:
    (thought,) = session.df[session.df["reasoning"].notna()].to_dict("records")
    assert (thought["reasoning"], thought["reasoning_id"], thought["model"]) == (
        "Look first. ",
        "thought-4",
        MODEL,
    )
    assert pd.isna(thought["text"])
    session.append(
        AssistantSaid(AssistantMessage((Reasoning((ReasoningText("Hm."),), id="rs-1"), Text("Yes."))))
    )
    assert session.df.iloc[-2]["reasoning_id"] == "rs-1"  # the provider's, where there is no other


def test_a_picture_and_an_empty_answer_have_rows(session: Session) -> None:
    session.append(
        UserSaid(UserMessage((Image.from_bytes(b"x"),))),
        AssistantSaid(AssistantMessage(), MODEL, Usage(input_tokens=7)),
    )
    picture, empty = session.df.iloc[-2], session.df.iloc[-1]
    assert picture["part"] == "image"
    assert pd.isna(picture["text"])
    assert (empty["part"], empty["text"], empty["input_tokens"]) == ("text", "", 7)


def test_the_frame_is_that_of_the_current_branch(session: Session) -> None:
    first = session.entries()[1].id
    session.branch_at(first)
    assert len(session.df) == 2
    session.switch("main")
    assert len(session.df) == 13
