from __future__ import annotations

from typing import Any

import pytest

from agentlab.messages import (
    ProviderPart,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningEncrypted,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from tests.models.openai_responses.frames import (
    USAGE,
    added,
    args_delta,
    call_item,
    completed,
    created,
    done,
    feed,
    message_item,
    new_decoder,
    reasoning_item,
    text_delta,
)


def test_text_streams_as_deltas_and_keeps_id_phase_usage_and_finish() -> None:
    decoder = new_decoder()
    item = message_item("Hello", phase="final_answer")
    events = feed(
        decoder,
        created(),
        added(0, {"type": "message", "id": "msg_1"}),
        text_delta(0, "Hel", logprobs=[], obfuscation="xx"),
        text_delta(0, "lo"),
        {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Hello"},
        done(0, item),
        completed([item]),
    )
    assert events == [TextDelta("Hel", 0), TextDelta("lo", 0)]
    assembly = decoder.assembly
    assert assembly.message().content == (Text("Hello", extra={"id": "msg_1", "phase": "final_answer"}),)
    assert (assembly.message_id, assembly.response_id, assembly.model) == ("msg_1", "resp_1", "gpt-x")
    assert (assembly.complete, assembly.finish_reason, assembly.raw_finish_reason) == (
        True,
        "stop",
        "completed",
    )


def test_usage_counts_the_cache_inside_the_prompt_and_keeps_the_raw_object() -> None:
    decoder = new_decoder()
    feed(decoder, completed([]))
    usage = decoder.assembly.usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (120, 64, 32)
    assert (usage.output_tokens, usage.reasoning_tokens, usage.reported_total_tokens) == (30, 12, 150)
    assert usage.uncached_tokens == 24
    assert usage.raw == USAGE


def test_usage_that_is_not_reported_stays_none() -> None:
    decoder = new_decoder()
    feed(decoder, completed([], usage={"input_tokens": 5, "input_tokens_details": None}))
    assert decoder.assembly.usage.cache_read_tokens is None
    assert decoder.assembly.usage.output_tokens is None


@pytest.mark.parametrize(
    ("raw", "dollars"), [({"cost": 0.25}, 0.25), ({"cost_in_usd_ticks": 20_000_000}, 0.002), ({}, None)]
)
def test_the_cost_a_vendor_reports_is_in_dollars(raw: dict[str, Any], dollars: float | None) -> None:
    decoder = new_decoder()
    feed(decoder, completed([], usage=raw))
    assert decoder.assembly.usage.reported_cost_usd == pytest.approx(dollars)


def test_reasoning_summary_streams_and_the_block_holds_id_summary_and_seal() -> None:
    decoder = new_decoder()
    summary = {"type": "response.reasoning_summary_text.delta", "output_index": 0}
    item = {
        **reasoning_item("sealed"),
        "summary": [{"type": "summary_text", "text": "First"}, {"type": "summary_text", "text": "Second"}],
    }
    events = feed(
        decoder,
        added(0, reasoning_item("half")),
        {**summary, "summary_index": 0, "delta": "First"},
        {**summary, "summary_index": 1, "delta": "Sec"},
        {**summary, "summary_index": 1, "delta": "ond"},
        done(0, item),
    )
    block = Reasoning(
        (ReasoningSummary("First"), ReasoningSummary("Second"), ReasoningEncrypted("sealed")), id="rs_1"
    )
    assert events == [
        ReasoningDelta("First", 0),
        ReasoningDelta("\nSec", 0),
        ReasoningDelta("ond", 0),
        ReasoningBlock(block, 0),
    ]
    assert decoder.assembly.message().content == (block,)


def test_reasoning_in_clear_is_kept_apart_from_summaries() -> None:
    decoder = new_decoder()
    delta = {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0}
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hmm."}],
    }
    events = feed(decoder, {**delta, "delta": "Hmm"}, {**delta, "delta": "."}, done(0, item))
    assert events[-1] == ReasoningBlock(Reasoning((ReasoningText("Hmm."),), id="rs_1"), 0)


def test_a_function_call_streams_keeps_both_ids_and_turns_stop_into_tool_calls() -> None:
    decoder = new_decoder()
    item = call_item('{"a":1}')
    events = feed(
        decoder,
        added(0, call_item("")),
        args_delta(0, '{"a"'),
        args_delta(0, ":1}"),
        {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"a":1}'},
        done(0, item),
        completed([item]),
    )
    call = ToolCall("call_1", "add", '{"a":1}', provider_id="call_1", item_id="fc_1")
    assert events == [
        ToolCallDelta("call_1", "add", "", 0),
        ToolCallDelta("call_1", "add", '{"a"', 0),
        ToolCallDelta("call_1", "add", ":1}", 0),
        call,
    ]
    assert decoder.assembly.finish_reason == "tool_calls"
    assert decoder.assembly.raw_finish_reason == "completed"


def test_interleaved_parallel_calls_do_not_mix() -> None:
    decoder = new_decoder()
    first, second = call_item("{1}", "fc_1", "call_1"), call_item("{2}", "fc_2", "call_2")
    feed(
        decoder,
        added(0, first | {"arguments": ""}),
        added(1, second | {"arguments": ""}),
        args_delta(0, "{"),
        args_delta(1, "{"),
        args_delta(1, "2}"),
        args_delta(0, "1}"),
        done(1, second),
        done(0, first),
        completed([first, second]),
    )
    calls = decoder.assembly.message().tool_calls
    assert [(call.id, call.arguments_json) for call in calls] == [("call_1", "{1}"), ("call_2", "{2}")]


def test_a_refusal_has_its_own_part() -> None:
    decoder = new_decoder()
    item = message_item("") | {"content": [{"type": "refusal", "refusal": "No."}]}
    delta = {"type": "response.refusal.delta", "output_index": 0, "content_index": 0}
    feed(decoder, {**delta, "delta": "N"}, {**delta, "delta": "o."}, done(0, item), completed([item]))
    assert decoder.assembly.message().content == (Refusal("No."),)


def test_citations_are_kept_once_whether_streamed_or_only_in_the_item() -> None:
    web = {
        "type": "url_citation",
        "url": "https://a.example",
        "title": "A",
        "start_index": 0,
        "end_index": 1,
    }
    file = {"type": "file_citation", "file_id": "file_1", "filename": "b.txt", "index": 1}
    item = message_item("xy", part={"annotations": [web, file]})
    decoder = new_decoder()
    note = {"type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0}
    feed(decoder, text_delta(0, "xy"), {**note, "annotation": web}, done(0, item), completed([item]))
    (text,) = decoder.assembly.message().content
    assert isinstance(text, Text)
    assert [(c.title, c.url, c.raw) for c in text.citations] == [
        ("A", "https://a.example", web),
        ("b.txt", None, file),
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "mcp_call",
        "mcp_list_tools",
        "image_generation_call",
        "computer_call",
        "compaction",
        "something_new_call",
    ],
)
def test_a_server_tool_is_kept_whole(kind: str) -> None:
    decoder = new_decoder()
    item = {"type": kind, "id": "x_1", "status": "completed", "detail": {"deep": [1, None]}}
    events = feed(
        decoder, added(0, {"type": kind, "id": "x_1"}), done(0, item), text_delta(1, "so"), completed([item])
    )
    assert events == [TextDelta("so", 1)]
    assert decoder.assembly.message().content == (ProviderPart("openai-responses", kind, item), Text("so"))


def test_a_free_text_tool_call_keeps_its_text_and_is_marked() -> None:
    decoder = new_decoder()
    item = {
        "type": "custom_tool_call",
        "id": "ctc_1",
        "call_id": "call_9",
        "name": "sql",
        "input": "SELECT 1",
    }
    delta = {"type": "response.custom_tool_call_input.delta", "output_index": 0}
    feed(
        decoder,
        added(0, item | {"input": ""}),
        {**delta, "delta": "SELECT"},
        {"type": "response.custom_tool_call_input.done", "output_index": 0, "input": "SELECT 1"},
        done(0, item),
        completed([item]),
    )
    assert decoder.assembly.message().tool_calls == (
        ToolCall("call_9", "sql", "SELECT 1", provider_id="call_9", item_id="ctc_1", extra={"custom": True}),
    )
