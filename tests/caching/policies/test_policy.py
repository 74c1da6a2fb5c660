"""The plain policy: whatever an earlier prompt began with is read."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching import LongestPrefix, Prompt, common_tokens, split


def prompt(*texts: str, scope: tuple[str, ...] = ()) -> Prompt:
    body = {"messages": [{"role": "user", "content": text} for text in texts]}
    return Prompt(split("openai_chat", json.dumps(body)), scope, body)


def test_the_first_prompt_reads_nothing_and_its_repeat_everything() -> None:
    policy = LongestPrefix()
    first = policy.account(prompt("hello there"), 0.0)
    again = policy.account(prompt("hello there"), 1.0)
    assert first.read_tokens == 0
    assert again.read_tokens == again.input_tokens == first.input_tokens > 0


def test_a_longer_conversation_reads_what_it_shares() -> None:
    policy = LongestPrefix()
    short = policy.account(prompt("one", "two"), 0.0)
    assert policy.account(prompt("one", "two", "three"), 0.0).read_tokens == short.input_tokens


def test_scopes_share_nothing() -> None:
    policy = LongestPrefix()
    policy.account(prompt("hello", scope=("a",)), 0.0)
    assert policy.account(prompt("hello", scope=("b",)), 0.0).read_tokens == 0


def test_a_match_below_the_minimum_is_not_read() -> None:
    policy = LongestPrefix(minimum=1024)
    policy.account(prompt("hello"), 0.0)
    assert policy.account(prompt("hello"), 0.0).read_tokens == 0


def test_writes_are_reported_only_where_asked() -> None:
    assert LongestPrefix().account(prompt("hello"), 0.0).write_tokens is None
    outcome = LongestPrefix(reports_writes=True).account(prompt("hello"), 0.0)
    assert outcome.write_tokens == outcome.input_tokens


def test_a_policy_of_markers_leaves_unmarked_prompts_alone() -> None:
    policy = LongestPrefix(reports_writes=True, needs_marker=True)
    plain = prompt("hello")
    assert policy.account(plain, 0.0) == policy.account(plain, 0.0)
    assert policy.account(plain, 0.0).write_tokens == 0
    marked = Prompt(plain.blocks, (), {"system": [{"text": "s", "cache_control": {"type": "ephemeral"}}]})
    assert policy.account(marked, 0.0).write_tokens == plain.tokens
    assert policy.account(marked, 0.0).read_tokens == plain.tokens


texts = st.lists(st.text(alphabet="ab ", max_size=6), min_size=1, max_size=4)


@given(st.lists(texts, min_size=1, max_size=8))
def test_the_tree_reads_the_longest_prefix_with_any_earlier_prompt(conversations: list[list[str]]) -> None:
    policy = LongestPrefix()
    seen: list[Prompt] = []
    for conversation in conversations:
        now = prompt(*conversation)
        read = policy.account(now, 0.0).read_tokens
        assert read == max((_shared(earlier, now) for earlier in seen), default=0)
        seen.append(now)


def _shared(left: Prompt, right: Prompt) -> int:
    """Equal blocks in full, then the equal start of the first unequal pair."""
    total = 0
    for one, other in zip(left.blocks, right.blocks, strict=False):
        if one == other:
            total += one.tokens
            continue
        return total + common_tokens(one.token_ids(), other.token_ids())
    return total
