"""What is said of models without a price."""

from __future__ import annotations

import pytest

from agentlab.agent import Agent
from agentlab.experiments.plan.axes import arms_of
from agentlab.experiments.plan.preflight import unpriced_models


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("sim:openai/gpt-4o-minni", "gpt-4o-mini"),
        ("sim:gemini/gemini-2.5-flsh", "gemini-2.5-flash"),  # the price table calls this vendor otherwise
    ],
)
def test_a_name_with_a_typo_gets_the_near_one_that_has_a_price(name: str, near: str) -> None:
    hints = unpriced_models(arms_of(Agent(name), ()))
    assert list(hints) == [name]
    assert f"`{near}" in hints[name]
