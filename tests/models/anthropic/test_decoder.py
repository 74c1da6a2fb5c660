from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

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
)
from agentlab.models.anthropic.decoder import AnthropicDecoder
from tests.models.anthropic.frames import (
    MESSAGE,
    START,
    STOP,
    decode,
    delta,
    message_delta,
    start,
    stop,
    streamed,
)


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
    upload = {"type": "container_upload", "file_id": "file_1"}
    decoder, _ = decode(START, start(0, upload), STOP)
    assert decoder.assembly.message().content == (
        ProviderPart("anthropic-messages", "container_upload", upload),
    )


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


def test_a_gateways_end_marker_is_ignored() -> None:
    decoder, events = decode(
        START, start(0, {"type": "text", "text": "x"}), stop(0), STOP, Frame(b"[DONE]", "data")
    )
    assert decoder.assembly.complete
    assert events == [TextDelta("x", 0)]


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
