"""Converse's answers, streamed and whole."""

from __future__ import annotations

from typing import Any

import msgspec
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
from agentlab.http import Frame
from agentlab.messages import (
    Citation,
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
from agentlab.models.bedrock.decoder import BedrockDecoder
from agentlab.models.bedrock.report import error_from
from tests.models.bedrock.frames import METADATA, START, USAGE, decode, delta, end, event, start, stop, whole

CITATION = {
    "title": "facts",
    "sourceContent": [{"text": "Ruby "}, {"text": "1993"}],
    "location": {"web": {"url": "https://x.example/", "domain": "x.example"}},
}


def test_text_needs_no_start_and_the_counts_come_last() -> None:
    frames = [START, delta(0, text="One"), delta(0, text=""), delta(0, text=" two"), stop(0)]
    decoder, events = decode([*frames, *end()])
    assert events == [TextDelta("One", 0), TextDelta(" two", 0)]
    assembly = decoder.assembly
    assert (assembly.message().text, assembly.finish_reason, assembly.complete) == ("One two", "stop", True)
    usage = assembly.usage
    assert (usage.input_tokens, usage.output_tokens, usage.reported_total_tokens) == (70, 5, 75)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (40, 20)
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (5, 15)
    assert usage.raw == USAGE


def test_a_stream_is_complete_only_with_its_metadata() -> None:
    frames = [START, delta(0, text="x"), stop(0), event("messageStop", stopReason="end_turn")]
    decoder, _ = decode(frames)
    assert not decoder.assembly.complete
    assert decoder.assembly.message(interrupted=True).text == "x"
    decoder.frame(METADATA)
    assert decoder.assembly.complete


def test_counts_that_are_not_told_stay_unknown() -> None:
    decoder, _ = decode([START, event("metadata", usage={"inputTokens": 3, "outputTokens": 1})])
    usage = decoder.assembly.usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (3, None, None)
    assert usage.cache_write_5m_tokens is None


def test_reasoning_is_signed_by_a_delta_of_its_own() -> None:
    frames = [START, delta(0, reasoningContent={"text": "H"}), delta(0, reasoningContent={"text": "m."})]
    decoder, events = decode(
        [*frames, delta(0, reasoningContent={"signature": "sig"}), stop(0), delta(1, text="42"), *end()]
    )
    signed = Reasoning((ReasoningText("Hm.", "sig"),))
    assert events == [
        ReasoningDelta("H", 0),
        ReasoningDelta("m.", 0),
        ReasoningBlock(signed, 0),
        TextDelta("42", 1),
    ]
    told = whole({"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}}, {"text": "42"})
    assert told.assembly.message() == decoder.assembly.message()


def test_withheld_reasoning_is_kept_as_it_came() -> None:
    frames = [
        START,
        delta(0, reasoningContent={"redactedContent": "QUJD"}),
        stop(0),
        delta(1, reasoningContent={"redactedContent": "REVG"}),
    ]
    decoder, events = decode([*frames, *end()])
    first, second = (Reasoning((ReasoningRedacted(data),)) for data in ("QUJD", "REVG"))
    assert decoder.assembly.message().content == (first, second)
    assert events == [ReasoningBlock(first, 0), ReasoningBlock(second, 1)]
    assert whole({"reasoningContent": {"redactedContent": "QUJD"}}).assembly.message().content == (first,)


def test_tool_calls_are_put_together_from_their_deltas() -> None:
    frames = [
        START,
        start(0, toolUse={"toolUseId": "t1", "name": "add"}),
        delta(0, toolUse={"input": '{"a":'}),
    ]
    frames += [
        delta(0, toolUse={"input": "1}"}),
        stop(0),
        start(1, toolUse={"toolUseId": "t2", "name": "now"}),
        stop(1),
    ]
    decoder, events = decode([*frames, *end("tool_use")])
    one, two = ToolCall("t1", "add", '{"a":1}', "t1"), ToolCall("t2", "now", "{}", "t2")
    assert decoder.assembly.message().tool_calls == (one, two)
    assert decoder.assembly.finish_reason == "tool_calls"
    assert [each for each in events if isinstance(each, ToolCall)] == [one, two]
    assert events[0] == ToolCallDelta("t1", "add", "", 0)


def test_arguments_of_a_whole_answer_keep_their_letters() -> None:
    body = b'{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":{"b": 1.0, "a": "\\u00f6"}}}]}},"stopReason":"tool_use"}'
    decoder = BedrockDecoder(mint=lambda: "m")
    decoder.body(body)
    assert decoder.assembly.message().tool_calls[0].arguments_json == '{"b": 1.0, "a": "\\u00f6"}'


def test_a_call_cut_by_the_limit_is_whole_as_far_as_it_came() -> None:
    frames = [
        START,
        start(0, toolUse={"toolUseId": "t1", "name": "add"}),
        delta(0, toolUse={"input": '{"a":'}),
    ]
    decoder, _ = decode([*frames, *end("max_tokens")])
    (made,) = decoder.assembly.message().tool_calls
    assert not made.has_valid_arguments
    assert decoder.assembly.finish_reason == "length"


def test_tools_of_the_provider_are_parts_of_its_own() -> None:
    use = {"toolUseId": "s1", "name": "nova_grounding", "type": "server_tool_use", "input": {"query": "ruby"}}
    result = {
        "toolUseId": "s1",
        "type": "nova_grounding_result",
        "status": "success",
        "content": [{"text": "4.0"}],
    }
    frames = [
        START,
        start(0, toolUse={"toolUseId": "s1", "name": "nova_grounding", "type": "server_tool_use"}),
    ]
    frames += [delta(0, toolUse={"input": '{"query":'}), delta(0, toolUse={"input": '"ruby"}'}), stop(0)]
    frames += [start(1, toolResult={key: result[key] for key in ("toolUseId", "type", "status")})]
    frames += [delta(1, toolResult=[{"text": "4.0"}]), stop(1), delta(2, text="4.0 it is"), stop(2)]
    decoder, _ = decode([*frames, *end()])
    parts = decoder.assembly.message().content
    assert parts[0] == ProviderPart("bedrock-converse", "toolUse", {"toolUse": {**use}})
    assert parts[1] == ProviderPart("bedrock-converse", "toolResult", {"toolResult": result})
    told = whole({"toolUse": use}, {"toolResult": result}, {"text": "4.0 it is"})
    assert told.assembly.message() == decoder.assembly.message()


def test_citations_belong_to_their_text() -> None:
    decoder, _ = decode([START, delta(0, text="1993"), delta(0, citation=CITATION), stop(0), *end()])
    cited = Text("1993", (Citation("facts", "https://x.example/", "Ruby 1993", CITATION),))
    assert decoder.assembly.message().content == (cited,)
    block = {"citationsContent": {"content": [{"text": "1993"}], "citations": [CITATION]}}
    assert whole(block).assembly.message().content == (cited,)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "other"),
        ("novel", "other"),
    ],
)
def test_stop_reasons(word: str, reason: str) -> None:
    decoder, _ = decode([START, delta(0, text="x"), *end(word)])
    assert (decoder.assembly.finish_reason, decoder.assembly.raw_finish_reason) == (reason, word)
    assert whole({"text": "x"}, reason=word).assembly.finish_reason == reason


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("throttlingException", RateLimited, 429),
        ("validationException", BadRequest, 400),
        ("internalServerException", ServerError, 500),
        ("serviceUnavailableException", ServerError, 503),
        ("modelStreamErrorException", ServerError, 500),
        ("novelException", ServerError, 500),
        ("InternalError", ServerError, 500),
    ],
)
def test_an_exception_in_the_stream_is_its_error(name: str, kind: type[ModelError], status: int) -> None:
    decoder = BedrockDecoder(mint=lambda: "m")
    decoder.frame(delta(0, text="half"))
    with pytest.raises(kind, match=r"Too much.*and so on") as caught:
        decoder.frame(Frame(b'{"message":"Too much","originalMessage":"and so on"}', name))
    assert (caught.value.status, caught.value.code) == (status, name)
    assert not decoder.assembly.complete


def test_an_unknown_event_is_passed_through() -> None:
    _, events = decode([START, Frame(b'{"x":1}', "novelEvent")])
    assert events == [UnknownEvent("novelEvent", {"x": 1})]
    assert isinstance(whole({"novelBlock": {"x": 1}}).assembly.message().content[0], ProviderPart)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(b"{", "contentBlockDelta"),
        Frame(b"{", "novel"),
        Frame(b'{"contentBlockIndex":"x"}', "contentBlockDelta"),
        Frame(b'{"contentBlockIndex":0}', "contentBlockDelta"),
        Frame(b'{"contentBlockIndex":9,"delta":{"toolUse":{"input":"x"}}}', "contentBlockDelta"),
        Frame(b'{"usage":{"inputTokens":"many"}}', "metadata"),
    ],
)
def test_a_corrupt_event_is_a_protocol_error(frame: Frame) -> None:
    with pytest.raises(ProtocolError):
        decode([START, frame])


def test_text_inside_a_tool_call_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="no input"):
        decode([START, start(0, toolUse={"toolUseId": "t", "name": "f"}), delta(0, text="x")])


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"output":{}}', b'{"output":{"message":{"content":[7]}}}']
)
def test_a_body_that_is_no_answer_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        BedrockDecoder(mint=lambda: "m").body(body)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, "The provided model identifier is invalid.", BadRequest),
        (400, "Input is too long for requested model.", ContextTooLong),
        (403, "The security token included in the request is invalid.", AuthenticationFailed),
        (404, "This model version has reached the end of its life.", NotFound),
        (429, "Too many tokens, please wait before trying again.", RateLimited),
        (503, "Bedrock is unable to process your request.", ServerError),
    ],
)
def test_errors_are_told_in_awss_words(status: int, said: str, kind: type[ModelError]) -> None:
    for name in ("message", "Message"):
        error = error_from(status, msgspec.json.encode({name: said}))
        assert type(error) is kind
        assert said in str(error)
    typed = error_from(
        status, msgspec.json.encode({"__type": "com.amazon#ValidationException", "message": said})
    )
    assert typed.code == "ValidationException"
    assert "<html>" in str(error_from(status, b"<html>"))


@given(
    kind=st.sampled_from(
        ["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", ""]
    ),
    data=st.binary(max_size=60),
)
def test_no_frame_raises_anything_but_a_model_error(kind: str, data: bytes) -> None:
    decoder = BedrockDecoder(mint=lambda: "m")
    try:
        decoder.frame(Frame(data, kind))
    except ModelError:
        return


@given(st.lists(st.text(max_size=6), max_size=8), st.lists(st.text(max_size=6), max_size=8))
def test_the_pieces_add_up(thoughts: list[str], words: list[str]) -> None:
    frames = [START, *(delta(0, reasoningContent={"text": one}) for one in thoughts), stop(0)]
    decoder, events = decode([*frames, *(delta(1, text=one) for one in words), stop(1), *end()])
    said: list[Any] = [one.text for one in events if isinstance(one, TextDelta)]
    assert "".join(said) == "".join(words) == decoder.assembly.message().text
    assert decoder.assembly.message().reasoning == "".join(thoughts)
