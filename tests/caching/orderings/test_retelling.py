"""A recorded conversation told again in another order is the one an agent with that ordering would have had."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec import structs

from agentlab.caching import orderings, workloads
from agentlab.caching.orderings.ordering import Ordering
from agentlab.caching.orderings.retelling import retold
from agentlab.messages import Request, UserMessage

SIZES = workloads.Sizes(system=50, tools=2, tool=10, documents=30, few_shots=1, retrieved=20, result=20)
ONLY_APPENDS = ["stable_first", "query_first", "recency_edges"]


def conversation() -> list[Request]:
    calls = workloads.chat(prompts=3, calls=3, sizes=SIZES)
    return [call.request for call in calls if call.request is not None]


def begins_with(later: Request, earlier: Request) -> bool:
    head = (earlier.tools, earlier.preamble, earlier.context)
    return (later.tools, later.preamble, later.context) == head and (
        later.messages[: len(earlier.messages)] == earlier.messages
    )


@pytest.mark.parametrize("name", ONLY_APPENDS)
def test_an_ordering_with_facts_at_the_prompt_only_appends(name: str) -> None:
    told = list(retold(conversation(), orderings.PRESETS[name]))
    assert all(begins_with(after, before) for before, after in pairwise(told))


def test_a_clock_in_the_system_prompt_is_another_prefix_in_every_call() -> None:
    told = list(retold(conversation(), orderings.volatile_first))
    assert len({request.preamble for request in told}) == len(told) == 9


def test_history_is_laid_out_anew() -> None:
    last = list(retold(conversation(), orderings.volatile_first))[-1]
    texts = [message.text for message in last.messages if isinstance(message, UserMessage)]
    assert not any("The time is minute" in text for text in texts)
    last = list(retold(conversation(), orderings.query_first))[-1]
    prompts = [m.text for m in last.messages if isinstance(m, UserMessage) and "The time is minute" in m.text]
    assert len(prompts) == 3
    assert all(text.index("found_") < text.index("The time") for text in prompts)


def test_facts_that_stand_elsewhere_are_told_as_they_were() -> None:
    front = Ordering(
        "front", ("tools", "preamble", "documents", "volatile", "few_shots", "history", "retrieved", "prompt")
    )
    told = list(retold(conversation(), front))
    assert [request.messages[0].text for request in told if isinstance(request.messages[0], UserMessage)] == [
        f"The time is minute {minute} of the session." for minute in range(9)
    ]


def test_without_an_ordering_each_request_keeps_its_own() -> None:
    requests = [structs.replace(each, ordering=orderings.query_first.parts) for each in conversation()]
    assert list(retold(requests, None)) == list(retold(requests, orderings.query_first))
    assert list(retold(conversation(), None)) == list(retold(conversation(), orderings.stable_first))
