"""agentlab: a lab bench for LLM agents in a notebook.

    import agentlab as al

    @al.tool
    def add(a: int, b: int) -> int:
        '''Add two integers.'''
        return a + b

    agent = al.Agent("sim:openai/gpt-5.6", tools=[add])
    run = await agent.show("What is 1234 + 5678?")

A name is loaded when it is first used, so that `import agentlab` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentlab import caching, errors, notebook, simulator
    from agentlab.agent import (
        Agent,
        Hook,
        HookContext,
        RenameCall,
        RequestPatch,
        RetryTurn,
        RewriteArguments,
        RewriteResult,
        Run,
        RunResult,
        RunStream,
        Skip,
        Stop,
        Trace,
        UseModel,
    )
    from agentlab.caching import orderings, workloads
    from agentlab.caching.breakpoints.placement import place_breakpoints
    from agentlab.caching.calibration.calibrate import calibrate
    from agentlab.caching.calls import RecordedCall
    from agentlab.caching.explaining.explain import explain
    from agentlab.caching.linting.lint import lint
    from agentlab.caching.orderings.ordering import Ordering
    from agentlab.caching.prices import savings_ceiling, turn_cost
    from agentlab.caching.projection.projection import break_even, project
    from agentlab.caching.replaying.comparison import compare_orderings
    from agentlab.caching.replaying.stability import stability_order
    from agentlab.caching.replaying.what_if import what_if
    from agentlab.experiments import plots
    from agentlab.experiments.batch import Batch
    from agentlab.experiments.datasets import load_dataset, tools_of
    from agentlab.experiments.frames.otel import to_otel
    from agentlab.experiments.plan.stopping import Stopping
    from agentlab.experiments.results import Results
    from agentlab.experiments.scoring import (
        contains,
        exact,
        json_match,
        judge,
        numeric,
        regex,
        similarity,
    )
    from agentlab.experiments.statistics import SequentialStop
    from agentlab.experiments.sweep import compare, grid, sweep
    from agentlab.experiments.sweep_plan import Plan
    from agentlab.http import HttpClient, Retry, Secret, Timeouts
    from agentlab.messages import (
        ApprovalAsked,
        ApprovalGiven,
        AssistantMessage,
        Audio,
        CacheOptions,
        Citation,
        Document,
        Event,
        Image,
        Json,
        Message,
        Notice,
        Reasoning,
        ReasoningBlock,
        ReasoningDelta,
        ReasoningOptions,
        Request,
        RequestSent,
        Retrying,
        RunFinished,
        SpecificTools,
        SystemMessage,
        Text,
        TextDelta,
        ToolCall,
        ToolCallDelta,
        ToolDefinition,
        ToolResult,
        ToolStarted,
        TurnFinished,
        TurnStarted,
        UnknownEvent,
        Usage,
        UserMessage,
        Video,
        messages_from_json,
        messages_to_json,
        repair,
        validate,
    )
    from agentlab.models import Model, model, vendors
    from agentlab.tools import Tool, ToolContext, Toolset, tool

_PLACES = {
    "agentlab.agent": (
        "Agent Hook HookContext RenameCall RequestPatch RetryTurn RewriteArguments RewriteResult Run RunResult RunStream "
        "Skip Stop Trace UseModel"
    ),
    "agentlab.caching.calibration.calibrate": "calibrate",
    "agentlab.caching.calls": "RecordedCall",
    "agentlab.caching.replaying.comparison": "compare_orderings",
    "agentlab.caching.explaining.explain": "explain",
    "agentlab.caching.linting.lint": "lint",
    "agentlab.caching.orderings.ordering": "Ordering",
    "agentlab.caching.breakpoints.placement": "place_breakpoints",
    "agentlab.caching.prices": "savings_ceiling turn_cost",
    "agentlab.caching.projection.projection": "break_even project",
    "agentlab.caching.replaying.stability": "stability_order",
    "agentlab.caching.replaying.what_if": "what_if",
    "agentlab.experiments.batch": "Batch",
    "agentlab.experiments.datasets": "load_dataset tools_of",
    "agentlab.experiments.frames.otel": "to_otel",
    "agentlab.experiments.plan.stopping": "Stopping",
    "agentlab.experiments.results": "Results",
    "agentlab.experiments.scoring": "contains exact json_match judge numeric regex similarity",
    "agentlab.experiments.statistics": "SequentialStop",
    "agentlab.experiments.sweep": "compare grid sweep",
    "agentlab.experiments.sweep_plan": "Plan",
    "agentlab.http": "HttpClient Retry Secret Timeouts",
    "agentlab.messages": (
        "ApprovalAsked ApprovalGiven AssistantMessage Audio CacheOptions Citation Document Event Image Json Message Notice "
        "Reasoning ReasoningBlock "
        "ReasoningDelta ReasoningOptions Request RequestSent Retrying RunFinished SpecificTools SystemMessage Text TextDelta "
        "ToolCall ToolCallDelta ToolDefinition ToolResult ToolStarted TurnFinished TurnStarted UnknownEvent Usage "
        "UserMessage Video messages_from_json messages_to_json repair validate"
    ),
    "agentlab.models": "Model model vendors",
    "agentlab.tools": "Tool ToolContext Toolset tool",
}
_MODULES = {
    "caching": "agentlab.caching",
    "errors": "agentlab.errors",
    "notebook": "agentlab.notebook",
    "orderings": "agentlab.caching.orderings",
    "plots": "agentlab.experiments.plots",
    "simulator": "agentlab.simulator",
    "workloads": "agentlab.caching.workloads",
}
_HOMES = {name: module for module, names in _PLACES.items() for name in names.split()}

__all__ = [
    "Agent",
    "ApprovalAsked",
    "ApprovalGiven",
    "AssistantMessage",
    "Audio",
    "Batch",
    "CacheOptions",
    "Citation",
    "Document",
    "Event",
    "Hook",
    "HookContext",
    "HttpClient",
    "Image",
    "Json",
    "Message",
    "Model",
    "Notice",
    "Ordering",
    "Plan",
    "Reasoning",
    "ReasoningBlock",
    "ReasoningDelta",
    "ReasoningOptions",
    "RecordedCall",
    "RenameCall",
    "Request",
    "RequestPatch",
    "RequestSent",
    "Results",
    "Retry",
    "RetryTurn",
    "Retrying",
    "RewriteArguments",
    "RewriteResult",
    "Run",
    "RunFinished",
    "RunResult",
    "RunStream",
    "Secret",
    "SequentialStop",
    "Skip",
    "SpecificTools",
    "Stop",
    "Stopping",
    "SystemMessage",
    "Text",
    "TextDelta",
    "Timeouts",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolContext",
    "ToolDefinition",
    "ToolResult",
    "ToolStarted",
    "Toolset",
    "Trace",
    "TurnFinished",
    "TurnStarted",
    "UnknownEvent",
    "Usage",
    "UseModel",
    "UserMessage",
    "Video",
    "__version__",
    "break_even",
    "caching",
    "calibrate",
    "compare",
    "compare_orderings",
    "contains",
    "errors",
    "exact",
    "explain",
    "grid",
    "json_match",
    "judge",
    "lint",
    "load_dataset",
    "messages_from_json",
    "messages_to_json",
    "model",
    "notebook",
    "numeric",
    "orderings",
    "place_breakpoints",
    "plots",
    "project",
    "regex",
    "repair",
    "savings_ceiling",
    "similarity",
    "simulator",
    "stability_order",
    "sweep",
    "to_otel",
    "tool",
    "tools_of",
    "turn_cost",
    "validate",
    "vendors",
    "what_if",
    "workloads",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name not in _HOMES:
        raise AttributeError(f"module 'agentlab' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
