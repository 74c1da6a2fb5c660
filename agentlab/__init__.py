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
    from agentlab import caching, errors, notebook, retrieval, simulator
    from agentlab.agent import (
        Agent,
        DynamicContext,
        DynamicTools,
        Extraction,
        Extractor,
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
    from agentlab.agent.approving import ApprovalPolicy, Rule, read_policy
    from agentlab.agent.composition.pipeline import passthrough, pipeline
    from agentlab.agent.composition.router import AgentSet
    from agentlab.agent.memory.foresight import memory_plan
    from agentlab.agent.memory.recall import Recall
    from agentlab.agent.memory.summary import Summary
    from agentlab.agent.memory.window import TokenWindow, Window
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
    from agentlab.chat import AgentConfig, Chat, ChatStream, Persona
    from agentlab.commands.login import login
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
        llm_judge,
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
        Judged,
        Message,
        Notice,
        Reasoning,
        ReasoningBlock,
        ReasoningDelta,
        ReasoningOptions,
        Request,
        RequestSent,
        RetrievalStarted,
        Retrieved,
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
    from agentlab.modalities import image_model, speech_model, transcription_model
    from agentlab.models import Model, model, vendors
    from agentlab.models.configured import model_from_config
    from agentlab.models.entra_tokens import entra_tokens
    from agentlab.models.fallback import fallback
    from agentlab.models.gemini.caches import GeminiCaches
    from agentlab.models.google_tokens import google_tokens
    from agentlab.models.listing import list_models
    from agentlab.models.local.transformers_engine import transformers_model
    from agentlab.models.verifying import verify
    from agentlab.serving import AgentServer
    from agentlab.serving.mcp import McpServer
    from agentlab.sessions import Session, SessionStore, compare_branches
    from agentlab.tools import Tool, ToolContext, Toolset, think, tool
    from agentlab.tools.mcp import McpClient
    from agentlab.tools.workspace import DiskWorkspace, MemoryWorkspace
    from agentlab.tools.workspace.tools import workspace_tools

_PLACES = {
    "agentlab.agent": (
        "Agent DynamicContext DynamicTools Extraction Extractor Hook HookContext RenameCall "
        "RequestPatch RetryTurn RewriteArguments RewriteResult Run RunResult RunStream Skip Stop "
        "Trace UseModel"
    ),
    "agentlab.agent.approving": "ApprovalPolicy Rule read_policy",
    "agentlab.agent.composition.pipeline": "passthrough pipeline",
    "agentlab.agent.composition.router": "AgentSet",
    "agentlab.agent.memory.foresight": "memory_plan",
    "agentlab.agent.memory.recall": "Recall",
    "agentlab.agent.memory.summary": "Summary",
    "agentlab.agent.memory.window": "TokenWindow Window",
    "agentlab.caching.breakpoints.placement": "place_breakpoints",
    "agentlab.caching.calibration.calibrate": "calibrate",
    "agentlab.caching.calls": "RecordedCall",
    "agentlab.caching.explaining.explain": "explain",
    "agentlab.caching.linting.lint": "lint",
    "agentlab.caching.orderings.ordering": "Ordering",
    "agentlab.caching.prices": "savings_ceiling turn_cost",
    "agentlab.caching.projection.projection": "break_even project",
    "agentlab.caching.replaying.comparison": "compare_orderings",
    "agentlab.caching.replaying.stability": "stability_order",
    "agentlab.caching.replaying.what_if": "what_if",
    "agentlab.chat": "AgentConfig Chat ChatStream Persona",
    "agentlab.commands.login": "login",
    "agentlab.experiments.batch": "Batch",
    "agentlab.experiments.datasets": "load_dataset tools_of",
    "agentlab.experiments.frames.otel": "to_otel",
    "agentlab.experiments.plan.stopping": "Stopping",
    "agentlab.experiments.results": "Results",
    "agentlab.experiments.scoring": "contains exact json_match judge llm_judge numeric regex similarity",
    "agentlab.experiments.statistics": "SequentialStop",
    "agentlab.experiments.sweep": "compare grid sweep",
    "agentlab.experiments.sweep_plan": "Plan",
    "agentlab.http": "HttpClient Retry Secret Timeouts",
    "agentlab.messages": (
        "ApprovalAsked ApprovalGiven AssistantMessage Audio CacheOptions Citation Document Event "
        "Image Json Judged Message Notice Reasoning ReasoningBlock ReasoningDelta ReasoningOptions "
        "Request RequestSent RetrievalStarted Retrieved Retrying RunFinished SpecificTools "
        "SystemMessage Text TextDelta ToolCall ToolCallDelta ToolDefinition ToolResult ToolStarted "
        "TurnFinished TurnStarted UnknownEvent Usage UserMessage Video messages_from_json "
        "messages_to_json repair validate"
    ),
    "agentlab.modalities": "image_model speech_model transcription_model",
    "agentlab.models": "Model model vendors",
    "agentlab.models.configured": "model_from_config",
    "agentlab.models.entra_tokens": "entra_tokens",
    "agentlab.models.fallback": "fallback",
    "agentlab.models.gemini.caches": "GeminiCaches",
    "agentlab.models.google_tokens": "google_tokens",
    "agentlab.models.listing": "list_models",
    "agentlab.models.local.transformers_engine": "transformers_model",
    "agentlab.models.verifying": "verify",
    "agentlab.serving": "AgentServer",
    "agentlab.serving.mcp": "McpServer",
    "agentlab.sessions": "Session SessionStore compare_branches",
    "agentlab.tools": "Tool ToolContext Toolset think tool",
    "agentlab.tools.mcp": "McpClient",
    "agentlab.tools.workspace": "DiskWorkspace MemoryWorkspace",
    "agentlab.tools.workspace.tools": "workspace_tools",
}
_MODULES = {
    "caching": "agentlab.caching",
    "errors": "agentlab.errors",
    "notebook": "agentlab.notebook",
    "orderings": "agentlab.caching.orderings",
    "plots": "agentlab.experiments.plots",
    "retrieval": "agentlab.retrieval",
    "simulator": "agentlab.simulator",
    "workloads": "agentlab.caching.workloads",
}
_HOMES = {name: module for module, names in _PLACES.items() for name in names.split()}

__all__ = [
    "Agent",
    "AgentConfig",
    "AgentServer",
    "AgentSet",
    "ApprovalAsked",
    "ApprovalGiven",
    "ApprovalPolicy",
    "AssistantMessage",
    "Audio",
    "Batch",
    "CacheOptions",
    "Chat",
    "ChatStream",
    "Citation",
    "DiskWorkspace",
    "Document",
    "DynamicContext",
    "DynamicTools",
    "Event",
    "Extraction",
    "Extractor",
    "GeminiCaches",
    "Hook",
    "HookContext",
    "HttpClient",
    "Image",
    "Json",
    "Judged",
    "McpClient",
    "McpServer",
    "MemoryWorkspace",
    "Message",
    "Model",
    "Notice",
    "Ordering",
    "Persona",
    "Plan",
    "Reasoning",
    "ReasoningBlock",
    "ReasoningDelta",
    "ReasoningOptions",
    "Recall",
    "RecordedCall",
    "RenameCall",
    "Request",
    "RequestPatch",
    "RequestSent",
    "Results",
    "RetrievalStarted",
    "Retrieved",
    "Retry",
    "RetryTurn",
    "Retrying",
    "RewriteArguments",
    "RewriteResult",
    "Rule",
    "Run",
    "RunFinished",
    "RunResult",
    "RunStream",
    "Secret",
    "SequentialStop",
    "Session",
    "SessionStore",
    "Skip",
    "SpecificTools",
    "Stop",
    "Stopping",
    "Summary",
    "SystemMessage",
    "Text",
    "TextDelta",
    "Timeouts",
    "TokenWindow",
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
    "Window",
    "__version__",
    "break_even",
    "caching",
    "calibrate",
    "compare",
    "compare_branches",
    "compare_orderings",
    "contains",
    "entra_tokens",
    "errors",
    "exact",
    "explain",
    "fallback",
    "google_tokens",
    "grid",
    "image_model",
    "json_match",
    "judge",
    "lint",
    "list_models",
    "llm_judge",
    "load_dataset",
    "login",
    "memory_plan",
    "messages_from_json",
    "messages_to_json",
    "model",
    "model_from_config",
    "notebook",
    "numeric",
    "orderings",
    "passthrough",
    "pipeline",
    "place_breakpoints",
    "plots",
    "project",
    "read_policy",
    "regex",
    "repair",
    "retrieval",
    "savings_ceiling",
    "similarity",
    "simulator",
    "speech_model",
    "stability_order",
    "sweep",
    "think",
    "to_otel",
    "tool",
    "tools_of",
    "transcription_model",
    "transformers_model",
    "turn_cost",
    "validate",
    "vendors",
    "verify",
    "what_if",
    "workloads",
    "workspace_tools",
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
