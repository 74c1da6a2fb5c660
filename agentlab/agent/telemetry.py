"""OpenTelemetry spans with GenAI names: `invoke_agent`, `retrieval`, `chat`, `execute_tool`.

Spans are parented explicitly and never made current across a yield, so none leaks into a task of the caller. What is
said is recorded only where the agent opted in.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/ and .../gen-ai-spans/#retrievals
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from agentlab.messages import Judged, Request, ToolCall, ToolResult, TurnFinished, Usage, messages_to_json

__all__ = ["RunSpans"]

_OPERATION = "gen_ai.operation.name"


class RunSpans:
    """The spans of one run.

    Args:
        agent_name: The agent.
        model: `"vendor:model"`.
        run_id: The run, as conversation id.
        record_content: Whether messages, arguments and results are recorded.
    """

    def __init__(self, *, agent_name: str, model: str, run_id: str, record_content: bool) -> None:
        self._tracer = trace.get_tracer("agentlab")
        self._content = record_content
        self._agent = self._tracer.start_span(
            f"invoke_agent {agent_name}",
            kind=SpanKind.INTERNAL,
            attributes={
                _OPERATION: "invoke_agent",
                "gen_ai.agent.name": agent_name,
                "gen_ai.conversation.id": run_id,
                **_model_attributes(model),
            },
        )
        self._parent = trace.set_span_in_context(self._agent)
        self._chat: Span | None = None

    def chat_started(self, request: Request, model: str) -> None:
        """A model call begins.

        Args:
            request: What is asked.
            model: Name of the model that is called; a hook may have chosen another than the agent's.
        """
        attributes: dict[str, Any] = {_OPERATION: "chat", **_model_attributes(model)}
        if request.temperature is not None:
            attributes["gen_ai.request.temperature"] = request.temperature
        if request.max_tokens is not None:
            attributes["gen_ai.request.max_tokens"] = request.max_tokens
        if self._content:
            attributes["gen_ai.input.messages"] = messages_to_json(request.messages)
            if request.preamble:
                attributes["gen_ai.system_instructions"] = request.preamble
        name = f"chat {attributes['gen_ai.request.model']}"
        self._chat = self._tracer.start_span(name, self._parent, kind=SpanKind.CLIENT, attributes=attributes)

    def chat_finished(self, turn: TurnFinished) -> None:
        """A model call is complete."""
        if self._chat is None:
            return
        attributes = _usage(turn.usage)
        attributes["gen_ai.response.finish_reasons"] = [turn.finish_reason or ""]
        if turn.response_id:
            attributes["gen_ai.response.id"] = turn.response_id
        if turn.model:
            attributes |= _model_attributes(turn.model)
        if turn.message.model:
            attributes["gen_ai.response.model"] = turn.message.model
        if self._content:
            attributes["gen_ai.output.messages"] = messages_to_json([turn.message])
        self._chat.set_attributes(attributes)
        self._chat.end()
        self._chat = None

    @contextmanager
    def retrieval(self, index: str, query: str, n: int) -> Iterator[RetrievalSpan]:
        """An index is asked; its span ends with the block, also where the search is cancelled.

        Args:
            index: Its name.
            query: What it is asked.
            n: How much it may find.
        """
        attributes: dict[str, Any] = {
            _OPERATION: "retrieval",
            "gen_ai.data_source.id": index,
            "gen_ai.request.top_k": float(n),
        }
        if self._content:
            attributes["gen_ai.retrieval.query.text"] = query
        span = self._tracer.start_span(
            f"retrieval {index}", self._parent, kind=SpanKind.CLIENT, attributes=attributes
        )
        try:
            yield RetrievalSpan(span, record_content=self._content)
        except BaseException as error:
            _fail(span, error)
            raise
        finally:
            span.end()

    def judged(self, judged: Judged) -> None:
        """A call was judged, or decided on; an event of the run's span, for a call that may not run has none."""
        attributes = {
            "gen_ai.tool.name": judged.name,
            "gen_ai.tool.call.id": judged.call_id,
            "agentlab.approval.verdict": judged.verdict,
            "agentlab.approval.by": judged.by,
        }
        if self._content:
            attributes["agentlab.approval.reason"] = judged.reason
        self._agent.add_event("agentlab.approval", attributes)

    @contextmanager
    def tool(self, call: ToolCall) -> Iterator[ToolSpan]:
        """A tool runs; its span ends with the block, also where the tool is cancelled.

        In the block it is the current span: the task is the tool's own, so runs and spans in it become its children.
        """
        attributes: dict[str, Any] = {
            _OPERATION: "execute_tool",
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.id,
        }
        if self._content:
            attributes["gen_ai.tool.call.arguments"] = call.arguments_json
        span = self._tracer.start_span(f"execute_tool {call.name}", self._parent, attributes=attributes)
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield ToolSpan(span, record_content=self._content)
        except BaseException as error:
            _fail(span, error)
            raise
        finally:
            span.end()

    def finished(self, usage: Usage, error: BaseException | None = None) -> None:
        """The run is over; a model call still open ends with it."""
        for span in (self._chat, self._agent):
            if span is None:
                continue
            if error is not None:
                _fail(span, error)
        if self._chat is not None:
            self._chat.end()
            self._chat = None
        self._agent.set_attributes(_usage(usage))
        self._agent.end()


class RetrievalSpan:
    """The span of one search.

    Args:
        span: The span.
        record_content: Whether ids and scores of what was found are recorded.
    """

    def __init__(self, span: Span, *, record_content: bool) -> None:
        self._span = span
        self._content = record_content

    def found(self, hits: Sequence[tuple[str, float | None]]) -> None:
        """Note ids and scores of what was found."""
        if self._content:
            documents = [{"id": name, "score": score} for name, score in hits]
            self._span.set_attribute("gen_ai.retrieval.documents", msgspec.json.encode(documents).decode())


class ToolSpan:
    """The span of one tool call.

    Args:
        span: The span.
        record_content: Whether the result is recorded.
    """

    def __init__(self, span: Span, *, record_content: bool) -> None:
        self._span = span
        self._content = record_content

    def done(self, result: ToolResult) -> ToolResult:
        """Note what came of the call, and give it back."""
        self._span.set_attribute("gen_ai.tool.call.outcome", result.status)
        if result.is_error:
            self._span.set_status(Status(StatusCode.ERROR))
            self._span.set_attribute("error.type", result.status)
        if self._content:
            self._span.set_attribute("gen_ai.tool.call.result", result.text)
        return result


def _fail(span: Span, error: BaseException) -> None:
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
    span.set_attribute("error.type", type(error).__name__)


def _model_attributes(name: str) -> dict[str, str]:
    """`"vendor:model"`, or `"sim:vendor/model"`, as provider and model."""
    separator = "/" if name.startswith("sim:") else ":"
    provider, _, model = name.removeprefix("sim:").partition(separator)
    return {"gen_ai.provider.name": provider, "gen_ai.request.model": model or name}


def _usage(usage: Usage) -> dict[str, Any]:
    named: Mapping[str, int | None] = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning_tokens": usage.reasoning_tokens,
    }
    return {name: value for name, value in named.items() if value is not None}
