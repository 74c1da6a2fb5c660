"""A schema that stands in the prompt is found, and answered like one that is enforced."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agentlab.agent.agent import Agent
from agentlab.simulator.told_schema import told_schema


class Order(BaseModel):
    customer: str
    quantity: int


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5)), st.text(max_size=20))
def test_what_was_announced_is_found_whatever_follows(schema: dict[str, object], after: str) -> None:
    assert told_schema(f"Be brief. Fit this JSON Schema:\n{json.dumps(schema)}\n\n{after}") == schema


@pytest.mark.parametrize(
    "preamble", [None, "", "Answer in JSON.", "JSON Schema: {broken", "a JSON Schema [1]", "Schema: {}"]
)
def test_none_is_found_where_none_is_written_out(preamble: str | None) -> None:
    assert told_schema(preamble) is None


@pytest.mark.anyio
async def test_a_prompted_answer_fits_the_type() -> None:
    agent = Agent("sim:openai/gpt-5.6")
    order = await agent.prompt_typed("Frida Rosvall orders 12 lamps.", Order, mode="prompted", retries=0)
    assert order == Order(customer="Frida Rosvall", quantity=12)
