"""Replies: built from plain values, cut at the token limit, accounted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching import CacheOutcome, Prompt, estimate_tokens
from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, Reasoning, Text, ToolCall, ToolResult, Usage, UserMessage
from agentlab.simulator import Reply, SimRequest, call, reply
from agentlab.simulator.cache import Accounts, output_usage
from agentlab.simulator.dialects.base import Ids, chunks, open_calls
from agentlab.simulator.exchange import limited


def request(**fields: Any) -> SimRequest:
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    return SimRequest(**{"vendor": "v", "wire": "openai_chat", "model": "m", "json": body, **fields})


def test_parts_stand_in_the_order_models_give_them() -> None:
    built = reply("text", reasoning="why", calls=[call("f", x=1)])
    assert [type(part) for part in built.content] == [Reasoning, Text, ToolCall]


def test_the_finish_reason_follows_from_the_parts_unless_given() -> None:
    assert reply("x").reason == "stop"
    assert reply(calls=[call("f")]).reason == "tool_calls"
    assert reply("x", finish_reason="content_filter").reason == "content_filter"


def test_an_argument_may_be_called_anything() -> None:
    assert call("f", name="x", self="y", _tool="z").arguments == {"name": "x", "self": "y", "_tool": "z"}


def test_a_chunk_holds_at_least_one_token() -> None:
    with pytest.raises(UsageError):
        reply("x", chunk_tokens=0)


@given(st.text(), st.integers(1, 5))
def test_chunks_joined_are_the_text(text: str, size: int) -> None:
    assert "".join(chunks(text, size)) == text


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 40))
def test_a_limit_is_kept_and_what_fits_is_left_alone(reasoning: str, text: str, limit: int) -> None:
    whole = reply(text, reasoning=reasoning)
    cut = limited(whole, limit)
    tokens = estimate_tokens(text) + estimate_tokens(reasoning)
    if tokens <= limit:
        assert cut == whole
    else:
        assert cut.reason == "length"
        assert (output_usage(cut.content).output_tokens or 0) <= limit
        assert text.startswith(AssistantMessage(cut.content).text)


def test_a_call_is_cut_in_mid_arguments() -> None:
    cut = limited(reply(calls=[call("f", text="a b c d")]), 4)
    assert cut.calls[0].arguments_json == '{"text":"a'
    assert cut.reason == "length"


def test_no_limit_and_a_reason_of_its_own_leave_a_reply_alone() -> None:
    said = reply("one two three")
    assert limited(said, None) is said
    ended = reply("one two three", finish_reason="stop")
    assert limited(ended, 1) is ended


def test_usage_the_reply_gives_wins_over_what_is_accounted() -> None:
    usage = Accounts().account(request(), reply("a b", usage=Usage(cache_read_tokens=7)), 0.0)
    assert usage.cache_read_tokens == 7
    assert usage.output_tokens == 2
    assert usage.input_tokens == 5


def test_reasoning_is_part_of_the_output() -> None:
    usage = output_usage(reply("one two", reasoning="three").content)
    assert (usage.output_tokens, usage.reasoning_tokens) == (3, 1)


def test_a_policy_is_made_once_for_each_vendor_and_sees_the_time_and_the_body() -> None:
    made: list[str] = []
    seen: list[tuple[float, Any]] = []

    class Policy:
        def account(self, prompt: Prompt, now: float) -> CacheOutcome:
            seen.append((now, prompt.body))
            return CacheOutcome(10, 4, 6, {"5m": 6, "1h": 0})

    def policy(first: SimRequest) -> Policy:
        made.append(first.vendor)
        return Policy()

    accounts = Accounts(policy)
    for vendor, now in (("a", 1.0), ("a", 2.0), ("b", 3.0)):
        usage = accounts.account(request(vendor=vendor), reply("x"), now)
    assert made == ["a", "b"]
    assert [now for now, _ in seen] == [1.0, 2.0, 3.0]
    assert seen[0][1] == request().json
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_5m_tokens) == (10, 4, 6)


def test_only_marked_prompts_are_cached_on_the_anthropic_wire() -> None:
    marked = [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]
    accounts = Accounts()

    def usage(**body: Any) -> Usage:
        body = {"messages": [{"role": "user", "content": "Hello"}], **body}
        return accounts.account(request(wire="anthropic", json=body), Reply(), 0.0)

    assert [usage().cache_read_tokens for _ in range(2)] == [0, 0]
    first, second = usage(system=marked), usage(system=marked)
    assert (first.cache_read_tokens, first.cache_write_tokens) == (0, first.input_tokens)
    assert (second.cache_read_tokens, second.cache_write_tokens) == (second.input_tokens, 0)


def test_ids_are_unique_and_the_same_for_the_same_place() -> None:
    ids = [Ids(0, serial, 0.0) for serial in range(50)]
    drawn = [one.new("call_") for one in ids for _ in range(20)]
    assert len(set(drawn)) == len(drawn)
    assert all(len(one) == len("call_") + 24 for one in drawn)
    assert Ids(0, 3, 0.0).new("x_") == Ids(0, 3, 9.0).new("x_") != Ids(1, 3, 0.0).new("x_")
    assert Ids(0, 0, 0.0).of(ToolCall("mine", "f"), "call_") == "mine"


def test_open_calls_finds_both_kinds_of_mismatch() -> None:
    asked = AssistantMessage((ToolCall("a", "f"), ToolCall("b", "f")))
    answered = UserMessage((ToolResult("a", "f", (Text("1"),)), ToolResult("z", "f", (Text("2"),))))
    unanswered, orphans = open_calls([asked, answered, UserMessage.of("next")])
    assert [one.id for one in unanswered] == ["b"]
    assert [one.call_id for one in orphans] == ["z"]


def test_an_answer_to_a_history_is_never_named_as_one_without_and_two_histories_have_their_own_names() -> (
    None
):
    names = [Ids(0, 3, 0.0, said).new("x_") for said in (0, 1, 2)]
    assert len(set(names)) == 3
