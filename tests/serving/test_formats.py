"""What the interfaces' formats make of refusals, images and unreported usage."""

from __future__ import annotations

import json
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from agentlab.messages import Image, Usage
from agentlab.serving.chat.chunks import ChatAnswer, chat_usage
from agentlab.serving.refusals import ErrorAnswer
from agentlab.serving.responses.answer import ResponsesAnswer
from agentlab.serving.responses.output import responses_usage, whole_output
from agentlab.serving.seen import (
    CallArguments,
    CallStarted,
    Seen,
    SeenImage,
    SeenReasoning,
    SeenRefusal,
    SeenText,
)

PIXEL = Image.from_bytes(b"png")
EVERYTHING: list[Seen] = [
    SeenReasoning("Hm."),
    SeenText("Here"),
    SeenText(" it is."),
    SeenImage(PIXEL),
    SeenRefusal("Not that."),
    CallStarted(0, "c0", "f"),
    CallStarted(1, "c1", "g"),
    CallArguments(1, "{}"),
    CallArguments(0, "[]"),
]


def chat() -> ChatAnswer:
    return ChatAnswer("x", "agent", include_usage=True)


def responses() -> ResponsesAnswer:
    echoed: dict[str, Any] = {
        "model": "agent",
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": None,
        "top_p": None,
    }
    return ResponsesAnswer("x", echoed=echoed, keep=lambda *_: None)


def data_of(chunks: Any) -> list[Any]:
    """The events of a stream, parsed."""
    lines = [line for chunk in chunks for line in chunk.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


def test_a_whole_chat_answer_is_one_for_openai_s_own_type() -> None:
    whole = chat().whole(EVERYTHING, "tool_calls", Usage(input_tokens=3, output_tokens=2))
    message = ChatCompletion.model_validate(whole, strict=True).choices[0].message
    assert (message.content, message.refusal) == ("Here it is.", "Not that.")
    assert whole["choices"][0]["message"]["reasoning_content"] == "Hm."
    assert whole["choices"][0]["message"]["images"][0]["image_url"]["url"].startswith(
        "data:image/png;base64,"
    )
    assert [call["function"] for call in whole["choices"][0]["message"]["tool_calls"]] == [
        {"name": "f", "arguments": "[]"},
        {"name": "g", "arguments": "{}"},
    ]


def test_every_chunk_is_one_for_openai_s_own_type() -> None:
    answer = chat()
    chunks = [chunk for seen in EVERYTHING for chunk in answer.next(seen)]
    events = data_of([*chunks, *answer.end("tool_calls", Usage(input_tokens=3, output_tokens=2))])
    for event in events:
        ChatCompletionChunk.model_validate(event, strict=True)
    assert len(events) == len(EVERYTHING) + 3


def test_a_whole_response_is_one_for_openai_s_own_type() -> None:
    whole = responses().whole(EVERYTHING, "stop", Usage(input_tokens=3, output_tokens=2))
    response = Response.model_validate(whole)
    assert response.output_text == "Here it is."
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "image_generation_call",
        "message",
        "function_call",
        "function_call",
    ]
    assert [item["arguments"] for item in whole["output"][-2:]] == ["[]", "{}"]
    assert whole["output"][2]["result"] == "cG5n"


def test_a_response_that_is_streamed_ends_as_the_whole_one() -> None:
    answer = responses()
    chunks = [chunk for seen in EVERYTHING for chunk in answer.next(seen)]
    events = data_of([*chunks, *answer.end("stop", Usage())])
    assert events[-1]["response"]["output"] == whole_output("x", EVERYTHING, "stop")
    added = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    done = [event["output_index"] for event in events if event["type"] == "response.output_item.done"]
    assert added == sorted(done) == list(range(6))


def test_usage_that_was_not_reported_is_not_made_up() -> None:
    assert chat_usage(Usage()) is None
    assert responses_usage(Usage(input_tokens=3)) is None
    told = chat_usage(Usage(input_tokens=3, output_tokens=2))
    assert told is not None
    assert told["prompt_tokens_details"] == {}


def test_an_answer_that_says_nothing_still_begins_and_ends() -> None:
    events = data_of(chat().end("stop", Usage()))
    assert [event["choices"][0]["finish_reason"] for event in events[:2]] == [None, "stop"]
    assert chat().whole([], "length", Usage())["choices"][0]["message"]["content"] == ""
    last = data_of(responses().end("length", Usage()))[-1]
    assert last["type"] == "response.incomplete"


def test_a_stream_that_breaks_off_says_why() -> None:
    answer = ErrorAnswer(502, "It broke.", "upstream_error")
    assert data_of([chat().broken_off(answer)])[0]["error"]["message"] == "It broke."
    event = data_of([responses().broken_off(answer)])[0]
    assert (event["type"], event["code"], event["error"]["code"]) == (
        "error",
        "upstream_error",
        "upstream_error",
    )
