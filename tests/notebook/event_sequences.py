"""Any sequence of events, sensible or not."""

from __future__ import annotations

from hypothesis import strategies as st

from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    AssistantMessage,
    Audio,
    Base64Source,
    Citation,
    Event,
    Image,
    Json,
    Notice,
    ProviderPart,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningEncrypted,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    RequestSent,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    Retrying,
    RunFinished,
    Text,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UnknownEvent,
    UrlSource,
    Usage,
)
from tests.modalities.provider import WAV
from tests.notebook.run.made_images import PNG

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["- a\n", "\n\n", "```\n", "| a |\n|--|\n", "<b>", "🙂", "\ud800"]
)
_INDEX = st.integers(0, 2)
_IDS = st.sampled_from(["call_1", "call_2", ""])
_NAMES = st.sampled_from(["add", "", "<b>"])
_COUNT = st.none() | st.integers(0, 5000)
USAGES = st.builds(
    Usage,
    input_tokens=_COUNT,
    output_tokens=_COUNT,
    cache_read_tokens=_COUNT,
    cache_write_tokens=_COUNT,
    cache_write_5m_tokens=_COUNT,
    cache_write_1h_tokens=_COUNT,
    reasoning_tokens=_COUNT,
)
_REASONING = st.builds(
    Reasoning,
    st.lists(
        st.builds(ReasoningText, TEXTS)
        | st.builds(ReasoningSummary, TEXTS)
        | st.builds(ReasoningEncrypted, TEXTS),
        max_size=2,
    ).map(tuple),
)
_CALL = st.builds(ToolCall, _IDS, _NAMES, TEXTS | st.sampled_from(['{"a": 1}', "{", ""]))
_PART = st.one_of(
    st.builds(Text, TEXTS, st.sampled_from([(), (Citation("t", "https://a.invalid"),)])),
    st.builds(Refusal, TEXTS),
    _REASONING,
    _CALL,
    st.just(Image(UrlSource("https://a.invalid"))),
    st.just(Audio(UrlSource("https://a.invalid"), "audio/wav")),
    st.just(Image.from_bytes(PNG)),
    st.just(Audio(Base64Source.from_bytes(WAV), "audio/wav")),
    st.just(ProviderPart("anthropic", "web_search", {})),
)
_MESSAGES = st.builds(AssistantMessage, st.lists(_PART, max_size=4).map(tuple), interrupted=st.booleans())
_RESULT = st.builds(
    ToolResult,
    _IDS,
    _NAMES,
    st.lists(
        st.builds(Text, TEXTS) | st.just(Json({"a": [1]})) | st.just(Image.from_bytes(PNG)), max_size=2
    ).map(tuple),
    st.sampled_from(["success", "failed", "skipped", "interrupted"]),
)
_TURN_FINISHED = st.builds(
    TurnFinished,
    _MESSAGES,
    USAGES,
    st.sampled_from([None, "stop", "length", "tool_calls"]),
    turn=st.integers(1, 9),
    timing=st.builds(Timing, duration_s=st.floats(0, 9), time_to_first_token_s=st.none() | st.floats(0, 9)),
    cost_usd=st.none() | st.floats(0, 1),
)
RUN_FINISHED = st.builds(
    RunFinished,
    TEXTS,
    st.just(Usage()),
    st.sampled_from(["done", "stopped", "max_turns", "cancelled", "error"]),
    st.none() | TEXTS,
)
_PLACES = st.integers(0, 1)
_SOUGHT = st.sampled_from(["documents", "tools"])
_HITS = st.lists(
    st.builds(RetrievedHit, TEXTS, st.none() | st.floats(-9, 9), st.integers(0, 5000), TEXTS, st.booleans()),
    max_size=3,
).map(tuple)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(RetrievalStarted, _PLACES, _SOUGHT, TEXTS, TEXTS),
    st.builds(Retrieved, _PLACES, _SOUGHT, TEXTS, TEXTS, _HITS, st.floats()),
    st.builds(TurnStarted, st.integers(1, 9), TEXTS),
    st.just(RequestSent("w", "u", "{}")),
    st.builds(Retrying, st.integers(1, 3), st.floats(0, 9), TEXTS, st.none() | st.integers(400, 599)),
    st.builds(Notice, st.sampled_from(["warning", "prefix_moved"]), TEXTS),
    st.builds(TextDelta, TEXTS, _INDEX),
    st.builds(ReasoningDelta, TEXTS, _INDEX),
    st.builds(ReasoningBlock, _REASONING, _INDEX),
    st.builds(ToolCallDelta, _IDS, _NAMES, TEXTS, _INDEX),
    _CALL,
    _TURN_FINISHED,
    st.builds(ApprovalAsked, _IDS, _NAMES, TEXTS),
    st.builds(ApprovalGiven, _IDS, st.booleans(), TEXTS),
    st.builds(ToolStarted, _IDS, _NAMES),
    _RESULT,
    st.just(UnknownEvent("new", {"a": 1})),
    RUN_FINISHED,
)
SEQUENCES = st.lists(EVENTS, max_size=30)
