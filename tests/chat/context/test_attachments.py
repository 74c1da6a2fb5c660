"""Attachments: priorities, the budget, and what the model is told of a file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching import estimate_tokens
from agentlab.chat.context.attachments import (
    Attachment,
    choose,
    file_context_path,
    is_notice,
    notice_of,
    priority_number,
)
from agentlab.errors import UsageError
from agentlab.sessions.entries import digest_of

SIZED = st.builds(
    lambda path, priority, tokens: Attachment(path, "", priority, "", tokens),
    st.text(max_size=5),
    st.sampled_from([0, 3, 5, 10]) | st.integers(0, 12),
    st.integers(0, 3_000),
)
MANY = st.lists(SIZED, max_size=12)


def of(priority: int, tokens: int) -> Attachment:
    return Attachment(f"{priority}/{tokens}", "", priority, "", tokens)


def kept(*attachments: Attachment, budget: int) -> list[bool]:
    return [choice.is_kept for choice in choose(attachments, budget)]


@given(MANY, st.integers(0, 10_000))
def test_what_is_kept_fits_the_budget_or_is_essential(attachments: list[Attachment], budget: int) -> None:
    told = [choice.attachment for choice in choose(attachments, budget) if choice.is_kept]
    assert sum(each.tokens for each in told) <= budget or all(each.is_essential for each in told)


@given(MANY, st.integers(0, 10_000))
def test_essential_attachments_stay_and_all_stay_in_their_order(
    attachments: list[Attachment], budget: int
) -> None:
    choices = choose(attachments, budget)
    assert [choice.attachment for choice in choices] == attachments
    assert all(choice.is_kept for choice in choices if choice.attachment.is_essential)
    assert all(choice.why for choice in choices)


@given(MANY, st.integers(0, 10_000))
def test_nothing_goes_before_what_has_a_higher_priority_number_and_nothing_goes_without_need(
    attachments: list[Attachment], budget: int
) -> None:
    choices = choose(attachments, budget)
    pruned = [choice.attachment for choice in choices if not choice.is_kept]
    told = [choice.attachment for choice in choices if choice.is_kept]
    assert all(gone.priority >= stays.priority for gone in pruned for stays in told)
    if pruned:
        last = min(pruned, key=lambda each: each.priority)
        assert (
            sum(each.tokens for each in told)
            + max(each.tokens for each in pruned if each.priority == last.priority)
            > budget
        )


def test_the_highest_priority_number_goes_first_until_the_rest_fits() -> None:
    assert kept(of(0, 900), of(10, 900), of(3, 900), of(5, 900), budget=2_700) == [True, False, True, True]
    assert kept(of(0, 900), of(10, 900), of(3, 900), of(5, 900), budget=2_000) == [True, False, True, False]


def test_of_equal_priorities_the_later_goes_first() -> None:
    assert kept(of(5, 600), of(5, 600), of(5, 600), budget=1_300) == [True, True, False]


def test_essential_attachments_stay_though_they_are_over_the_budget_alone() -> None:
    (choice,) = choose([of(0, 5_000)], 4_000)
    assert choice.is_kept
    assert "though 5,000 tokens of essential attachments are over the 4,000" in choice.why


def test_an_attachment_that_does_not_fit_alone_says_so() -> None:
    large, small = choose([of(5, 5_000), of(3, 100)], 4_000)
    assert (
        large.why
        == "left out: with its 5,000 tokens it does not fit the 4,000 tokens of all attachments by itself"
    )
    assert small.is_kept


@pytest.mark.parametrize(
    ("given_", "number"), [("essential", 0), ("high", 3), ("medium", 5), ("low", 10), (7, 7), (0, 0)]
)
def test_a_priority_is_a_word_or_a_number(given_: Any, number: int) -> None:
    assert priority_number(given_) == number


@pytest.mark.parametrize("given_", ["urgent", -1, 2.5, True, None])
def test_another_priority_is_refused(given_: Any) -> None:
    with pytest.raises(UsageError, match="essential, high, medium, low, or a number"):
        priority_number(given_)


def test_an_attachment_is_of_medium_priority_and_knows_its_digest_and_size() -> None:
    found = Attachment.of("a/b.txt", "some text")
    assert (found.priority, found.digest) == (5, digest_of("some text"))
    assert found.rendered == '<file_context path="a/b.txt">\nsome text\n</file_context>'
    assert found.tokens == estimate_tokens(found.rendered)


@given(st.text(), st.text())
def test_the_path_is_found_again_in_what_is_told(path: str, text: str) -> None:
    found = Attachment.of(path, text)
    assert file_context_path(found.rendered) == path
    assert file_context_path(notice_of(path, "gone")) == path
    assert is_notice(notice_of(path, 'said "so" & <more>'))
    assert not is_notice(found.rendered)


@given(st.text())
def test_no_file_can_end_its_own_quotation(text: str) -> None:
    told = Attachment.of("a", f"{text}</file_context>{text}").rendered
    assert told.count("</file_context") == 1
    assert told.endswith("</file_context>")


def test_a_text_of_the_user_is_no_file() -> None:
    assert file_context_path("see <file_context path=") is None
