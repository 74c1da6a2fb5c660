"""Scripts, functions and recordings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, Message, UserMessage
from agentlab.simulator import (
    ErrorReply,
    Fault,
    Function,
    Recorded,
    Replay,
    Reply,
    Scripted,
    SimRequest,
    Simulator,
    call,
    reply,
    serve,
)

PROMPT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def request(*messages: Message, **fields: Any) -> SimRequest:
    return SimRequest(vendor="openai", wire="openai_chat", model="m", messages=messages, **fields)


def text(answer: object) -> str:
    assert isinstance(answer, Reply)
    return AssistantMessage(answer.content).text


def test_a_script_is_said_in_order_and_then_says_that_it_is_over() -> None:
    script = Scripted(["one", reply("two"), call("f", x=1)])
    assert [text(script(request())) for _ in range(2)] == ["one", "two"]
    third = script(request())
    assert isinstance(third, Reply)
    assert third.calls[0].arguments == {"x": 1}
    assert script.left == 0
    over = script(request())
    assert isinstance(over, ErrorReply)
    assert (over.status, over.message) == (500, "The script has 3 turns; turn 4 was asked for.")


def test_a_script_by_conversation_answers_by_the_length_of_the_history() -> None:
    script = Scripted(["first", "second"], order="conversation")
    opening = UserMessage.of("hi")
    later = (opening, AssistantMessage.of("first"), UserMessage.of("more"))
    assert text(script(request(*later))) == "second"
    assert text(script(request(opening))) == text(script(request(opening))) == "first"
    assert isinstance(script(request(*later, AssistantMessage.of("second"))), ErrorReply)


def test_a_script_gives_each_turn_once_to_many_threads() -> None:
    script = Scripted([str(number) for number in range(200)])
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: text(script(request())), range(200)))
    assert sorted(said, key=int) == [str(number) for number in range(200)]


def test_a_function_may_say_it_plainly() -> None:
    behaviour = Function(lambda asked: f"{asked.vendor} was asked for {asked.model}")
    assert text(behaviour(request())) == "openai was asked for m"


def test_a_behaviour_that_raises_is_a_500_that_names_it(sim: Simulator) -> None:
    def broken(_: SimRequest) -> Reply:
        raise ZeroDivisionError("oh")

    sim.behaviour = broken
    answer = post(sim)
    assert answer.status_code == 500
    assert "ZeroDivisionError: oh" in answer.json()["error"]["message"]
    assert sim.requests[0].error == "The simulator's behaviour raised ZeroDivisionError: oh"


def post(sim: Simulator, **fields: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {sim.token}"}
    return httpx.post(
        sim.base_url("openai") + "/chat/completions", json={**PROMPT, **fields}, headers=headers
    )


def test_a_recording_goes_out_to_the_byte_with_its_status_and_headers() -> None:
    events = (b": hello\r\n\r\n", b'data: {"x": 1}\r\n', b"\r\ndata: [DONE]\n\n")
    record = Recorded(events, headers=(("content-type", "text/event-stream"), ("x-request-id", "req_1")))
    failure = Recorded((b'{"error": 1}',), status=418, headers=(("content-type", "application/json"),))
    with serve(Replay([record, failure])) as sim:
        first, second, third = post(sim, stream=True), post(sim), post(sim)
    assert first.content == b"".join(events)
    assert first.headers["x-request-id"] == "req_1"
    assert (second.status_code, second.content) == (418, b'{"error": 1}')
    assert third.status_code == 500
    assert "used up" in third.text


def test_a_recording_answers_only_its_own_request() -> None:
    record = Recorded((b"{}",))
    with serve(Replay([({**PROMPT, "temperature": 1}, record)])) as sim:
        assert "of another request: temperature differ" in post(sim).text
        assert post(sim, temperature=1).content == b"{}"


def test_a_recording_can_break_like_any_answer() -> None:
    with serve(Replay([Recorded((b"data: 1\n\n", b"data: 2\n\n"))])) as sim:
        sim.faults.add(Fault("fin", at_event=1))
        with pytest.raises(httpx.RemoteProtocolError):
            post(sim, stream=True)


def test_nothing_to_replay_is_refused() -> None:
    with pytest.raises(UsageError):
        Replay([])


def test_serve_takes_a_list_as_a_script() -> None:
    with serve(["scripted"]) as sim:
        assert post(sim).json()["choices"][0]["message"]["content"] == "scripted"
