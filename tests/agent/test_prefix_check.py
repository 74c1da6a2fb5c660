"""The run-time prefix check: silent while a run appends, at no cost for its length, and awake when the prefix moves."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import pytest

from agentlab.agent import Agent, Hook, RequestPatch, Trace
from agentlab.agent import trace as trace_module
from agentlab.agent.prefix_check import PrefixCheck
from agentlab.messages import (
    AssistantMessage,
    Event,
    Notice,
    Request,
    RequestSent,
    Text,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.models import ModelStream
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor as vendor_row
from agentlab.simulator import call
from agentlab.tools import tool
from tests.agent.bench import VENDORS, Bench


class Unread(bytes):
    """Bytes that nobody may look into."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError("the bytes of an earlier message were compared")

    __hash__ = bytes.__hash__


def sent(body: str) -> RequestSent:
    return RequestSent("openai-chat", "", body)


def chat(*texts: str) -> RequestSent:
    said = ",".join(f'{{"role":"user","content":"{text}"}}' for text in texts)
    return sent(f'{{"model":"m","messages":[{said}]}}')


def test_messages_sent_before_are_compared_by_identity_and_no_body_is_read() -> None:
    check = PrefixCheck()
    pieces = tuple(Unread(b"x%d" % index) for index in range(100))
    assert check.notice(sent("no JSON"), pieces[:50]) is None
    assert check.notice(sent("nor this"), pieces) is None


def test_equal_bytes_that_are_other_objects_are_the_same_prefix() -> None:
    check = PrefixCheck()
    assert check.notice(sent("no JSON"), (bytes([1, 2]),)) is None
    assert check.notice(sent("nor this"), (bytes([1, 2]), b"more")) is None


def test_a_piece_that_changed_is_explained_from_the_bodies() -> None:
    check = PrefixCheck()
    assert check.notice(chat("one", "two"), (b"one", b"two")) is None
    notice = check.notice(chat("ONE", "two", "three"), (b"ONE", b"two", b"three"))
    assert notice is not None
    assert notice.kind == "prefix_moved"
    assert check.notice(chat("ONE", "two", "three", "four"), (b"ONE", b"two", b"three", b"four")) is None


def test_a_request_that_got_shorter_has_moved() -> None:
    check = PrefixCheck()
    assert check.notice(chat("one", "two"), (b"one", b"two")) is None
    assert check.notice(chat("one"), (b"one",)) is not None


def test_without_pieces_the_bodies_are_compared() -> None:
    check = PrefixCheck()
    assert check.notice(chat("one")) is None
    assert check.notice(chat("one", "two")) is None
    assert check.notice(chat("one", "two", "three"), (b"one", b"two", b"three")) is None
    assert check.notice(chat("ONE", "two")) is not None


def test_a_body_nobody_can_read_is_no_error() -> None:
    check = PrefixCheck()
    assert check.notice(RequestSent("mine", "", "{}")) is None
    assert check.notice(RequestSent("mine", "", '{"x": 1}')) is None


def test_tokens_are_called_an_estimate_until_the_length_of_the_request_was_reported() -> None:
    check = PrefixCheck()
    assert check.notice(chat("one", "two")) is None
    unsure = check.notice(chat("ONE", "two"))
    check.answered(Usage(input_tokens=1000))
    sure = check.notice(chat("one", "two"))
    assert unsure is not None
    assert sure is not None
    assert "tokens (estimated) of the previous request" in unsure.text
    assert "1,000 tokens of the previous request" in sure.text


class Clockwork(Hook):
    def on_completion_call(self, context: Any, request: Any) -> RequestPatch:
        return RequestPatch(preamble=f"It is {context.turn} o'clock.")


@tool
def ping() -> str:
    """Answer."""
    return "pong"


class Bare:
    """A model of the user's own, behind a wire, that gives no pieces."""

    name = "mine:m"
    model_id = "gpt-5.6"

    def __init__(self, *turns: AssistantMessage) -> None:
        self._turns = list(turns)
        self._wire = wire_for("openai-chat")

    def stream(self, request: Request) -> ModelStream:
        async def events() -> AsyncGenerator[Event, None]:
            body = self._wire.encode(request, vendor_row("openai-chat")).body.decode()
            yield RequestSent("openai-chat", "", body)
            yield TurnFinished(self._turns.pop(0), Usage())

        return ModelStream(events(), lambda: None)

    def session(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    def supports(self, capability: str) -> bool:
        return True


@pytest.mark.anyio
async def test_a_model_without_pieces_is_checked_by_its_bodies() -> None:
    def answers() -> list[AssistantMessage]:
        from agentlab.messages import ToolCall  # noqa: PLC0415 - beside its only use

        return [AssistantMessage((ToolCall("c1", "ping", "{}"),)), AssistantMessage((Text("done"),))]

    still = await Agent(Bare(*answers()), tools=[ping], preamble="P").prompt("go")
    assert not list(still.trace.of(Notice))
    moving = await Agent(Bare(*answers()), tools=[ping], preamble="P", hooks=[Clockwork()]).prompt("go")
    (notice,), (explanation,) = moving.trace.of(Notice), moving.trace.explain()
    assert notice.kind == "prefix_moved"
    assert explanation.estimated
    assert notice.text == explanation.line


@pytest.mark.anyio
async def test_a_run_that_appends_never_cuts_a_body_into_blocks(
    bench: Bench, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a body was read during the run")

    monkeypatch.setattr("agentlab.agent.prefix_check.prefix_notice", refuse)
    run = await bench.agent(vendor, [call("ping"), call("ping"), "done"], tools=[ping]).prompt("go")
    assert run.text == "done"
    assert len(run.trace.turns) == 3
    assert vendor in VENDORS


# ----------------------------------------------------------------- the trace


def growing(*texts: str) -> Trace:
    trace = Trace("run")
    for turn in range(1, len(texts) + 1):
        trace.add(TurnStarted(turn, "m"), 0.0)
        trace.add(chat(*texts[:turn]), 0.0)
    return trace


def test_requests_are_cut_when_asked_for_and_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[str] = []
    plain = trace_module.blocks_of

    def counted(request: RequestSent) -> Any:
        cut.append(request.body)
        return plain(request)

    monkeypatch.setattr(trace_module, "blocks_of", counted)
    trace = growing("a", "b", "c")
    assert cut == []
    assert len(trace.requests) == len(trace.requests) == len(cut) == 3
    trace.add(TurnStarted(4, "m"), 0.0)
    trace.add(chat("a", "b", "c", "d"), 0.0)
    assert len(trace.requests) == len(cut) == 4


def test_requests_asked_for_early_are_those_asked_for_late() -> None:
    early, late = growing("a", "b"), growing("a", "b")
    assert len(early.requests) == 2
    for trace in (early, late):
        trace.add(RequestSent("openai-chat", "", chat("a", "other").body, 2), 0.0)  # the second call, again
        trace.add(TurnStarted(3, "m"), 0.0)
        trace.add(chat("a", "other", "c"), 0.0)
    assert early.requests == late.requests
    assert [request.turn for request in early.requests] == [1, 2, 3]
    assert all(request.prefix is not None and request.prefix.is_prefix for request in early.requests[1:])
    assert Trace.from_json(early.to_json()).requests == late.requests


def test_a_trace_that_was_looked_at_is_equal_to_one_that_was_not() -> None:
    seen, unseen = growing("a", "b"), growing("a", "b")
    assert seen.requests
    assert seen == unseen
    assert seen.to_json() == unseen.to_json()
