"""What a response says of itself beside its output."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.models.openai_responses.output import cache_diagnosis_of


@pytest.mark.parametrize(
    ("native", "told"),
    [
        (None, None),
        ("odd", None),
        (
            {"type": "cache_miss", "reason": "tools_changed", "cache_missed_tokens": 7},
            ("miss", "tools_changed", 7),
        ),
        ({"type": "cache_miss", "reason": "brand_new"}, ("miss", "brand_new", None)),
        ({"type": "cache_hit"}, ("hit", None, None)),
        (
            {"type": "comparison_response_not_found"},
            ("not_found", "comparison_response_not_found", None),
        ),
        ({"type": "unavailable"}, ("unavailable", "unavailable", None)),
        ({"type": "brand_new"}, ("unavailable", "brand_new", None)),
    ],
)
def test_the_providers_word_on_a_miss_is_kept(
    native: Any, told: tuple[str, str | None, int | None] | None
) -> None:
    found = cache_diagnosis_of({"prompt_cache_diagnostics": native})
    if found is None:
        assert told is None
    else:
        assert (found.verdict, found.reason, found.missed_tokens) == told
        assert found.raw == native
    assert cache_diagnosis_of({}) is None
