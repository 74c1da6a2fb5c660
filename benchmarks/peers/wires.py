"""The bytes of an answer on each wire, one HTTP chunk an event; made once, before anything is measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from functools import cache
from typing import Any, Final

from benchmarks.peers.scenarios import Turn, turns

__all__ = ["PATHS", "answer"]

Fields = dict[str, Any]

_HEADERS: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_bench\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_USED: Final = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
_USED_BY_RESPONSES: Final = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 150,
}


@cache
def answer(wire: str, scenario: str, turn: int, *, streamed: bool) -> bytes:
    """The whole HTTP response.

    Args:
        wire: One of `PATHS`.
        scenario: As in `turns`.
        turn: Which of its answers; the last one stands for all behind it.
        streamed: As events; else as one body, which only the Chat wire has here.
    """
    said = turns(scenario)
    given = said[min(turn, len(said) - 1)]
    if not streamed:
        body = _json(_completion(given))
        return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
            len(body),
            body,
        )
    return _HEADERS + b"".join(map(_chunk, _EVENTS[wire](given))) + b"0\r\n\r\n"


def _chunk(event: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(event), event)


def _json(value: Fields) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


# ---------------------------------------------------------------------------------------- Chat Completions


def _chat(turn: Turn) -> Iterator[bytes]:
    def chunk(delta: Fields, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: %b\n\n" % _json({**_CHAT, "choices": [choice], "usage": None})

    yield chunk({"role": "assistant", "content": None if turn.call else "", "refusal": None})
    if turn.call is None:
        for delta in turn.deltas:
            yield chunk({"content": delta})
    else:
        named = {"name": turn.call.name, "arguments": ""}
        yield chunk({"tool_calls": [{"index": 0, "id": turn.call.id, "type": "function", "function": named}]})
        for delta in turn.call.deltas:
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": delta}}]})
    yield chunk({}, "tool_calls" if turn.call else "stop")
    yield b"data: %b\n\n" % _json({**_CHAT, "choices": [], "usage": _USED})
    yield b"data: [DONE]\n\n"


_CHAT: Final = {
    "id": "chatcmpl-bench",
    "object": "chat.completion.chunk",
    "created": 1_790_000_000,
    "model": "gpt-4o-mini",
    "service_tier": "default",
    "system_fingerprint": "fp_bench",
}


def _completion(turn: Turn) -> Fields:
    message: Fields = {"role": "assistant", "content": "".join(turn.deltas) or None, "refusal": None}
    if turn.call is not None:
        function = {"name": turn.call.name, "arguments": "".join(turn.call.deltas)}
        message["tool_calls"] = [{"id": turn.call.id, "type": "function", "function": function}]
    finish = "tool_calls" if turn.call else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {**_CHAT, "object": "chat.completion", "choices": [choice], "usage": _USED}


# ------------------------------------------------------------------------------------------- Responses API


def _responses(turn: Turn) -> Iterator[bytes]:
    events = _items(turn)
    for number, event in enumerate(events):
        event["sequence_number"] = number
        yield b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _json(event))


def _items(turn: Turn) -> Iterator[Fields]:
    yield {"type": "response.created", "response": _response("in_progress", [])}
    yield {"type": "response.in_progress", "response": _response("in_progress", [])}
    item = yield from (_message_item(turn) if turn.call is None else _call_item(turn))
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {
        "type": "response.completed",
        "response": {**_response("completed", [item]), "usage": _USED_BY_RESPONSES},
    }


def _message_item(turn: Turn) -> Generator[Fields, None, Fields]:
    item: Fields = {"id": "msg_bench", "type": "message", "role": "assistant"}
    place = {"item_id": "msg_bench", "output_index": 0, "content_index": 0}
    part: Fields = {"type": "output_text", "annotations": [], "logprobs": []}
    text = "".join(turn.deltas)
    opened = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
    for delta in turn.deltas:
        yield {"type": "response.output_text.delta", **place, "delta": delta, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": {**part, "text": text}}
    return {**item, "status": "completed", "content": [{**part, "text": text}]}


def _call_item(turn: Turn) -> Generator[Fields, None, Fields]:
    call = turn.call
    assert call is not None
    name = call.id.replace("call", "fc")
    item: Fields = {"id": name, "type": "function_call", "call_id": call.id, "name": call.name}
    place = {"item_id": name, "output_index": 0}
    arguments = "".join(call.deltas)
    opened = {**item, "status": "in_progress", "arguments": ""}
    yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
    for delta in call.deltas:
        yield {"type": "response.function_call_arguments.delta", **place, "delta": delta}
    done = {"type": "response.function_call_arguments.done", "name": call.name, "arguments": arguments}
    yield {**done, **place}
    return {**item, "status": "completed", "arguments": arguments}


def _response(status: str, output: list[Fields]) -> Fields:
    return {
        "id": "resp_bench",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "gpt-4o-mini",
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
    }


# ---------------------------------------------------------------------------------------- Anthropic Messages


def _anthropic(turn: Turn) -> Iterator[bytes]:
    for event in _blocks(turn):
        yield b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _json(event))


def _blocks(turn: Turn) -> Iterator[Fields]:
    used = {"input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    message = {"id": "msg_bench", "type": "message", "role": "assistant", "model": "claude-sonnet-5"}
    opened: Fields = {
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**used, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": {**message, **opened}}
    call = turn.call
    if call is None:
        block: Fields = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": delta} for delta in turn.deltas]
    else:
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": delta} for delta in call.deltas]
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    ended = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": {**used, "output_tokens": 50}}
    yield {"type": "message_stop"}


_EVENTS: Final[dict[str, Callable[[Turn], Iterator[bytes]]]] = {
    "chat": _chat,
    "responses": _responses,
    "anthropic": _anthropic,
}
PATHS: Final = {"chat": b"/chat/completions", "responses": b"/responses", "anthropic": b"/messages"}
"""How the path of a request on each wire ends."""
