from __future__ import annotations

from typing import Any

import pytest

from agentlab.errors import UnsupportedCapability
from agentlab.messages import ReasoningOptions, Request, UserMessage
from agentlab.models.anthropic.traits import limits_and_thinking, traits_of


def fields(model: str, *, max_tokens: int | None = None, **reasoning: Any) -> dict[str, Any]:
    request = Request(
        model=model,
        messages=(UserMessage.of("Hi."),),
        max_tokens=max_tokens,
        reasoning=ReasoningOptions(**reasoning),
    )
    return limits_and_thinking(request, traits_of(model, {}))


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-opus-20240229", 4096),
        ("claude-3-5-haiku-latest", 8192),
        ("claude-3-7-sonnet-20250219", 64000),
        ("claude-opus-4-20250514", 32000),
        ("claude-opus-4-1-20250805", 32000),
        ("claude-opus-4-5", 64000),
        ("claude-sonnet-4-0", 64000),
        ("claude-haiku-4-5-20251001", 64000),
        ("claude-opus-4-6", 128000),
        ("claude-opus-5-5", 128000),
        ("claude-fable-5", 128000),
        ("claude-a-later-one", 64000),
        ("anthropic/claude-haiku-4.5", 64000),
        ("us.anthropic.claude-opus-4-6-v1:0", 128000),
        ("kimi-k3", 8192),
    ],
)
def test_every_model_has_an_output_limit(model: str, limit: int) -> None:
    assert fields(model) == {"max_tokens": limit}


def test_the_callers_limit_and_the_dialect_win() -> None:
    assert fields("claude-opus-5", max_tokens=9) == {"max_tokens": 9}
    assert fields("claude-opus-5", max_tokens=0) == {"max_tokens": 0}
    traits = traits_of("kimi-k3", {"max_tokens": 32768, "system_role": True, "other": 1})
    assert (traits.max_tokens, traits.system_role, traits.thinking) == (32768, True, "both")


def test_only_newer_models_take_the_system_role() -> None:
    taking = {
        model
        for model in ("claude-opus-4-7", "claude-opus-4-8", "claude-sonnet-5")
        if traits_of(model, {}).system_role
    }
    assert taking == {"claude-opus-4-8", "claude-sonnet-5"}


def test_a_budget_is_manual_thinking() -> None:
    assert fields("claude-sonnet-4-5", budget_tokens=2048)["thinking"] == {
        "type": "enabled",
        "budget_tokens": 2048,
    }
    both = fields("claude-opus-4-6", budget_tokens=2048, effort="medium")
    assert both["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert both["output_config"] == {"effort": "medium"}


def test_a_budget_leaves_room_for_the_answer_where_the_caller_sets_no_limit() -> None:
    assert fields("some-model", budget_tokens=10_000)["max_tokens"] == 18_192
    assert fields("some-model", budget_tokens=10_000, max_tokens=9000)["max_tokens"] == 9000


def test_an_effort_is_adaptive_thinking() -> None:
    assert fields("claude-opus-5", effort="xhigh") == {
        "max_tokens": 128000,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "xhigh"},
    }
    assert fields("claude-opus-5", effort="minimal")["output_config"] == {"effort": "low"}
    assert fields("claude-opus-5", effort="none")["thinking"] == {"type": "disabled"}


def test_an_effort_is_a_budget_where_the_model_takes_only_that() -> None:
    assert fields("claude-haiku-4-5", effort="high")["thinking"] == {
        "type": "enabled",
        "budget_tokens": 16384,
    }
    assert "output_config" not in fields("claude-haiku-4-5", effort="high")
    assert fields("claude-haiku-4-5", effort="high", max_tokens=8000)["thinking"]["budget_tokens"] == 4000
    assert fields("claude-haiku-4-5", effort="low", max_tokens=1500)["thinking"]["budget_tokens"] == 1024


def test_a_summary_is_the_display_of_thinking() -> None:
    assert fields("claude-opus-5", summary="auto")["thinking"] == {
        "type": "adaptive",
        "display": "summarized",
    }
    assert fields("claude-opus-4-6", budget_tokens=2048, summary="none")["thinking"] == {
        "type": "enabled",
        "budget_tokens": 2048,
        "display": "omitted",
    }


def test_what_a_model_cannot_do_is_refused_before_it_is_sent() -> None:
    with pytest.raises(UnsupportedCapability, match="effort"):
        fields("claude-opus-5", budget_tokens=2048)
    with pytest.raises(UnsupportedCapability):
        fields("claude-3-5-haiku-latest", effort="low")
    assert fields("claude-3-5-haiku-latest", effort="none") == {"max_tokens": 8192}
