from __future__ import annotations

import pytest

from agentlab.caching.blocks.splitting import split_object
from agentlab.caching.policies.policy import Prompt
from agentlab.caching.token_counts import TokenCounts

COUNTS = TokenCounts(
    tools=500,
    tool_prompt=300,
    forced_tool_prompt=70,
    thinking=20,
    thinking_prompt=9,
    tail=3,
    tail_after_tools=1,
    forced_tool_tail=16,
)
BODY = {
    "tools": [{"name": "add", "input_schema": {"type": "object"}}],
    "system": "Be terse.",
    "messages": [{"role": "user", "content": "Hello."}],
}


def counted(**changes: object) -> Prompt:
    body = {**BODY, **changes}
    return COUNTS.counted(Prompt(split_object("anthropic-messages", body), body=body))


def ends(**changes: object) -> tuple[int, ...]:
    found = counted(**changes).ends
    assert found is not None
    return found


def test_the_vendors_own_tool_prompt_stands_ahead_of_the_first_message():
    _, tool, system, message, _ = ends()
    bare = split_object("anthropic-messages", BODY)
    assert (tool, system - tool) == (bare[0].tokens + 200, bare[1].tokens)
    assert message - system == bare[2].tokens + 300


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "add"}, "required"])
def test_a_forced_call_adds_to_the_tool_prompt_and_to_the_tail(choice: object):
    plain, forced = ends(), ends(tool_choice=choice)
    assert (plain[-1] - plain[-2], forced[-1] - forced[-2]) == (3, 19)
    assert forced[-2] - plain[-2] == 70


@pytest.mark.parametrize("choice", [{"type": "auto"}, {"type": "none"}, "auto", None])
def test_a_free_choice_adds_nothing(choice: object):
    assert ends(tool_choice=choice)[-1] == ends()[-1]


def test_thinking_adds_ahead_of_the_prompt_and_ahead_of_the_messages():
    plain, thinks = ends(), ends(thinking={"type": "enabled", "budget_tokens": 1024})
    assert thinks[1] - plain[1] == 20
    assert thinks[-1] - plain[-1] == 29


def test_a_tools_result_has_a_tail_of_its_own_that_no_marker_reaches():
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "4"}]}
    prompt = counted(messages=[*BODY["messages"], result])
    assert prompt.ends is not None
    assert prompt.total == prompt.ends[-1] == prompt.ends[-2] + 1
    assert prompt.blocks[-1].marker is None


def test_without_a_tail_the_prompt_keeps_its_blocks():
    blocks = split_object("anthropic-messages", BODY)
    assert TokenCounts().counted(Prompt(blocks)).blocks == blocks
