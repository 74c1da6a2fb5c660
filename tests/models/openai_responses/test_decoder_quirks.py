from __future__ import annotations

from typing import Any

import pytest

from agentlab.http import Frame
from agentlab.messages import (
    ProviderPart,
    Reasoning,
    ReasoningBlock,
    ReasoningEncrypted,
    ReasoningSummary,
    Text,
    TextDelta,
    ToolCallDelta,
    UnknownEvent,
)
from tests.models.openai_responses.frames import (
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
