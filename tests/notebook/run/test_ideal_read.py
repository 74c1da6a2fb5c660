"""What a turn could have read from the cache."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import AssistantMessage, TurnFinished, Usage
from agentlab.notebook.run.ideal_read import ideal_read
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.turn import TurnView
from agentlab.notebook.safety.pictures import Album
from tests.notebook.event_sequences import USAGES
from tests.notebook.synthetic import tool_run


def turn(input_tokens: int | None, read: int | None = 0, model: str = "openai:gpt-4o") -> TurnView:
    view = TurnView(1, model, 0)
    usage = Usage(input_tokens=input_tokens, cache_read_tokens=read)
    view.finish(TurnFinished(AssistantMessage.of("x"), usage), 1, Album())
    return view


def test_it_is_the_prompt_of_the_turn_before_in_whole_intervals_of_the_provider() -> None:
    assert ideal_read(turn(5_000), turn(5_200)) == 4_992  # 39 intervals of 128
    assert ideal_read(turn(5_000, model="sim:openai/gpt-4o"), turn(5_200, model="sim:openai/gpt-4o")) == 4_992


def test_it_is_never_more_than_the_prompt_itself() -> None:
    assert ideal_read(turn(5_000), turn(2_000)) == 1_920


def test_a_provider_that_read_more_than_the_rule_says_is_believed() -> None:
    assert ideal_read(turn(5_000), turn(5_200, read=5_120)) == 5_120


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (None, turn(5_000)),
        (turn(None), turn(5_000)),
        (turn(5_000), turn(None)),
        (turn(5_000), turn(5_200, read=None)),
        (turn(5_000, model="openai:gpt-4o-mini"), turn(5_200)),
        (turn(900), turn(1_500)),
        (TurnView(1, "openai:gpt-4o", 0), turn(5_000)),
        (turn(5_000), TurnView(2, "openai:gpt-4o", 0)),
    ],
    ids=["first turn", "unreported", "unreported now", "reads unreported", "other model", "too short", "open", "running"],
)  # fmt: skip
def test_where_it_cannot_be_known_there_is_none(before: TurnView | None, now: TurnView) -> None:
    assert ideal_read(before, now) is None


@given(
    USAGES, USAGES, st.sampled_from(["openai:gpt-4o", "anthropic:claude-sonnet-5", "groq:x", "nobody:x", ""])
)
def test_it_is_none_or_between_what_was_read_and_the_whole(before: Usage, now: Usage, model: str) -> None:
    turns = [TurnView(number, model, 0) for number in (1, 2)]
    for view, usage in zip(turns, (before, now), strict=True):
        view.finish(TurnFinished(AssistantMessage.of("x"), usage), 1, Album())
    found = ideal_read(*turns)
    if found is not None:
        assert now.cache_read_tokens is not None
        assert now.input_tokens is not None
        assert now.cache_read_tokens <= found <= max(now.input_tokens, now.cache_read_tokens)


def test_a_run_gives_it_by_turn() -> None:
    state = RunState()
    for event in tool_run():
        state.apply(event)
    assert state.ideal_read_tokens(0) is None
    assert state.ideal_read_tokens(1) == 1_498  # 1,500 but for the two tokens past the last block
