"""Whatever a client sends, reading it ends in a question or a refusal, never in another error."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.agent import Agent
from agentlab.messages import UserMessage
from agentlab.serving.chat.body import read_chat
from agentlab.serving.refusals import Refused
from agentlab.serving.responses.body import ResponsesReader
from agentlab.serving.service import AgentService

SERVICE = AgentService({"agent": Agent("ollama:never-asked", base_url="http://127.0.0.1:9")})

plain = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "c1", "auto", "agent"])
anything = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
content = st.sampled_from(["", "Hi", "Well?"]) | st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "input_text", "refusal"]), "text": st.just("x")}),
    max_size=2,
)
function = st.fixed_dictionaries(
    {"name": st.sampled_from(["f", "g"]), "arguments": st.sampled_from(["", "{}"])}
)
made = st.fixed_dictionaries(
    {"id": st.sampled_from(["c1", "c2"]), "type": st.just("function"), "function": function}
)
message = st.one_of(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "system", "developer", "assistant"]), "content": content}
    ),
    st.fixed_dictionaries({"role": st.just("assistant"), "tool_calls": st.lists(made, max_size=2)}),
    st.fixed_dictionaries(
        {"role": st.just("tool"), "tool_call_id": st.sampled_from(["c1", "c2"]), "content": content}
    ),
    anything,
)
item = st.one_of(
    message,
    st.fixed_dictionaries(
        {
            "type": st.just("function_call"),
            "call_id": st.sampled_from(["c1", "c2"]),
            "name": st.just("f"),
            "arguments": st.just("{}"),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("function_call_output"), "call_id": st.sampled_from(["c1", "c2"]), "output": content}
    ),
    st.just({"type": "reasoning", "summary": []}),
)
fields = st.dictionaries(
    st.sampled_from(["temperature", "max_tokens", "tools", "tool_choice", "stop", "n", "top_p", "text"]),
    anything,
    max_size=2,
)


@given(st.lists(message, max_size=5) | anything, fields)
def test_a_chat_body_is_a_run_or_a_refusal(messages: Any, more: dict[str, Any]) -> None:
    body = msgspec.json.encode({"model": "agent", "messages": messages, **more})
    with suppress(Refused):
        run = SERVICE.begin(read_chat(body).question).run
        assert run.status == "ready"
        assert isinstance(run.all_messages[-1], UserMessage)


@given(st.lists(item, max_size=5) | anything, fields)
def test_a_responses_body_is_a_run_or_a_refusal(given_input: Any, more: dict[str, Any]) -> None:
    body = msgspec.json.encode({"model": "agent", "input": given_input, **more})
    with suppress(Refused):
        run = SERVICE.begin(ResponsesReader(4).read(body).question).run
        assert run.status == "ready"
        assert isinstance(run.all_messages[-1], UserMessage)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_body_are_refused(body: bytes) -> None:
    for read in (read_chat, ResponsesReader(4).read):
        with pytest.raises(Refused) as refused:
            read(body)
        assert refused.value.answer.status == 400
