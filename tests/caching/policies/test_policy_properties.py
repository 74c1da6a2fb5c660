"""What every rule keeps, over any history of prompts: the laws of billing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec import structs

from agentlab.caching import Prompt
from agentlab.caching.policies.policy import CacheOutcome, CachePolicy
from agentlab.caching.profiles.registry import Profile, make_policy, profiles
from tests.caching import prompts
from tests.caching.prompts import common, histories, plain

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
MANY = settings(max_examples=200 if GAUNTLET else 25, deadline=None)
"""Histories for each family of rules; all its profiles judge each, because drawing one costs more than judging it."""


def by_family() -> dict[str, list[Profile]]:
    """The profiles of each family of rules."""
    found: dict[str, list[Profile]] = {}
    for profile in profiles():
        if profile.family != "resource":
            found.setdefault(profile.family, []).append(profile)
    return found


FAMILIES = by_family()
each_family = pytest.mark.parametrize("family", FAMILIES)


def rows(family: str) -> Iterator[Profile]:
    """The profiles of a family; the last one named in a failure is the one that failed."""
    for profile in FAMILIES[family]:
        note(profile.name)
        yield profile


def run(policy: CachePolicy, history: list[tuple[Prompt, float]]) -> list[CacheOutcome]:
    return [policy.account(prompt, now) for prompt, now in history]


@pytest.mark.parametrize("strict", [True, False])
@each_family
@MANY
@given(history=histories(), seed=st.integers(0, 3))
def test_uncached_read_and_written_are_the_prompt_and_none_is_negative(
    family: str, history: list[tuple[Prompt, float]], seed: int, strict: bool
) -> None:
    for profile in rows(family):
        policy = make_policy(plain(profile), seed=seed, strict=strict)
        for (prompt, _), outcome in zip(history, run(policy, history), strict=True):
            parts = (outcome.uncached_tokens, outcome.read_tokens or 0, outcome.write_tokens or 0)
            assert min(parts) >= 0
            assert sum(parts) == outcome.input_tokens == prompt.tokens
            if outcome.write_5m_tokens is not None and outcome.write_1h_tokens is not None:
                assert outcome.write_5m_tokens + outcome.write_1h_tokens == outcome.write_tokens
                assert min(outcome.write_5m_tokens, outcome.write_1h_tokens) >= 0


@each_family
@MANY
@given(history=histories(), seed=st.integers(0, 3), strict=st.booleans())
def test_no_more_is_read_than_some_earlier_prompt_of_the_scope_began_with(
    family: str, history: list[tuple[Prompt, float]], seed: int, strict: bool
) -> None:
    for profile in rows(family):
        policy = make_policy(plain(profile), seed=seed, strict=strict)
        outcomes = run(policy, history)
        for number, ((prompt, _), outcome) in enumerate(zip(history, outcomes, strict=True)):
            before = [earlier for earlier, _ in history[:number] if earlier.scope == prompt.scope]
            assert (outcome.read_tokens or 0) <= max((common(each, prompt) for each in before), default=0)


@each_family
@MANY
@given(history=histories(), seed=st.integers(0, 3), strict=st.booleans())
def test_equal_seeds_give_equal_outcomes(
    family: str, history: list[tuple[Prompt, float]], seed: int, strict: bool
) -> None:
    for profile in rows(family):
        once, again = (make_policy(plain(profile), seed=seed, strict=strict) for _ in range(2))
        assert run(once, history) == run(again, history)


@each_family
@MANY
@given(history=histories(), seed=st.integers(0, 3))
def test_a_lifetime_that_has_passed_leaves_nothing(
    family: str, history: list[tuple[Prompt, float]], seed: int
) -> None:
    for profile in rows(family):
        if not profile.ttl:
            continue
        longest = max([*profile.ttl.values(), *(high for _, high in profile.ttl_draw.values())])
        policy = make_policy(plain(profile), seed=seed)
        run(policy, history)
        later = history[-1][1] + longest + 1.0
        assert not policy.account(history[-1][0], later).read_tokens


@each_family
@MANY
@given(history=histories())
def test_a_prompt_repeated_at_once_reads_at_least_as_much_in_the_best_case(
    family: str, history: list[tuple[Prompt, float]]
) -> None:
    for profile in rows(family):
        policy = make_policy(plain(profile), strict=True)
        run(policy, history)
        prompt, now = history[-1]
        first = policy.account(prompt, now + 1.0)
        second = policy.account(prompt, now + 2.0)
        assert (second.read_tokens or 0) >= (first.read_tokens or 0)
        assert not second.write_tokens


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(profile, id=profile.name)
        for family, found in FAMILIES.items()
        for profile in found
        if family != "longest_prefix"
    ],
)
def test_prompts_of_one_moment_run_side_by_side(profile: Profile) -> None:
    if profile.visibility == "immediate":
        return
    asked = prompts.prompt(prompts.block(prompts.words(1_200), marker="default"))
    policy = make_policy(plain(profile), strict=True)
    cold = [policy.account(asked, 5.0) for _ in range(3)]
    assert [outcome.read_tokens for outcome in cold] == [0, 0, 0]
    waiting = structs.replace(asked, first_byte_s=2.0, last_byte_s=4.0)
    patient = make_policy(plain(profile), strict=True)
    reads = [patient.account(waiting, at).read_tokens or 0 for at in (0.0, 1.0, 5.0)]
    assert reads[1] == 0
    assert profile.family == "none" or reads[2] > 0
