"""Hypothesis strategies for messages."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Citation,
    Document,
    Image,
    Json,
    Message,
    ProviderPart,
    Reasoning,
    ReasoningEncrypted,
    ReasoningRedacted,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
)

words = st.text(st.characters(codec="utf-8"), max_size=30)
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(words, json_values, max_size=3)

texts = st.builds(
    Text,
    words,
    st.lists(st.builds(Citation, title=st.none() | words, raw=st.none() | json_objects), max_size=2).map(
        tuple
    ),
    st.none() | words,
)
images = st.binary(max_size=8).map(Image.from_bytes) | st.just(Image.from_url("https://example.org/cat.png"))
documents = st.builds(Document.from_text, words, names)
reasoning = st.builds(
    Reasoning,
    st.lists(
        st.builds(ReasoningText, words, st.none() | words)
        | st.builds(ReasoningEncrypted, words)
        | st.builds(ReasoningRedacted, words)
        | st.builds(ReasoningSummary, words),
        max_size=3,
    ).map(tuple),
    st.none() | names,
)
call_ids = st.sampled_from(["call_1", "call_2", "call_3"])
tool_calls = st.builds(
    ToolCall,
    id=call_ids,
    name=names,
    arguments_json=json_objects.map(json.dumps) | st.just("") | st.just('{"cut": "of'),
    provider_id=st.none() | call_ids,
    signature=st.none() | words,
)
tool_results = st.builds(
    ToolResult,
    call_id=call_ids,
    name=names,
    content=st.lists(texts | st.builds(Json, json_values) | images, max_size=2).map(tuple),
    status=st.sampled_from(["success", "failed", "skipped", "interrupted"]),
)
provider_parts = st.builds(ProviderPart, names, names, json_objects)

system_messages = st.builds(SystemMessage, words)
user_messages = st.builds(
    UserMessage, st.lists(texts | images | documents | tool_results, max_size=4).map(tuple)
)
assistant_messages = st.builds(
    AssistantMessage,
    content=st.lists(
        texts | reasoning | tool_calls | provider_parts | st.builds(Refusal, words), max_size=4
    ).map(tuple),
    id=st.none() | names,
    wire=st.none() | names,
    interrupted=st.booleans(),
)
messages: st.SearchStrategy[Message] = system_messages | user_messages | assistant_messages
histories = st.lists(messages, max_size=8)
