from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ContextTooLong,
    ModelError,
    NotFound,
    ProtocolError,
    RateLimited,
    ServerError,
)
from agentlab.http import Frame, SSEFramer
from agentlab.messages import (
    Citation,
    ModelEvent,
    ProviderPart,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningText,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UnknownEvent,
)
from agentlab.models.anthropic import AnthropicMessages
from agentlab.models.anthropic_decoder import AnthropicDecoder, error_of, finish_reason_of, usage_of

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [],
        "usage": {
            "input_tokens": 10,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 1,
        },
    },
}
STOP = {"type": "message_stop"}


def start(index: int, block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def message_delta(reason: str | None, **usage: Any) -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": usage or None,
    }


def frame(event: Any) -> Frame:
    return Frame(json.dumps(event).encode(), event.get("type", ""))


def decode(*events: Any) -> tuple[AnthropicDecoder, list[ModelEvent]]:
    decoder = AnthropicDecoder()
    made: list[ModelEvent] = []
    for event in events:
        made += decoder.frame(event if isinstance(event, Frame) else frame(event))
    return decoder, made + decoder.end()


def test_text_thinking_and_a_tool_call_become_parts_in_their_order() -> None:
    decoder, events = decode(
        START,
        start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        delta(0, "thinking_delta", thinking="Let me "),
        delta(0, "thinking_delta", thinking="see."),
        delta(0, "signature_delta", signature="c2ln"),
        stop(0),
        start(1, {"type": "text", "text": ""}),
        {"type": "ping"},
        delta(1, "text_delta", text="I will add."),
        stop(1),
        start(2, {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}),
        delta(2, "input_json_delta", partial_json=""),
        delta(2, "input_json_delta", partial_json='{"a": 1'),
        delta(2, "input_json_delta", partial_json=', "b": 2}'),
        stop(2),
        message_delta("tool_use", output_tokens=40),
        STOP,
    )
    call = ToolCall("toolu_1", "add", '{"a": 1, "b": 2}', provider_id="toolu_1")
    thought = Reasoning((ReasoningText("Let me see.", "c2ln"),))
    assert events == [
        ReasoningDelta("Let me ", 0),
        ReasoningDelta("see.", 0),
        ReasoningBlock(thought, 0),
        TextDelta("I will add.", 1),
        ToolCallDelta("toolu_1", "add", "", 2),
        ToolCallDelta("toolu_1", "add", '{"a": 1', 2),
        ToolCallDelta("toolu_1", "add", ', "b": 2}', 2),
        call,
    ]
    assembly = decoder.assembly
    assert assembly.message().content == (thought, Text("I will add."), call)
    assert (assembly.finish_reason, assembly.raw_finish_reason) == ("tool_calls", "tool_use")
    assert assembly.complete
    assert (assembly.model, assembly.response_id, assembly.message_id) == (
        "claude-sonnet-5",
        "msg_1",
        "msg_1",
    )


def test_a_message_is_complete_only_after_message_stop() -> None:
    decoder, _ = decode(START, start(0, {"type": "text", "text": "hi"}), stop(0), message_delta("end_turn"))
    assert decoder.assembly.finish_reason == "stop"
    assert not decoder.assembly.complete


def test_cut_arguments_stay_raw_and_their_call_is_no_event() -> None:
    decoder, events = decode(
        START,
        start(0, {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {}}),
        delta(0, "input_json_delta", partial_json='{"path": "/tm'),
    )
    assert not any(isinstance(event, ToolCall) for event in events)
    assert decoder.assembly.message(interrupted=True).tool_calls[0].arguments_json == '{"path": "/tm'


def test_input_given_at_the_start_counts_where_no_deltas_follow() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
    decoder, _ = decode(START, start(0, block), stop(0), STOP)
    assert decoder.assembly.message().tool_calls[0].arguments == {"a": 1}
    decoder, _ = decode(START, start(0, {**block, "input": {}}), stop(0), STOP)
    assert decoder.assembly.message().tool_calls[0].arguments_json == "{}"


def test_input_given_at_the_start_and_in_deltas_is_not_doubled() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
    decoder, _ = decode(
        START, start(0, block), delta(0, "input_json_delta", partial_json='{"a":1}'), stop(0), STOP
    )
    assert decoder.assembly.message().tool_calls[0].arguments_json == '{"a":1}'


def test_a_block_without_its_stop_is_finished_by_message_stop() -> None:
    decoder, events = decode(
        START,
        start(0, {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}),
        delta(0, "input_json_delta", partial_json="{}"),
        STOP,
    )
    assert events[-1] == decoder.assembly.message().tool_calls[0]


def test_who_called_a_tool_is_kept_unless_it_is_the_model_itself() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}, "caller": {"type": "direct"}}
    decoder, _ = decode(START, start(0, block), stop(0), STOP)
    assert decoder.assembly.message().tool_calls[0].extra is None
    caller = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
    decoder, _ = decode(START, start(0, {**block, "caller": caller}), stop(0), STOP)
    assert decoder.assembly.message().tool_calls[0].extra == {"caller": caller}


def test_omitted_thinking_keeps_its_signature_and_redacted_thinking_its_data() -> None:
    decoder, events = decode(
        START,
        start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        delta(0, "signature_delta", signature="c2ln"),
        stop(0),
        start(1, {"type": "redacted_thinking", "data": "b3BhcXVl"}),
        stop(1),
        STOP,
    )
    hidden = Reasoning((ReasoningText("", "c2ln"),))
    redacted = Reasoning((ReasoningRedacted("b3BhcXVl"),))
    assert events == [ReasoningBlock(hidden, 0), ReasoningBlock(redacted, 1)]
    assert decoder.assembly.message().content == (hidden, redacted)


def test_a_server_tool_is_kept_verbatim_with_the_input_that_streamed() -> None:
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"url": "u"}]}
    decoder, events = decode(
        START,
        start(0, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
        delta(0, "input_json_delta", partial_json=""),
        delta(0, "input_json_delta", partial_json='{"query": "x"}'),
        stop(0),
        start(1, result),
        stop(1),
        STOP,
    )
    used = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    assert events == []
    assert decoder.assembly.message().content == (
        ProviderPart("anthropic-messages", "server_tool_use", used),
        ProviderPart("anthropic-messages", "web_search_tool_result", result),
    )


def test_a_compaction_is_joined_from_its_deltas_with_its_signature() -> None:
    decoder, _ = decode(
        START,
        start(0, {"type": "compaction", "content": None}),
        delta(0, "compaction_delta", content="Summary"),
        delta(0, "compaction_delta", content=" ends.", signature="c2ln"),
        stop(0),
        STOP,
    )
    (part,) = decoder.assembly.message().content
    assert part == ProviderPart(
        "anthropic-messages",
        "compaction",
        {"type": "compaction", "content": "Summary ends.", "signature": "c2ln"},
    )


def test_a_fallback_names_the_model_that_answers() -> None:
    decoder, _ = decode(
        START, start(0, {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}), stop(0), STOP
    )
    assert decoder.assembly.model == "b"


def test_citations_are_read_from_deltas() -> None:
    cited = {
        "type": "char_location",
        "cited_text": "grass is green",
        "document_title": "Facts",
        "document_index": 0,
    }
    found = {"type": "web_search_result_location", "cited_text": "sky", "title": "T", "url": "https://e.org"}
    decoder, _ = decode(
        START,
        start(0, {"type": "text", "text": "", "citations": []}),
        delta(0, "citations_delta", citation=cited),
        delta(0, "text_delta", text="Grass is green."),
        delta(0, "citations_delta", citation=found),
        stop(0),
        STOP,
    )
    assert decoder.assembly.message().content == (
        Text(
            "Grass is green.",
            citations=(
                Citation(title="Facts", quote="grass is green", raw=cited),
                Citation(title="T", url="https://e.org", quote="sky", raw=found),
            ),
        ),
    )


def test_usage_of_the_end_is_laid_over_usage_of_the_start_and_null_changes_nothing() -> None:
    decoder, _ = decode(
        START,
        message_delta(
            "end_turn",
            input_tokens=30,
            cache_read_input_tokens=None,
            output_tokens=9,
            output_tokens_details={"thinking_tokens": 4},
        ),
        STOP,
    )
    usage = decoder.assembly.usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (150, 100, 20)
    assert (usage.output_tokens, usage.reasoning_tokens) == (9, 4)
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (20, 0)
    assert usage.raw is not None
    assert usage.raw["input_tokens"] == 30
    assert usage.raw["cache_read_input_tokens"] == 100


def test_the_split_of_cache_writes_grows_with_their_total_only_where_it_is_certain() -> None:
    def split(short: int, long: int, total: int) -> tuple[int | None, int | None]:
        usage = usage_of(
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": total,
                "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
            }
        )
        return usage.cache_write_5m_tokens, usage.cache_write_1h_tokens

    assert split(5, 7, 12) == (5, 7)
    assert split(5, 0, 9) == (9, 0)
    assert split(0, 7, 9) == (0, 9)
    assert split(0, 0, 9) == (None, None)
    assert split(5, 7, 20) == (None, None)


def test_usage_that_is_not_reported_is_none_and_iterations_stay_in_raw() -> None:
    assert usage_of({}).input_tokens is None
    assert usage_of({"input_tokens": 3}).cache_read_tokens is None
    rounds = [{"type": "compaction", "input_tokens": 9}]
    assert usage_of({"input_tokens": 3, "iterations": rounds}).raw == {
        "input_tokens": 3,
        "iterations": rounds,
    }
    assert usage_of({"input_tokens": 3, "cost": 0.5}).reported_cost_usd == 0.5


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "other"),
        ("a_new_word", "other"),
        (None, None),
    ],
)
def test_stop_reasons_are_normalised(word: str | None, reason: str | None) -> None:
    assert finish_reason_of(word) == reason


def test_a_gateways_end_marker_is_ignored() -> None:
    decoder, events = decode(
        START, start(0, {"type": "text", "text": "x"}), stop(0), STOP, Frame(b"[DONE]", "data")
    )
    assert decoder.assembly.complete
    assert events == [TextDelta("x", 0)]


def test_unknown_events_deltas_and_blocks_pass_through() -> None:
    block = {"type": "hologram", "data": "x"}
    decoder, events = decode(
        START,
        {"type": "weather", "index": "odd"},
        start(0, block),
        delta(0, "hologram_delta", text={"not": "a string"}),
        delta(0, "sparkle_delta", size=3),
        stop(0),
        STOP,
    )
    assert [event.kind for event in events if isinstance(event, UnknownEvent)] == [
        "weather",
        "hologram_delta",
        "sparkle_delta",
        "hologram",
    ]
    assert decoder.assembly.message().content == (ProviderPart("anthropic-messages", "hologram", block),)


@pytest.mark.parametrize(
    "data",
    [
        b'{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "te',
        b"nothing of the kind",
        b'["a list"]',
        b'{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 7}}',
        b'{"type": "content_block_delta", "index": 0}',
        b'{"type": "content_block_start", "index": 0}',
        b'{"type": "message_start"}',
        b'{"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": "{"}}',
        b'\xff{"type": "ping"}',
    ],
)
def test_a_frame_that_the_wire_does_not_allow_is_a_protocol_error(data: bytes) -> None:
    decoder, _ = decode(START)
    with pytest.raises(ProtocolError):
        decoder.frame(Frame(data))


def test_a_second_message_in_one_stream_is_a_protocol_error() -> None:
    decoder, _ = decode(START, start(0, {"type": "text", "text": "a"}))
    with pytest.raises(ProtocolError):
        decoder.frame(frame(START))


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("overloaded_error", ServerError, 529),
        ("api_error", ServerError, 500),
        ("timeout_error", ServerError, 504),
        ("rate_limit_error", RateLimited, 429),
        ("authentication_error", AuthenticationFailed, 401),
        ("permission_error", AuthenticationFailed, 403),
        ("not_found_error", NotFound, 404),
        ("invalid_request_error", BadRequest, 400),
        ("request_too_large", BadRequest, 413),
        ("a_new_error", ServerError, 500),
    ],
)
def test_an_error_in_the_stream_is_raised_as_what_it_is(
    kind: str, error: type[ModelError], status: int
) -> None:
    decoder, _ = decode(START)
    with pytest.raises(error) as caught:
        decoder.frame(
            frame({"type": "error", "error": {"type": kind, "message": "No."}, "request_id": "req_1"})
        )
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (status, kind, "req_1")
    assert "No." in str(caught.value)


def test_an_error_without_a_type_is_raised_too() -> None:
    decoder, _ = decode(START)
    with pytest.raises(ServerError):
        decoder.frame(Frame(b'{"error": {"message": "gateway failed"}}', "data"))


def test_http_errors_are_read_from_their_body() -> None:
    wire = AnthropicMessages()
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}'
    assert isinstance(wire.error(400, body), ContextTooLong)
    body = b'{"error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit"}}'
    assert isinstance(wire.error(400, body), ContextTooLong)
    plain = wire.error(502, b"<html>Bad gateway</html>")
    assert isinstance(plain, ServerError)
    assert plain.body == "<html>Bad gateway</html>"
    assert "Bad gateway" in str(plain)
    assert isinstance(error_of({"message": "slow down"}, status=429), RateLimited)


MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "text", "text": "So.", "citations": [{"type": "char_location", "cited_text": "q"}]},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 3, "output_tokens": 4},
}


def streamed(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The events a stream of a message would hold."""
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**message, "content": []}}]
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        if kind == "text":
            events.append(start(index, {"type": "text", "text": ""}))
            events += [delta(index, "text_delta", text=letter) for letter in block["text"]]
            events += [delta(index, "citations_delta", citation=each) for each in block.get("citations", ())]
        elif kind == "thinking":
            events.append(start(index, {"type": "thinking", "thinking": "", "signature": ""}))
            events += [delta(index, "thinking_delta", thinking=letter) for letter in block["thinking"]]
            events.append(delta(index, "signature_delta", signature=block["signature"]))
        elif kind.endswith("tool_use"):
            events.append(start(index, {**block, "input": {}}))
            text = json.dumps(block["input"], separators=(",", ":"))
            events += [
                delta(index, "input_json_delta", partial_json=text[at : at + 3])
                for at in range(0, len(text), 3)
            ]
        else:
            events.append(start(index, block))
        events.append(stop(index))
    return [*events, message_delta(message["stop_reason"], **message["usage"]), STOP]


def test_a_whole_response_gives_what_its_stream_gives() -> None:
    whole = AnthropicDecoder()
    events = whole.body(json.dumps(MESSAGE).encode())
    parts, made = decode(*streamed(MESSAGE))
    assert whole.assembly.message() == parts.assembly.message()
    assert whole.assembly.usage == parts.assembly.usage
    assert whole.assembly.finish_reason == parts.assembly.finish_reason == "tool_calls"
    assert whole.assembly.complete
    for kind in (ToolCall, ReasoningBlock):
        assert [each for each in events if isinstance(each, kind)] == [
            each for each in made if isinstance(each, kind)
        ]
    for kind in (TextDelta, ReasoningDelta):
        assert "".join(each.text for each in events if isinstance(each, kind)) == "".join(
            each.text for each in made if isinstance(each, kind)
        )


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"type": "message"}', b'{"content": "text"}'])
def test_a_response_that_is_not_a_message_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        AnthropicDecoder().body(body)


def test_an_error_object_with_status_200_is_raised() -> None:
    with pytest.raises(ServerError):
        AnthropicDecoder().body(b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80))
def test_how_the_bytes_are_cut_changes_nothing(sizes: list[int]) -> None:
    events = streamed(MESSAGE)
    body = b"".join(
        b"event: " + each["type"].encode() + b"\ndata: " + json.dumps(each).encode() + b"\n\n"
        for each in events
    )
    framer, decoder = SSEFramer(), AnthropicDecoder()
    made: list[ModelEvent] = []
    at = 0
    for size in [*sizes, len(body)]:
        for each in framer.feed(body[at : at + size]):
            made += decoder.frame(each)
        at += size
    assert made == decode(*events)[1]


@given(st.binary(max_size=200))
def test_garbage_is_a_model_error_or_nothing_else(data: bytes) -> None:
    decoder, _ = decode(START)
    try:
        decoder.frame(Frame(data))
    except ModelError as error:
        assert str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
known_keys = st.sampled_from(
    ["index", "delta", "content_block", "message", "usage", "error", "text", "input", "id"]
)


@given(
    st.sampled_from(["message_start", "content_block_start", "content_block_delta", "message_delta", "new"]),
    st.dictionaries(known_keys, json_values, max_size=4),
    st.sampled_from(["text", "thinking", "tool_use", "redacted_thinking", "text_delta", "input_json_delta"]),
)
def test_defective_events_never_escape_as_another_error(
    kind: str, fields: dict[str, Any], inner: str
) -> None:
    for key in ("delta", "content_block"):
        if isinstance(fields.get(key), dict):
            fields[key]["type"] = inner
    decoder = AnthropicDecoder()
    try:
        decoder.frame(frame({"type": kind, **fields}))
        decoder.frame(frame(STOP))
    except ModelError as error:
        assert str(error)
