"""What an agent is made of, and the requests that follow from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentlab.agent.approving.policy import ApprovalPolicy
from agentlab.agent.hooks import Hook, check_tool_choice
from agentlab.agent.memory.policy import Memory
from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools
from agentlab.caching.orderings import stable_first
from agentlab.caching.orderings.ordering import Ordering, split_part
from agentlab.messages import (
    CacheOptions,
    Document,
    Message,
    OutputSchema,
    ReasoningOptions,
    Request,
    ToolCall,
    ToolChoice,
    ToolDefinition,
)
from agentlab.short_repr import ShortRepr
from agentlab.tools import ToolContext, Toolset

__all__ = ["DEFAULT_MAX_TURNS", "AgentSettings", "Approver"]

DEFAULT_MAX_TURNS = 20

Approver = Callable[[ToolCall, str], bool | str | Awaitable[bool | str]]
"""Decides on a call and the tool's reason to ask: True runs it, False refuses, a text refuses and says why."""


@dataclass(frozen=True, kw_only=True, repr=False)
class AgentSettings(ShortRepr):
    """Everything an agent is, but its model. Frozen: a variation is a new object, so no run can change its agent.

    Attributes:
        name: Name for logs, telemetry, and as a tool of another agent.
        description: What it is for.
        preamble: System prompt.
        context: Static documents, sent with every request.
        dynamic_context: Indexes that are asked once a run for documents that fit the prompt.
        few_shots: Worked examples, shown before the history.
        volatile: Facts that are true only now, or functions that tell them; each is asked once a run, before its first
            model call, so that the run's requests keep one prefix.
        ordering: In which order the parts of a request are sent.
        tools: Tools it may call, in a stable order.
        dynamic_tools: Larger sets of tools, of which those that fit the prompt are offered behind `tools`.
        tool_choice: Which tools the model may or must call.
        temperature: Sampling temperature.
        max_tokens: Limit of generated tokens a call.
        stop_sequences: Texts at which generation ends.
        parallel_tool_calls: Whether one turn may hold several calls; None leaves it to the provider.
        reasoning: How much to think.
        output_schema: Shape of the answer, enforced by the provider.
        output_tool: Tool whose arguments are the answer, where the provider cannot enforce a shape.
        cache: Cache controls.
        additional_params: Merged into every request body.
        max_turns: Exact number of model calls a run may make.
        tool_concurrency: Tool calls that may run at the same time.
        tool_timeout_s: Seconds a tool call may take where the tool does not say; None for no limit.
        tool_context: Values for tools.
        approver: Decides whether a tool that asks may run, in place of a person; see `Approver`.
        approvals: Which calls run, are asked about or are refused; None leaves it to the tools' own `approval`.
        hooks: Asked at every step.
        memory: Decides what of a history is sent; all of it where None.
        stream: Whether the model's answers are streamed.
        record_content: Whether telemetry records what is said.
    """

    name: str = "agent"
    description: str | None = None
    preamble: str | None = None
    context: tuple[Document, ...] = ()
    dynamic_context: tuple[DynamicContext, ...] = ()
    few_shots: tuple[Message, ...] = ()
    volatile: tuple[str | Callable[[], str], ...] = ()
    ordering: Ordering = stable_first
    tools: Toolset = field(default_factory=Toolset)
    dynamic_tools: tuple[DynamicTools, ...] = ()
    tool_choice: ToolChoice | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningOptions | None = None
    output_schema: OutputSchema | None = None
    output_tool: ToolDefinition | None = None
    cache: CacheOptions | None = None
    additional_params: dict[str, Any] = field(default_factory=dict)
    max_turns: int = DEFAULT_MAX_TURNS
    tool_concurrency: int = 8
    tool_timeout_s: float | None = 120.0
    tool_context: ToolContext = field(default_factory=ToolContext)
    approver: Approver | None = None
    approvals: ApprovalPolicy | None = None
    hooks: tuple[Hook, ...] = ()
    memory: Memory | None = None
    stream: bool = True
    record_content: bool = False

    @property
    def tool_names(self) -> tuple[str, ...]:
        """Names of all tools that any run of it may offer."""
        found = (name for entry in self.dynamic_tools for name in entry.toolset.names)
        return tuple(dict.fromkeys((*self.tools.names, *found)))

    def request(self, model: str, messages: Sequence[Message]) -> Request:
        """The request for the next model call, in the order that keeps the cached prefix.

        Args:
            model: The provider's name of the model.
            messages: History and current prompt.

        Raises:
            UsageError: The tool choice cannot be met by the tools.
        """
        offered = self.tools.definitions
        if self.output_tool is not None:
            offered = (*offered, self.output_tool)
        request = Request(
            model=model,
            tools=offered,
            preamble=self.preamble,
            context=self.context,
            few_shots=self.few_shots,
            messages=tuple(messages),
            ordering=self._parts(),
            tool_choice=self.tool_choice,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            stop_sequences=self.stop_sequences,
            parallel_tool_calls=self.parallel_tool_calls,
            reasoning=self.reasoning,
            output_schema=self.output_schema,
            cache=self.cache,
            additional_params=self.additional_params,
            stream=self.stream,
        )
        check_tool_choice(request)
        return request

    def _parts(self) -> tuple[str, ...]:
        """The ordering as a request has it. An output tool must be callable in every turn, so then all tools are."""
        parts = self.ordering.parts
        if self.output_tool is not None:
            parts = tuple("tools" if split_part(part)[0] == "tools" else part for part in parts)
        return () if parts == stable_first.parts else parts
