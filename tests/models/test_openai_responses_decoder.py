from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import (
    BadRequest,
    ContentFiltered,
    ContextTooLong,
    ModelError,
    NotFound,
    ProtocolError,
    RateLimited,
    ServerError,
)
from agentlab.http import Frame
from agentlab.messages import (
    ModelEvent,
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
    UnknownEvent,
)
from agentlab.models.assembly import Assembly
from agentlab.models.openai_responses_decoder import ResponsesDecoder

USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 32},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 150,
}


def new_decoder() -> ResponsesDecoder:
    counter = itertools.count()
    return ResponsesDecoder(Assembly("openai-responses", mint=lambda: f"minted-{next(counter)}"))


def feed(decoder: ResponsesDecoder, *payloads: dict[str, Any]) -> list[ModelEvent]:
    events: list[ModelEvent] = []
    for payload in payloads:
        events += decoder.frame(Frame(json.dumps(payload).encode(), payload.get("type", "")))
    if decoder.assembly.complete:
        events += decoder.assembly.close()
    return events


def created(**fields: Any) -> dict[str, Any]:
    return {
        "type": "response.created",
        "response": {"id": "resp_1", "model": "gpt-x", "status": "in_progress", **fields},
    }


def added(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def text_delta(index: int, delta: str, content: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "output_index": index,
        "content_index": content,
        "delta": delta,
        **fields,
    }


def completed(output: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    response = {"id": "resp_1", "model": "gpt-x", "status": "completed", "output": output, "usage": USAGE}
    return {"type": "response.completed", "response": response | fields}


def message_item(text: str, item_id: str = "msg_1", **fields: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], **fields.pop("part", {})}]
    return {
        "type": "message",
        "id": item_id,
        "role": "assistant",
        "status": "completed",
        "content": content,
        **fields,
    }


def reasoning_item(sealed: str | None, item_id: str = "rs_1", summary: str = "") -> dict[str, Any]:
    parts = [{"type": "summary_text", "text": summary}] if summary else []
    return {"type": "reasoning", "id": item_id, "summary": parts, "encrypted_content": sealed}


def call_item(arguments: str, item_id: str = "fc_1", call_id: str = "call_1") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": item_id,
        "call_id": call_id,
        "name": "add",
        "arguments": arguments,
    }


def args_delta(index: int, delta: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.delta", "output_index": index, "delta": delta}


# ------------------------------------------------------------------------------------------- the plain way


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


# ----------------------------------------------------------------------------------------- odd real traffic


def test_ids_that_change_on_every_event_are_not_used_to_correlate() -> None:
    decoder = new_decoder()
    feed(
        decoder,
        created(id="resp_a"),
        added(0, reasoning_item("s0", "id_1")),
        done(0, reasoning_item("s1", "id_2")),
        added(1, {"type": "message", "id": "id_3"}),
        text_delta(1, "He", item_id="id_4"),
        text_delta(1, "y", item_id="id_5"),
        done(1, message_item("Hey", "id_6")),
        completed([reasoning_item("s2", "id_7"), message_item("Hey", "id_8")], id="resp_b"),
    )
    assert decoder.assembly.message().content == (
        Reasoning((ReasoningEncrypted("s1"),), id="id_2"),
        Text("Hey", extra={"id": "id_6"}),
    )


def test_the_seal_of_the_final_response_replaces_that_of_the_item_under_the_same_id() -> None:
    decoder = new_decoder()
    events = feed(
        decoder,
        added(0, reasoning_item("short")),
        done(0, reasoning_item("longer", summary="why")),
        completed([reasoning_item("longest", summary="why")]),
    )
    sealed = Reasoning((ReasoningSummary("why"), ReasoningEncrypted("longest")), id="rs_1")
    assert decoder.assembly.message().content == (sealed,)
    assert sum(isinstance(event, ReasoningBlock) for event in events) == 1


def test_items_are_kept_where_the_final_response_has_an_empty_output() -> None:
    decoder = new_decoder()
    feed(decoder, text_delta(0, "Hi"), done(0, message_item("Hi")), completed([]))
    assert decoder.assembly.message().text == "Hi"


def test_items_that_only_the_final_response_shows_are_added() -> None:
    decoder = new_decoder()
    tools = [{"type": "mcp_list_tools", "id": f"mcpl_{place}", "tools": []} for place in range(3)]
    answer = message_item("ok")
    feed(
        decoder,
        done(1, tools[1]),
        text_delta(4, "ok"),
        done(4, answer),
        completed([*tools, answer]),
    )
    parts = decoder.assembly.message().content
    assert sorted(part.payload["id"] for part in parts if isinstance(part, ProviderPart)) == [
        "mcpl_0",
        "mcpl_1",
        "mcpl_2",
    ]
    assert decoder.assembly.message().text == "ok"


def test_a_stream_of_bare_deltas_is_not_doubled_by_the_final_response() -> None:
    decoder = new_decoder()
    summary = {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0}
    feed(
        decoder,
        {**summary, "delta": "why"},
        text_delta(1, "Hi"),
        args_delta(5, "{}"),
        completed([reasoning_item(None, summary="why"), message_item("Hi"), call_item("{}")]),
    )
    message = decoder.assembly.message()
    assert (message.reasoning, message.text) == ("why", "Hi")
    assert [(call.name, call.arguments_json) for call in message.tool_calls] == [("add", "{}")]


def test_content_counted_from_one_is_one_text() -> None:
    decoder = new_decoder()
    item = message_item("four")
    events = feed(decoder, text_delta(1, "fo", 1), text_delta(1, "ur", 1), done(1, item), completed([item]))
    assert events == [TextDelta("fo", 0), TextDelta("ur", 0)]
    assert decoder.assembly.message().content == (Text("four", extra={"id": "msg_1"}),)


def test_two_texts_of_one_message_stay_two_parts() -> None:
    decoder = new_decoder()
    item = message_item("a")
    item["content"].append({"type": "output_text", "text": "b", "annotations": []})
    feed(decoder, text_delta(0, "a", 0), text_delta(0, "b", 1), done(0, item), completed([item]))
    assert [part.text for part in decoder.assembly.message().content] == ["a", "b"]  # type: ignore[union-attr]


def test_arguments_and_text_that_only_the_item_has_are_taken_and_shown() -> None:
    decoder = new_decoder()
    events = feed(
        decoder,
        added(0, call_item("")),
        done(0, call_item('{"a":2}')),
        done(1, message_item("late")),
        completed([]),
    )
    assert ToolCallDelta("call_1", "add", '{"a":2}', 0) in events
    assert TextDelta("late", 1) in events


def test_a_finished_item_without_arguments_does_not_wipe_the_deltas() -> None:
    decoder = new_decoder()
    item = call_item("")
    del item["arguments"]
    feed(decoder, added(0, item), args_delta(0, '{"a":3}'), done(0, item), completed([]))
    assert decoder.assembly.message().tool_calls[0].arguments == {"a": 3}


def test_an_item_finished_twice_counts_once() -> None:
    decoder = new_decoder()
    search = {"type": "web_search_call", "id": "ws_1"}
    feed(
        decoder,
        *(done(0, search), done(0, search)),
        *(done(1, call_item("{}")), done(1, call_item("{}"))),
        completed([search, call_item("{}")]),
    )
    assert len(decoder.assembly.message().content) == 2


def test_a_call_without_id_gets_a_minted_one() -> None:
    decoder = new_decoder()
    feed(decoder, done(0, call_item("{}") | {"call_id": None, "id": None}), completed([]))
    (call,) = decoder.assembly.message().tool_calls
    assert (call.id, call.provider_id, call.item_id) == ("minted-0", None, None)


def test_gaps_in_the_output_index_leave_the_places_dense() -> None:
    decoder = new_decoder()
    events = feed(decoder, text_delta(2, "a"), text_delta(7, "b"), completed([]))
    assert events == [TextDelta("a", 0), TextDelta("b", 1)]


def test_a_resumed_stream_may_begin_with_queued() -> None:
    decoder = new_decoder()
    queued = created(status="queued") | {"type": "response.queued"}
    feed(decoder, queued, text_delta(0, "x"), completed([message_item("x")]))
    assert (decoder.assembly.response_id, decoder.assembly.message().text) == ("resp_1", "x")


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "keepalive", "sequence_number": 3},
        {"type": "response.content_part.added", "output_index": 0, "part": {}},
        {"type": "response.web_search_call.searching", "output_index": 0},
        {"type": "response.code_interpreter_call_code.delta", "output_index": 0, "delta": "x"},
    ],
)
def test_progress_says_nothing(payload: dict[str, Any]) -> None:
    assert feed(new_decoder(), payload) == []


@pytest.mark.parametrize("data", [b"[DONE]", b"", b" \n"])
def test_done_marks_and_empty_frames_say_nothing(data: bytes) -> None:
    decoder = new_decoder()
    assert decoder.frame(Frame(data)) == []
    assert decoder.assembly.complete is False


def test_the_type_is_taken_from_the_event_line_where_the_payload_has_none() -> None:
    decoder = new_decoder()
    events = decoder.frame(Frame(b'{"delta":"x","output_index":0}', "response.output_text.delta"))
    assert events == [TextDelta("x", 0)]


def test_an_unknown_event_is_passed_through_untouched() -> None:
    payload = {"type": "response.telepathy.delta", "thought": [1, {"a": None}]}
    assert feed(new_decoder(), payload) == [UnknownEvent("response.telepathy.delta", payload)]


# ------------------------------------------------------------------------------------------- ends and errors


@pytest.mark.parametrize(
    ("reason", "normalised"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("max_tool_calls", "other")],
)
def test_incomplete_is_terminal_and_says_why(reason: str, normalised: str) -> None:
    decoder = new_decoder()
    response = {
        "status": "incomplete",
        "incomplete_details": {"reason": reason},
        "output": [reasoning_item("s")],
    }
    feed(decoder, {"type": "response.incomplete", "response": response})
    assert decoder.assembly.complete is True
    assert decoder.assembly.finish_reason == normalised
    assert decoder.assembly.raw_finish_reason == f"incomplete:{reason}"
    assert decoder.assembly.message().content == (Reasoning((ReasoningEncrypted("s"),), id="rs_1"),)


@pytest.mark.parametrize(
    ("kind", "raw"), [("response.completed", "completed"), ("response.incomplete", "incomplete:None")]
)
def test_a_terminal_event_without_a_status_speaks_for_itself(kind: str, raw: str) -> None:
    decoder = new_decoder()
    feed(decoder, {"type": kind, "response": {"output": []}})
    assert (decoder.assembly.complete, decoder.assembly.raw_finish_reason) == (True, raw)


def test_a_terminal_event_whose_status_is_failed_raises() -> None:
    decoder = new_decoder()
    with pytest.raises(ServerError, match="oops"):
        feed(decoder, completed([], status="failed", error={"code": "server_error", "message": "oops"}))


def test_fields_a_gateway_adds_to_reasoning_are_kept_for_replay() -> None:
    decoder = new_decoder()
    feed(decoder, done(0, reasoning_item("s") | {"format": "google-gemini-v1", "signature": None}))
    (block,) = decoder.assembly.message().content
    assert isinstance(block, Reasoning)
    assert block.extra == {"format": "google-gemini-v1"}


def test_a_message_cut_in_its_item_keeps_that_status() -> None:
    decoder = new_decoder()
    feed(decoder, done(0, message_item("par", status="incomplete")))
    assert decoder.assembly.message().content == (Text("par", extra={"id": "msg_1", "status": "incomplete"}),)


def test_a_stream_without_its_terminal_event_is_not_complete() -> None:
    decoder = new_decoder()
    feed(decoder, created(), text_delta(0, "Hi"), done(0, message_item("Hi")))
    assert decoder.end() == []
    assert decoder.assembly.complete is False


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        ("rate_limit_exceeded", RateLimited, 429),
        ("insufficient_quota", RateLimited, 429),
        ("server_error", ServerError, 500),
        ("server_is_overloaded", ServerError, 503),
        ("invalid_image_format", BadRequest, 400),
        ("context_length_exceeded", ContextTooLong, 400),
        ("image_content_policy_violation", ContentFiltered, 400),
        ("model_not_found", NotFound, 404),
        ("something_else", ServerError, 500),
        (502, ServerError, 502),
    ],
)
def test_a_failed_response_raises_what_its_code_means_with_usage_noted(
    code: Any, kind: type[ModelError], status: int
) -> None:
    decoder = new_decoder()
    response = {
        "id": "resp_1",
        "status": "failed",
        "error": {"code": code, "message": "broke"},
        "usage": USAGE,
    }
    with pytest.raises(kind, match="broke") as caught:
        feed(decoder, {"type": "response.failed", "response": response})
    assert caught.value.status == status
    assert caught.value.code == str(code)
    assert decoder.assembly.usage.input_tokens == 120
    assert decoder.assembly.raw_finish_reason == "failed"
    assert decoder.assembly.complete is False


def test_a_failed_response_without_details_still_raises() -> None:
    with pytest.raises(ServerError, match="the response failed"):
        feed(new_decoder(), {"type": "response.failed", "response": {"status": "failed", "error": None}})


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None},
        {"type": "error", "error": {"type": "insufficient_quota", "code": None, "message": "slow down"}},
        {"error": {"code": 429, "message": "slow down"}},
    ],
)
def test_an_error_event_raises_in_each_of_its_shapes(payload: dict[str, Any]) -> None:
    decoder = new_decoder()
    with pytest.raises(RateLimited, match="slow down"):
        feed(decoder, text_delta(0, "x"), payload)
    assert decoder.assembly.message(interrupted=True).text == "x"


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"type":"response.output_text.delta"}',
        b'{"type":"response.output_text.delta","delta":5}',
        b'{"type":"response.output_item.done","item":[]}',
        b'{"type":"response.output_item.done","item":{"type":"reasoning","summary":["x"]}}',
        b'{"type":"response.output_item.done","item":{"type":"message","content":5}}',
        b'{"type":"response.completed","response":{"output":[{"id":[]}]}}',
        b'{"type":7}',
        b'{"delta":"x"}',
    ],
)
def test_a_corrupt_event_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        new_decoder().frame(Frame(data))


# --------------------------------------------------------------------------------------------- unary bodies


def test_a_whole_body_gives_the_message_and_the_last_events_of_its_stream() -> None:
    web = {"type": "url_citation", "url": "https://a.example", "title": "A"}
    output = [
        reasoning_item("sealed", summary="why"),
        message_item("Hello", part={"annotations": [web]}),
        call_item('{"a":1}'),
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ]
    streamed, unary = new_decoder(), new_decoder()
    live = feed(
        streamed,
        created(),
        {
            "type": "response.reasoning_summary_text.delta",
            "output_index": 0,
            "summary_index": 0,
            "delta": "why",
        },
        done(0, output[0]),
        text_delta(1, "Hello"),
        done(1, output[1]),
        added(2, call_item("")),
        args_delta(2, '{"a":1}'),
        done(2, output[2]),
        done(3, output[3]),
        completed(output),
    )
    whole = unary.body(json.dumps(completed(output)["response"]).encode()) + unary.assembly.close()
    assert whole == live
    assert unary.assembly.message() == streamed.assembly.message()
    assert unary.assembly.usage == streamed.assembly.usage
    assert unary.assembly.complete
    assert unary.assembly.finish_reason == "tool_calls"


def test_a_body_that_is_still_queued_is_not_complete() -> None:
    decoder = new_decoder()
    decoder.body(b'{"id":"resp_1","status":"queued","output":[]}')
    assert (decoder.assembly.complete, decoder.assembly.raw_finish_reason) == (False, "queued")


def test_a_failed_body_raises_with_usage_noted() -> None:
    decoder = new_decoder()
    body = {"status": "failed", "error": {"code": "server_error", "message": "oops"}, "usage": USAGE}
    with pytest.raises(ServerError, match="oops"):
        decoder.body(json.dumps(body).encode())
    assert decoder.assembly.usage.output_tokens == 30


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b'{"object":"chat.completion","choices":[]}', b'{"output":[{"id":{}}]}']
)
def test_a_body_that_is_no_response_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        new_decoder().body(body)


# ----------------------------------------------------------------------------------------------- properties

SCALARS = st.none() | st.booleans() | st.integers(-3, 9) | st.text(max_size=4)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "item",
            "response",
            "delta",
            "text",
            "output_index",
            "content_index",
            "summary_index",
            "annotation",
            "error",
        ]
    ),
    JSON
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["message", "reasoning", "function_call", "custom_tool_call", "x"])},
        optional={
            "id": JSON,
            "content": JSON,
            "summary": JSON,
            "arguments": JSON,
            "output": JSON,
            "call_id": SCALARS,
            "usage": JSON,
            "error": JSON,
        },
    ),
)
KINDS = st.sampled_from(
    [
        "response.output_text.delta",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.output_text.annotation.added",
        "error",
        "other",
    ]
)


@settings(deadline=None)
@given(st.lists(st.tuples(KINDS, FIELDS), max_size=6))
def test_no_payload_raises_anything_but_a_model_error(stream: list[tuple[str, dict[str, Any]]]) -> None:
    decoder = new_decoder()
    for kind, fields in stream:
        try:
            decoder.frame(Frame(json.dumps({"type": kind, **fields}).encode()))
        except ModelError:
            break
    decoder.assembly.message(interrupted=True)


@settings(deadline=None)
@given(st.text(max_size=40), st.data())
def test_text_does_not_depend_on_how_it_was_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    decoder = new_decoder()
    feed(
        decoder,
        *(text_delta(0, piece) for piece in pieces),
        done(0, message_item(text)),
        completed([message_item(text)]),
    )
    assert decoder.assembly.message().text == text
