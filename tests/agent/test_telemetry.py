"""Spans carry GenAI names, say nothing of the content unless asked, and leak into nobody's context."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import INVALID_SPAN, SpanKind, StatusCode

from agentlab.agent import Hook, UseModel, telemetry
from agentlab.agent.approving import ApprovalPolicy, Rule
from agentlab.errors import RetrievalFailed, ServerError
from agentlab.messages import ToolStarted
from agentlab.retrieval import Hit
from agentlab.simulator import ErrorReply, call, reply
from agentlab.tools import tool
from tests.agent.bench import Bench, add
from tests.agent.shelf import Shelf, hits_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry.trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


@tool
async def endless() -> str:
    """Wait for ever."""
    await asyncio.Event().wait()
    return "never"


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_run_is_a_tree_of_spans(bench: Bench, spans: InMemorySpanExporter, vendor: str) -> None:
    turns = [call("add", a=1, b=2), "three"]
    run = await bench.agent(vendor, turns, tools=[add], name="bob", temperature=0.5, max_tokens=900).prompt(
        "go"
    )
    names = [span.name for span in spans.get_finished_spans()]
    model = bench.model(vendor).model_id
    assert names == [f"chat {model}", "execute_tool add", f"chat {model}", "invoke_agent bob"]
    root = spans.get_finished_spans()[-1]
    assert root.context is not None
    assert all(
        span.parent is not None and span.parent.span_id == root.context.span_id
        for span in spans.get_finished_spans()[:-1]
    )
    assert root.parent is None
    said = attributes(root)
    assert said["gen_ai.operation.name"] == "invoke_agent"
    assert said["gen_ai.agent.name"] == "bob"
    assert said["gen_ai.conversation.id"] == run.run.id
    assert said["gen_ai.provider.name"] == vendor
    assert said["gen_ai.usage.input_tokens"] == run.usage.input_tokens
    assert said["gen_ai.usage.output_tokens"] == run.usage.output_tokens


@tool
def shout(word: str) -> str:
    """Shout."""
    return word.upper()


async def test_chat_and_tool_spans_have_their_attributes_and_no_content(
    bench: Bench, spans: InMemorySpanExporter
) -> None:
    turns = [call("shout", word="Secret word"), reply("Secret answer.")]
    run = await bench.agent(
        "openai", turns, tools=[shout], temperature=0.5, max_tokens=900, preamble="Secret preamble."
    ).prompt("Secret question")
    chat, executed = by_name(spans)["chat gpt-5.6"], by_name(spans)["execute_tool shout"]
    assert (chat.kind, executed.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    said = attributes(chat)
    assert said["gen_ai.request.temperature"] == 0.5
    assert said["gen_ai.request.max_tokens"] == 900
    assert said["gen_ai.response.finish_reasons"] == ("stop",)
    assert said["gen_ai.response.id"] == run.trace.turns[-1].response_id
    assert attributes(executed)["gen_ai.tool.call.id"] == run.trace.turns[0].message.tool_calls[0].id
    assert attributes(executed)["gen_ai.tool.call.outcome"] == "success"
    everything = " ".join(span.to_json() for span in spans.get_finished_spans())
    assert "Secret" not in everything
    assert "SECRET" not in everything


async def test_content_is_recorded_where_it_was_asked_for(bench: Bench, spans: InMemorySpanExporter) -> None:
    turns = [call("add", a=17, b=25), "It is forty-two."]
    await bench.agent("openai", turns, tools=[add], preamble="Be terse.", record_content=True).prompt(
        "My question"
    )
    chat, executed = by_name(spans)["chat gpt-5.6"], by_name(spans)["execute_tool add"]
    assert "My question" in attributes(chat)["gen_ai.input.messages"]
    assert "forty-two" in attributes(chat)["gen_ai.output.messages"]
    assert attributes(chat)["gen_ai.system_instructions"] == "Be terse."
    assert attributes(executed)["gen_ai.tool.call.arguments"] == '{"a":17,"b":25}'
    assert attributes(executed)["gen_ai.tool.call.result"] == "42"


async def test_a_search_has_a_span_before_the_model_call_and_says_what_was_found_only_where_it_may(
    bench: Bench, spans: InMemorySpanExporter
) -> None:
    for record in (False, True):
        shelf = Shelf(hits_of("A secret page."), "handbook")
        agent = bench.agent("openai", ["x"], dynamic_context=(3, shelf), record_content=record)
        await agent.prompt("My question")
    first, _, _, second, *_ = spans.get_finished_spans()
    assert (first.name, first.kind) == ("retrieval handbook", SpanKind.CLIENT)
    assert attributes(first) == {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": "handbook",
        "gen_ai.request.top_k": 3.0,
    }
    assert attributes(second)["gen_ai.retrieval.query.text"] == "My question"
    assert attributes(second)["gen_ai.retrieval.documents"] == '[{"id":"d0","score":1.0}]'
    assert "secret page" not in first.to_json()


async def test_a_search_that_fails_marks_its_span_and_the_run(
    bench: Bench, spans: InMemorySpanExporter
) -> None:
    def fail(_query: str) -> list[Hit]:
        raise OSError("no disk")

    with pytest.raises(RetrievalFailed):
        await bench.agent("openai", ["x"], dynamic_context=Shelf(fail, "handbook")).prompt("go")
    for name in ("retrieval handbook", "invoke_agent agent"):
        assert attributes(by_name(spans)[name])["error.type"] == "RetrievalFailed"


async def test_no_span_is_current_in_the_callers_loop_or_in_other_tasks(
    bench: Bench, spans: InMemorySpanExporter
) -> None:
    elsewhere: list[Any] = []

    async def look() -> None:
        elsewhere.append(trace.get_current_span())

    others = []
    async for _ in bench.agent("openai", [call("add", a=1, b=2), "x"], tools=[add]).stream_prompt("go"):
        assert trace.get_current_span() is INVALID_SPAN
        others.append(asyncio.ensure_future(look()))
    await asyncio.gather(*others)
    assert set(elsewhere) == {INVALID_SPAN}


async def test_an_early_break_ends_every_span_and_leaves_none_current(
    bench: Bench, spans: InMemorySpanExporter
) -> None:
    stream = bench.agent("openai", [call("endless")], tools=[endless]).stream_prompt("go")
    async for event in stream:
        if isinstance(event, ToolStarted):
            break
    await stream.aclose()
    assert trace.get_current_span() is INVALID_SPAN
    ended = by_name(spans)
    assert set(ended) == {"chat gpt-5.6", "execute_tool endless", "invoke_agent agent"}
    assert ended["execute_tool endless"].status.status_code is StatusCode.ERROR
    assert attributes(ended["execute_tool endless"])["error.type"] == "CancelledError"


async def test_an_error_marks_the_call_and_the_run(bench: Bench, spans: InMemorySpanExporter) -> None:
    with pytest.raises(ServerError):
        await bench.agent("openai", lambda _: ErrorReply(500, "Down.")).prompt("go")
    for name in ("chat gpt-5.6", "invoke_agent agent"):
        assert by_name(spans)[name].status.status_code is StatusCode.ERROR
        assert attributes(by_name(spans)[name])["error.type"] == "ServerError"


async def test_a_failed_tool_marks_its_own_span_only(bench: Bench, spans: InMemorySpanExporter) -> None:
    @tool
    def broken() -> str:
        """Fail."""
        raise ValueError("secret detail")

    await bench.agent("openai", [call("broken"), "ok"], tools=[broken]).prompt("go")
    assert by_name(spans)["execute_tool broken"].status.status_code is StatusCode.ERROR
    assert by_name(spans)["invoke_agent agent"].status.status_code is StatusCode.UNSET
    assert "secret detail" not in by_name(spans)["execute_tool broken"].to_json()


async def test_the_model_a_hook_chose_is_the_one_in_its_span(
    bench: Bench, spans: InMemorySpanExporter
) -> None:
    class Choose(Hook):
        def on_model_select(self, *_: Any) -> UseModel:
            return UseModel(bench.model("gemini"))

    await bench.agent("openai", ["x"], hooks=[Choose()]).prompt("go")
    assert attributes(by_name(spans)["chat gemini-2.5-flash"])["gen_ai.provider.name"] == "gemini"
    assert attributes(by_name(spans)["invoke_agent agent"])["gen_ai.provider.name"] == "openai"


@pytest.mark.parametrize("record_content", [False, True])
async def test_what_a_policy_said_is_an_event_of_the_run_and_its_reason_is_content(
    bench: Bench, spans: InMemorySpanExporter, record_content: bool
) -> None:
    policy = ApprovalPolicy(rules=(Rule("add", "deny", reason="no sums"),))
    turns = [call("add", a=1, b=2), "three"]
    await bench.agent("openai", turns, tools=[add], approvals=policy, record_content=record_content).prompt(
        "go"
    )
    assert "execute_tool add" not in by_name(spans)
    event = next(iter(by_name(spans)["invoke_agent agent"].events))
    said = dict(event.attributes or {})
    assert event.name == "agentlab.approval"
    assert (said["gen_ai.tool.name"], said["agentlab.approval.verdict"]) == ("add", "deny")
    assert said["agentlab.approval.by"] == "rule"
    assert said.get("agentlab.approval.reason") == ("no sums" if record_content else None)
