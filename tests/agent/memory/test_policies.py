"""Every memory sends a valid history, keeps the prompt, does what it said, and does it again the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agentlab.agent import Agent
from agentlab.agent.memory.foresight import memory_plan
from agentlab.agent.memory.policy import Memory
from agentlab.agent.memory.recall import Recall
from agentlab.agent.memory.remembered import exchange_starts, is_summary, leading
from agentlab.agent.memory.summary import Summary
from agentlab.agent.memory.trimming import first_kept
from agentlab.agent.memory.window import NoMemory, TokenWindow, Window, tokens_of
from agentlab.errors import UsageError
from agentlab.messages import Message, SystemMessage, UserMessage, validate
from agentlab.retrieval.lexical import LexicalIndex
from tests.agent.memory.histories import CONVERSATIONS, HISTORIES, PROMPTS, Teller, exchange

MAKERS: dict[str, Callable[[int, int], Memory]] = {
    "none": lambda *_: NoMemory(),
    "window": Window,
    "tokens": lambda limit, keep: TokenWindow(limit * 90, keep * 90),
    "summary": lambda limit, keep: Summary(
        Agent(Teller(lambda _: "what was said")), Window(limit, keep), max_tokens=50
    ),
    "token summary": lambda limit, keep: Summary(
        Agent(Teller(lambda _: "what was said")), TokenWindow(limit * 90, keep * 90)
    ),
    "recall": lambda limit, keep: Recall(LexicalIndex(), recent=Window(limit, keep)),
}
LIMITS = st.integers(1, 5).flatmap(lambda limit: st.tuples(st.just(limit), st.integers(1, limit)))


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(history=HISTORIES | CONVERSATIONS, prompt=PROMPTS, sizes=LIMITS)
def test_any_history_is_sent_valid_with_its_prompt_as_planned_and_twice_the_same(
    kind: str, history: list[Message], prompt: UserMessage, sizes: tuple[int, int]
) -> None:
    memory = MAKERS[kind](*sizes)
    plan = memory_plan(Agent("sim:openai/gpt-5.6"), prompt, history, memory=memory)
    done = asyncio.run(memory.remember(history, prompt))
    view = done.view(history)
    validate([*view, prompt])
    first = leading(history)
    assert view[:first] == tuple(history[:first])
    whole = tuple(history[first + done.dropped :])
    assert view[len(view) - len(whole) :] == whole
    assert plan.dropped_messages == done.dropped
    assert plan.kept_messages == len(history) - done.dropped == len(view) - bool(done.summary)
    assert plan.dropped_tokens == tokens_of(history[first : first + done.dropped])
    assert len(done.recalled) <= plan.most_recalled
    if not done.summary:
        assert plan.tokens == tokens_of(view)
    assert asyncio.run(memory.remember(history, prompt)) == done
    assert memory.foreseen(history).dropped == done.dropped


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "none"])
@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(history=HISTORIES | CONVERSATIONS, prompt=PROMPTS, sizes=LIMITS)
def test_what_was_cut_is_not_cut_again(
    kind: str, history: list[Message], prompt: UserMessage, sizes: tuple[int, int]
) -> None:
    memory = MAKERS[kind](*sizes)
    view = asyncio.run(memory.remember(history, prompt)).view(history)
    again = asyncio.run(memory.remember(view, prompt))
    assert again.view(view) == view


@settings(max_examples=40, deadline=None)
@given(history=CONVERSATIONS, sizes=LIMITS)
def test_a_window_holds_its_limit_and_a_growing_conversation_is_cut_at_exchanges_alone(
    history: list[Message], sizes: tuple[int, int]
) -> None:
    limit, keep = sizes
    for memory, most in ((Window(limit, keep), limit), (TokenWindow(90 * limit, 90 * keep), None)):
        cuts = [0]
        for end in (*exchange_starts(history)[1:], len(history)):
            so_far = history[:end]
            dropped = memory.dropped(so_far)
            assert dropped >= cuts[-1]
            rest = so_far[leading(so_far) + dropped :]
            starts = exchange_starts(rest)
            if dropped:
                assert not rest or starts[0] == 0
            counted = rest[starts[0] :] if starts else []
            assert len(starts) <= most if most is not None else tokens_of(counted) <= 90 * limit
            cuts.append(dropped)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 100), st.data())
def test_a_row_is_cut_as_rarely_as_its_step_allows(sizes: list[int], limit: int, data: st.DataObject) -> None:
    keep = data.draw(st.integers(1, limit))
    starts = [first_kept(sizes[:end], limit, keep) for end in range(len(sizes) + 1)]
    assert starts == sorted(starts)
    for end, start in enumerate(starts):
        assert sum(sizes[start:end]) <= limit
    cuts = [end for end in range(1, len(starts)) if starts[end] > starts[end - 1]]
    for one, other in pairwise(cuts):
        # Between two cuts the row grew from what was kept, or from its newest alone, beyond the limit.
        assert sum(sizes[starts[one] : other]) > limit


def test_windows_of_one_size_are_cut_once_a_step() -> None:
    starts = [first_kept([1] * end, 8, 4) for end in range(30)]
    assert starts[8:15] == [0, 5, 5, 5, 5, 5, 10]
    sliding = [first_kept([1] * end, 8, 8) for end in range(30)]
    assert sliding[8:15] == [0, 1, 2, 3, 4, 5, 6]


def test_an_exchange_larger_than_the_window_is_left_out_and_one_that_fits_is_kept() -> None:
    assert first_kept([10, 200], 100, 50) == 2
    assert first_kept([10, 80], 100, 50) == 0
    assert first_kept([30, 80], 100, 50) == 1


def test_instructions_at_the_start_and_the_exchange_of_a_call_stay_whole() -> None:
    history: list[Message] = [SystemMessage("Be terse."), *exchange(0), *exchange(1, calls=2), *exchange(2)]
    view = Window(2, 2).foreseen(history).view(history)
    assert view == (history[0], *history[3:])


def test_a_summary_stands_for_what_was_left_out_as_one_message() -> None:
    history = [*exchange(0), *exchange(1), *exchange(2)]
    done = asyncio.run(MAKERS["summary"](2, 1).remember(history, UserMessage.of("?")))
    view = done.view(history)
    assert is_summary(view[0])
    assert view[1:] == tuple(exchange(2))
    assert exchange_starts(view) == (1,)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Window(0),
        lambda: Window(4, 5),
        lambda: Window(4, 0),
        lambda: TokenWindow(-1),
        lambda: Recall(LexicalIndex(), 0),
        lambda: Recall(object()),  # type: ignore[arg-type]
        lambda: Agent("sim:openai/gpt-5.6", memory=20),  # type: ignore[arg-type]
        lambda: memory_plan(Agent("sim:openai/gpt-5.6"), "Hi", []),
    ],
)
def test_what_cannot_be_a_memory_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        make()


def test_memories_show_themselves_on_one_line() -> None:
    shown: Sequence[str] = [repr(make(4, 2)) for make in MAKERS.values()]
    assert all("\n" not in each and len(each) < 300 for each in shown)
    assert [make(4, 2).name for make in MAKERS.values()][:3] == [
        "no memory",
        "window of 4 turns",
        "window of 360 tokens",
    ]
