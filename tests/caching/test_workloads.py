"""Made conversations have the sizes asked for, are the same every time, and are kept as an agent keeps them."""

from __future__ import annotations

import pytest

from agentlab.agent import Agent
from agentlab.caching import workloads
from agentlab.caching.calls import RecordedCall, calls_of
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.orderings.retelling import retold
from agentlab.caching.tokens import estimate_tokens
from agentlab.errors import UsageError
from agentlab.messages import Message, Request, UserMessage, validate


def requests(calls: tuple[RecordedCall, ...]) -> list[Request]:
    return [call.request for call in calls if call.request is not None]


@pytest.mark.parametrize("tokens", [1, 10, 1000])
def test_texts_have_their_length(tokens: int) -> None:
    assert estimate_tokens(workloads.text_of(tokens, "seed")) == tokens


def test_texts_of_other_seeds_part_early() -> None:
    starts = {workloads.text_of(50, seed)[:40] for seed in range(100)}
    assert len(starts) == 100


def test_an_agent_loop_has_its_calls_times_and_sizes() -> None:
    calls = workloads.agent_loop(system_tokens=2000, calls=4, gap_s=7, parallel_calls=3)
    assert [call.at - calls[0].at for call in calls] == [0, 7, 14, 21]
    assert [len(request.messages) for request in requests(calls)] == [1, 3, 5, 7]
    assert estimate_tokens(requests(calls)[0].preamble or "") == 2000
    assert [
        message.tool_results for message in requests(calls)[-1].messages if isinstance(message, UserMessage)
    ][1].__len__() == 3
    assert calls == workloads.agent_loop(system_tokens=2000, calls=4, gap_s=7, parallel_calls=3)
    assert calls != workloads.agent_loop(system_tokens=2000, calls=4, gap_s=7, parallel_calls=3, seed=1)


@pytest.mark.parametrize("prompts", [1, 3])
def test_histories_can_be_sent_and_only_grow(prompts: int) -> None:
    sizes = workloads.Sizes(system=20, tools=2, tool=5, documents=10, few_shots=2, retrieved=10, result=10)
    sent: tuple[Message, ...] = ()
    for request in retold(
        requests(workloads.chat(prompts=prompts, calls=3, parallel_calls=2, sizes=sizes)), None
    ):
        validate(request.messages)
        assert request.messages[: len(sent)] == sent
        sent = request.messages


def test_a_fan_out_shares_the_system_prompt_only() -> None:
    calls = workloads.fan_out(branches=3, system_tokens=50, warm_first=True)
    assert [call.at - calls[0].at for call in calls] == [0, 2, 2]
    assert len({request.preamble for request in requests(calls)}) == 1
    assert len({arrange(request).messages for request in requests(calls)}) == 3
    assert {call.at for call in workloads.fan_out(branches=3)} == {workloads.START}


def test_calls_are_taken_from_traces_and_lists_and_nothing_else() -> None:
    calls = workloads.agent_loop(calls=2)
    assert calls_of(calls) == calls == calls_of(list(calls))
    for wrong in ("a text", [Agent], 3):
        with pytest.raises(UsageError, match="a trace, or a list of `RecordedCall`"):
            calls_of(wrong)  # type: ignore[arg-type]
