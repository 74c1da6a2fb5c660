"""Each family of rules by its own documented cases."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from agentlab.caching import Block, Prompt
from agentlab.caching.policies.policy import CachePolicy, CacheRefused
from agentlab.caching.policies.profile import Profile
from agentlab.caching.policies.resource import Resources
from agentlab.caching.policies.slots import Slots
from agentlab.caching.profiles.registry import make_policy, profile_for, profile_named
from tests.caching.prompts import block, marked, plain, prompt, words


def exact(vendor: str, model: str, **changes: object) -> Profile:
    """A vendor's numbers, counting in estimated tokens."""
    counted = structs.replace(
        profile_for(vendor, model), tokens_per_estimate=1.0, tool_overhead=0, message_overhead=0
    )
    return structs.replace(counted, **changes)


def anthropic(**changes: object) -> CachePolicy:
    return make_policy(exact("anthropic", "claude-sonnet-4-6", **changes))


def openai() -> CachePolicy:
    return make_policy(exact("openai", "gpt-5.6"))


def sized(tokens: int, name: str = "w", role: str = "user") -> Block:
    """A block of exactly so many tokens, its frame of four included."""
    made = block(words(tokens - 4, name), role)
    assert made.tokens == tokens
    return made


# ----------------------------------------------------------------- marked blocks


@settings(max_examples=100, deadline=None)
@given(
    first=st.integers(1_100, 3_000),
    turns=st.lists(st.lists(st.integers(5, 60), min_size=1, max_size=9), min_size=1, max_size=8),
    model=st.sampled_from(["claude-sonnet-4-6", "claude-opus-5", "claude-opus-5-5"]),
    pause=st.sampled_from([0.1, 10.0, 299.0]),
)
def test_what_a_loop_reads_is_what_it_read_and_wrote_before(
    first: int, turns: list[list[int]], model: str, pause: float
) -> None:
    policy = make_policy(profile_for("anthropic", model))
    blocks = [sized(first, role="system")]
    before = policy.account(Prompt(marked(blocks, -1)), 0.0)
    for number, turn in enumerate(turns, 1):
        blocks += [sized(size, f"t{number}x{index}") for index, size in enumerate(turn)]
        now = policy.account(Prompt(marked(blocks, -1)), number * pause)
        assert now.read_tokens == (before.read_tokens or 0) + (before.write_tokens or 0)
        assert now.uncached_tokens == 0
        before = now


@pytest.mark.parametrize(("added", "found"), [(20, True), (21, False)])
def test_a_marker_looks_back_over_twenty_blocks(added: int, found: bool) -> None:
    policy = anthropic()
    blocks = [sized(1_100)]
    policy.account(Prompt(marked(blocks, -1)), 0.0)
    later = [*blocks, *(sized(10, f"n{index}") for index in range(added))]
    outcome = policy.account(Prompt(marked(later, -1)), 1.0)
    assert bool(outcome.read_tokens) is found
    assert outcome.reason == ("not_found" if found else "out_of_reach")


def test_every_marker_looks_back() -> None:
    policy = anthropic()
    blocks = [sized(1_100)]
    policy.account(Prompt(marked(blocks, -1)), 0.0)
    later = [*blocks, *(sized(10, f"n{index}") for index in range(30))]
    assert policy.account(Prompt(marked(marked(later, 15), -1)), 1.0).read_tokens == 1_100


def test_three_rates_are_billed_by_where_the_markers_stand() -> None:
    policy = anthropic()
    blocks = (sized(1_100, "a"), sized(200, "b"), sized(300, "c"), sized(50, "d"))
    policy.account(Prompt(marked(blocks[:1], 0, "1h")), 0.0)
    outcome = policy.account(Prompt(marked(marked(marked(blocks, 0, "1h"), 1, "1h"), 2, "5m")), 1.0)
    billed = (outcome.read_tokens, outcome.write_1h_tokens, outcome.write_5m_tokens, outcome.uncached_tokens)
    assert billed == (1_100, 200, 300, 50)


def test_an_hourly_entry_outlives_a_short_one_and_each_use_renews() -> None:
    policy = anthropic()
    blocks = (sized(1_100, "a"), sized(200, "b"))
    both = Prompt(marked(marked(blocks, 0, "1h"), 1, "5m"))
    policy.account(both, 0.0)
    assert policy.account(both, 290.0).read_tokens == 1_300
    assert policy.account(both, 580.0).read_tokens == 1_300
    assert policy.account(both, 900.0).read_tokens == 1_100
    assert policy.account(both, 4_501.0).read_tokens == 0


@pytest.mark.parametrize(("tokens", "cached"), [(1_023, False), (1_024, True)])
def test_less_than_the_minimum_is_passed_over_in_silence(tokens: int, cached: bool) -> None:
    outcome = anthropic().account(Prompt(marked([sized(tokens)], 0)), 0.0)
    assert (outcome.write_tokens == tokens) is cached
    assert outcome.reason == ("not_found" if cached else "below_minimum")


def test_five_markers_and_an_hour_after_five_minutes_are_refused() -> None:
    blocks: tuple[Block, ...] = tuple(sized(1_100, f"b{index}") for index in range(5))
    five = blocks
    for index in range(5):
        five = marked(five, index)
    with pytest.raises(CacheRefused, match="maximum of 4") as refused:
        anthropic().account(Prompt(five), 0.0)
    assert refused.value.status == 400
    with pytest.raises(CacheRefused, match="longer lifetime"):
        anthropic().account(Prompt(marked(marked(blocks, 0, "5m"), 1, "1h")), 0.0)


def test_the_provider_s_own_count_is_met_and_conserved() -> None:
    policy = anthropic()
    blocks = [sized(2_000, role="system"), sized(50)]
    first = policy.account(Prompt(marked(blocks, -1), total=5_172), 0.0)
    assert (first.input_tokens, first.write_tokens) == (5_172, 5_172)
    grown = [*blocks, sized(40, "call"), sized(50, "result")]
    second = policy.account(Prompt(marked(grown, -1), total=5_273), 1.0)
    assert (second.read_tokens, second.write_tokens) == (5_172, 101)


# -------------------------------------------------------------- message boundaries


def test_a_growing_conversation_reads_all_of_the_turn_before() -> None:
    policy = openai()
    blocks = [sized(1_500, role="system"), sized(20)]
    first = policy.account(Prompt(tuple(blocks)), 0.0)
    assert (first.read_tokens, first.write_tokens) == (0, 1_520)
    blocks += [sized(30, "said", "assistant"), sized(12, "more")]
    second = policy.account(Prompt(tuple(blocks)), 1.0)
    assert (second.read_tokens, second.write_tokens, second.uncached_tokens) == (1_520, 42, 0)


def test_a_static_opening_before_changing_prompts_is_written_every_time_and_never_read() -> None:
    policy = openai()
    for number in range(4):
        asked = prompt(sized(2_000, role="system"), sized(20, f"q{number}"))
        outcome = policy.account(asked, float(number))
        assert (outcome.read_tokens, outcome.write_tokens) == (0, 2_020)


def test_a_marker_at_the_end_of_the_opening_saves_it() -> None:
    policy = openai()
    reads = []
    for number in range(3):
        opening, *rest = marked([sized(2_000, role="system"), sized(20, f"q{number}")], 0, "default")
        reads.append(policy.account(prompt(opening, *rest), float(number)).read_tokens)
    assert reads == [0, 2_000, 2_000]


def test_explicit_mode_without_a_marker_turns_the_cache_off() -> None:
    policy = openai()
    asked = prompt(sized(2_000), body={"prompt_cache_options": {"mode": "explicit"}})
    for at in (0.0, 1.0):
        outcome = policy.account(asked, at)
        assert (outcome.read_tokens, outcome.write_tokens, outcome.reason) == (0, 0, "no_breakpoint")


def test_the_two_modes_share_no_entry() -> None:
    policy = openai()
    policy.account(prompt(sized(2_000)), 0.0)
    explicit = Prompt(
        marked([sized(2_000)], 0, "default"), body={"prompt_cache_options": {"mode": "explicit"}}
    )
    assert policy.account(explicit, 1.0).read_tokens == 0
    assert policy.account(explicit, 2.0).read_tokens == 2_000


def test_a_message_that_is_extended_loses_its_entry() -> None:
    policy = openai()
    message = sized(2_000)
    policy.account(prompt(message), 0.0)
    extended = prompt(structs.replace(message, ends_message=False), sized(100, "more"))
    assert policy.account(extended, 1.0).read_tokens == 0


def test_more_than_four_markers_write_the_latest_four() -> None:
    policy = openai()
    blocks: tuple[Block, ...] = tuple(sized(1_100, f"b{index}", "assistant") for index in range(6))
    asked = blocks
    for index in range(6):
        asked = marked(asked, index, "default")
    explicit = {"prompt_cache_options": {"mode": "explicit"}}
    policy.account(Prompt(asked, body=explicit), 0.0)
    for place, read in ((1, 0), (2, 3_300), (5, 6_600)):
        probe = Prompt(marked(blocks[: place + 1], place, "default"), body=explicit)
        again = make_policy(exact("openai", "gpt-5.6"))
        again.account(Prompt(asked, body=explicit), 0.0)
        assert again.account(probe, 1.0).read_tokens == read


def test_a_lifetime_that_is_asked_for_is_kept() -> None:
    policy = openai()
    asked = prompt(sized(2_000), body={"prompt_cache_options": {"ttl": "12h"}})
    policy.account(asked, 0.0)
    assert policy.account(asked, 40_000.0).read_tokens == 2_000
    assert policy.account(asked, 90_000.0).read_tokens == 0


# --------------------------------------------------------------------- intervals


def test_reads_are_floored_to_128_as_recorded() -> None:
    policy = make_policy(exact("openai", "gpt-4o-mini"), strict=True)
    asked = Prompt((sized(4_000),), total=4_597)
    assert policy.account(asked, 0.0).read_tokens == 0
    assert policy.account(asked, 1.0).read_tokens == 4_480


def test_wide_intervals_leave_a_long_tail() -> None:
    policy = make_policy(exact("openai", "gpt-5.5"), strict=True)
    asked = prompt(sized(5_000))
    policy.account(asked, 0.0)
    assert policy.account(asked, 1.0).read_tokens == 4_096


def test_more_than_fifteen_requests_a_minute_reach_a_cold_machine() -> None:
    policy = make_policy(exact("openai", "gpt-4o"), seed=1)
    asked = prompt(sized(2_000))
    outcomes = [policy.account(asked, number * 0.5) for number in range(18)]
    assert all(outcome.read_tokens for outcome in outcomes[1:15])
    assert (outcomes[15].read_tokens, outcomes[15].reason) == (0, "another_machine")
    assert outcomes[16].read_tokens


def test_a_longer_retention_is_kept_when_asked_for() -> None:
    policy = make_policy(exact("azure", "gpt-4.1"), strict=True)
    short, long = prompt(sized(2_000)), prompt(sized(2_000), body={"prompt_cache_retention": "24h"})
    policy.account(short, 0.0)
    assert policy.account(short, 700.0).read_tokens == 0
    policy.account(long, 800.0)
    assert policy.account(long, 40_000.0).read_tokens


# ---------------------------------------------------------------------- block hash


@pytest.mark.parametrize(
    ("vendor", "model", "total", "read"),
    [
        ("deepseek", "deepseek-v4-flash", 5_129, 5_120),
        ("deepseek", "deepseek-v4-flash", 900, 896),
        ("xai", "grok-3-mini", 4_858, 4_800),
        ("mistral", "mistral-large-latest", 1_783, 1_760),
        ("groq", "openai/gpt-oss-20b", 1_795, 1_792),
        ("venice", "qwen3-5-9b", 5_789, 5_280),
        ("cohere", "command-a", 6_085, 6_080),
        ("vllm", "any", 33, 32),
        ("vllm", "any", 32, 16),
    ],
)
def test_a_repeated_prompt_is_read_in_full_blocks_as_recorded(
    vendor: str, model: str, total: int, read: int
) -> None:
    policy = make_policy(exact(vendor, model), strict=True)
    asked = Prompt((sized(500),), total=total)
    policy.account(asked, 0.0)
    assert policy.account(asked, 1.0).read_tokens == read


def test_a_prefix_found_in_common_can_be_read_from_the_third_request_on() -> None:
    policy = make_policy(exact("deepseek", "deepseek-v4-flash"), strict=True)
    reads = [
        policy.account(prompt(sized(1_280, role="system"), sized(200, name)), float(at)).read_tokens
        for at, name in enumerate(["b", "c", "d", "b"])
    ]
    assert reads == [0, 0, 1_280, 1_408]


def test_a_template_is_warm_for_a_prompt_nobody_sent_before() -> None:
    policy = make_policy(exact("xai", "grok-4"), strict=True)
    assert policy.account(prompt(sized(500)), 0.0).read_tokens == 128


def test_a_cache_that_warms_up_reads_more_each_time() -> None:
    policy = make_policy(exact("cohere", "command-a"))
    asked = Prompt((sized(500),), total=6_085)
    reads = [policy.account(asked, float(at)).read_tokens for at in range(3)]
    assert reads == [112, 992, 6_016]


def test_least_recently_used_prompts_leave_a_full_machine() -> None:
    policy = make_policy(exact("vllm", "any", capacity_tokens=1_000))
    one, other, third = (prompt(sized(400, name)) for name in "abc")
    for at, asked in enumerate([one, other, one, third]):
        policy.account(asked, float(at))
    assert policy.account(one, 5.0).read_tokens == 384
    assert policy.account(other, 6.0).read_tokens == 0


def test_chance_follows_the_affinity() -> None:
    policy = make_policy(exact("groq", "openai/gpt-oss-20b", affinity=0.5, machines=1_000_000), seed=3)
    asked = prompt(sized(1_500))
    hits = sum(bool(policy.account(asked, float(at)).read_tokens) for at in range(400))
    assert 150 < hits < 250


# --------------------------------------------------------------------------- slots


def test_the_last_token_of_a_repeated_prompt_is_computed() -> None:
    policy = make_policy(exact("llamacpp", "any"))
    first = Prompt((sized(500),), total=2_825)
    policy.account(first, 0.0)
    assert policy.account(first, 1.0).read_tokens == 2_824


def test_a_slot_is_overwritten_and_the_others_are_kept() -> None:
    policy = Slots(exact("llamacpp", "any", slots=2))
    one, other, third = (prompt(sized(400, name)) for name in "abc")
    for at, asked in enumerate([one, other, third]):
        policy.account(asked, float(at))
    assert policy.account(other, 4.0).read_tokens == 399
    assert policy.account(one, 5.0).read_tokens == 4  # the frame all messages have


def test_a_model_that_was_unloaded_has_forgotten() -> None:
    policy = make_policy(exact("ollama", "qwen3"))
    asked = prompt(sized(400))
    policy.account(asked, 0.0)
    assert policy.account(asked, 290.0).read_tokens == 399
    assert policy.account(asked, 700.0).read_tokens == 0


# ------------------------------------------------------------------------ resources


def test_a_resource_is_billed_by_the_hour() -> None:
    kept = Resources(plain(profile_named("gemini-explicit", "gemini-2.5-flash")))
    made = kept.create("cachedContents/a", (sized(1_000_000),), 0.0, scope=("gemini", "m"))
    assert (made.tokens, made.expires) == (1_000_000, 3_600.0)
    assert kept.storage_usd(1_800.0) == pytest.approx(0.5)
    kept.prolong("cachedContents/a", 7_200.0, 1_800.0)
    kept.delete("cachedContents/a", 5_400.0)
    assert kept.storage_usd(9_000.0) == pytest.approx(1.5)
    used = Prompt((sized(10),), ("gemini", "m"), {"cachedContent": "cachedContents/a"})
    with pytest.raises(CacheRefused) as refused:
        kept.account(used, 5_400.0)
    assert refused.value.status == 403


def test_a_resource_is_read_whole_beside_the_prompt() -> None:
    kept = Resources(plain(profile_named("gemini-explicit", "gemini-2.5-flash")))
    kept.create("cachedContents/a", (sized(5_770),), 0.0, scope=("gemini", "m"))
    body: dict[str, object] = {"cachedContent": "cachedContents/a"}
    outcome = kept.account(Prompt((sized(17),), ("gemini", "m"), body), 1.0)
    assert (outcome.input_tokens, outcome.read_tokens) == (5_787, 5_770)
    with pytest.raises(CacheRefused, match="has to be the same"):
        kept.account(Prompt((sized(17),), ("gemini", "other"), body), 1.0)
