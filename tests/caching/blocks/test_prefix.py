"""Whether a request still begins with the one before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching import Block, common_tokens, shared_prefix, split
from agentlab.caching.tokens import tokenize


def blocks(*texts: str) -> tuple[Block, ...]:
    messages = ",".join('{"role":"user","content":"' + text + '"}' for text in texts)
    return split("openai_chat", '{"messages":[' + messages + "]}")


def test_a_request_that_only_appends_keeps_the_prefix() -> None:
    before = blocks("one", "two")
    match = shared_prefix(before, blocks("one", "two", "three"))
    assert match.is_prefix
    assert match.moved is None
    assert (match.blocks, match.tokens) == (2, sum(block.tokens for block in before))


def test_a_changed_block_is_named_with_what_took_its_place() -> None:
    match = shared_prefix(blocks("one", "two words here", "three"), blocks("one", "two words there", "three"))
    assert not match.is_prefix
    assert match.moved == 1
    assert match.before is not None
    assert "two words here" in match.before.text
    assert match.after is not None
    assert "two words there" in match.after.text


def test_the_equal_start_of_the_changed_block_counts() -> None:
    one, other = blocks("same start, left end"), blocks("same start, right end")
    assert shared_prefix(one, other).tokens == 4 + len(tokenize("same start,"))


def test_a_dropped_last_block_is_a_move_to_nothing() -> None:
    match = shared_prefix(blocks("one", "two"), blocks("one"))
    assert (match.is_prefix, match.moved, match.after) == (False, 1, None)


def test_a_tool_that_comes_first_moves_everything() -> None:
    body = b'{"tools":[{"name":"f"}],"messages":[{"role":"user","content":"one"}]}'
    assert shared_prefix(blocks("one"), split("openai_chat", body)).moved == 0


words = st.lists(st.sampled_from(["alpha", "beta gamma", "delta"]), max_size=6)


@given(words, words)
def test_the_shared_tokens_are_those_of_the_flat_token_lists(left: list[str], right: list[str]) -> None:
    def flat(texts: list[str]) -> list[int]:
        return [token for block in blocks(*texts) for token in block.token_ids()]

    match = shared_prefix(blocks(*left), blocks(*right))
    shared = common_tokens(flat(left), flat(right))
    # Flat lists may go on matching across the end of an unequal block; blocks never claim more.
    assert match.tokens <= shared
    if match.is_prefix or left[match.blocks : match.blocks + 1] != right[match.blocks : match.blocks + 1]:
        assert match.is_prefix == (left == right[: len(left)])
