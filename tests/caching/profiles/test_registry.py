"""The table of profiles: every vendor has a row, every row is whole, and models find their own numbers."""

from __future__ import annotations

import pytest

from agentlab.caching.profiles.registry import make_policy, profile_for, profile_named, profiles
from agentlab.errors import UsageError
from agentlab.models.vendors import vendors


@pytest.mark.parametrize(
    ("vendor", "model", "row", "least"),
    [
        ("anthropic", "claude-opus-5-5", "anthropic", 512),
        ("anthropic", "claude-haiku-5-5", "anthropic", 512),
        ("anthropic", "claude-fable-5-1", "anthropic", 512),
        ("anthropic", "claude-opus-5", "anthropic", 512),
        ("anthropic", "claude-opus-4-8", "anthropic", 1_024),
        ("anthropic", "claude-sonnet-5", "anthropic", 1_024),
        ("anthropic", "claude-sonnet-4-5-20250929", "anthropic", 1_024),
        ("anthropic", "claude-sonnet-4-20250514", "anthropic", 1_024),
        ("anthropic", "claude-opus-4-7", "anthropic", 2_048),
        ("anthropic", "claude-3-5-haiku-20241022", "anthropic", 2_048),
        ("anthropic", "claude-opus-4-5-20251101", "anthropic", 4_096),
        ("anthropic", "claude-haiku-4-5", "anthropic", 4_096),
        ("bedrock", "us.anthropic.claude-opus-4-7-v1:0", "bedrock-claude", 4_096),
        ("bedrock", "amazon.nova-pro-v1:0", "bedrock-nova", 1_024),
        ("openrouter", "anthropic/claude-haiku-4.5", "anthropic", 4_096),
        ("openrouter", "openai/gpt-5.6-sol", "openai", 1_024),
        ("openrouter", "google/gemini-3-pro", "gemini", 4_096),
        ("openai", "gpt-5.6", "openai", 1_024),
        ("openai", "gpt-6.1-mini", "openai", 1_024),
        ("openai", "gpt-5.5", "openai-legacy", 1_024),
        ("azure", "gpt-4o", "azure-legacy", 1_024),
        ("moonshot", "kimi-k3", "kimi", 256),
        ("moonshot", "kimi-k2-thinking", "kimi-k2", 0),
    ],
)
def test_a_model_finds_its_own_minimum(vendor: str, model: str, row: str, least: int) -> None:
    found = profile_for(vendor, model)
    assert (found.name, found.min_tokens) == (row, least)


def test_every_row_tells_its_source_and_date_and_makes_a_policy() -> None:
    for profile in profiles():
        assert profile.source, profile.name
        assert profile.date[:2] == "20", profile.name
        assert profile.default_ttl in profile.ttl or not profile.ttl, profile.name
        assert set(profile.write_multipliers) <= set(profile.ttl), profile.name
        assert make_policy(profile, strict=True) is not None


def test_read_prices_differ_by_generation() -> None:
    models = ["gpt-4o", "gpt-4.1-mini", "o3", "o3-mini", "gpt-5", "gpt-5.6", "gpt-6.1"]
    reads = [profile_for("openai", model).read_multiplier for model in models]
    assert reads == [0.5, 0.25, 0.25, 0.5, 0.1, 0.1, 0.05]


def test_vendors_of_the_registry_have_a_row_unless_nothing_is_known_of_them() -> None:
    unknown = {name for name in vendors() if profile_for(name, "gpt-5.6").name == "unknown"}
    assert unknown <= {"local-openai", "xiaomimimo", "bedrock", "bedrock-mantle", "bedrock-mantle-chat"}


def test_a_row_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="smoke"):
        profile_named("smoke")
    assert profile_for("nobody", "m").name == "unknown"
