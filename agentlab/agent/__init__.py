"""Agents: the sans-IO run, its driver, hooks, typed answers, telemetry."""

from agentlab.agent.agent import Agent, Prompt
from agentlab.agent.approving.policy import ApprovalPolicy, Rule
from agentlab.agent.extraction.extraction import Extraction
from agentlab.agent.extraction.extractor import Extractor
from agentlab.agent.hooks import (
    Hook,
    HookContext,
    RenameCall,
    RequestPatch,
    RetryTurn,
    RewriteArguments,
    RewriteResult,
    Skip,
    Stop,
    UseModel,
)
from agentlab.agent.portal import run_sync
from agentlab.agent.records import Decision, TurnRecord
from agentlab.agent.result import RunResult
from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools
from agentlab.agent.retrieving.tool_index import tool_documents
from agentlab.agent.run import CallModel, CallTools, Done, Run
from agentlab.agent.stream import RunStream
from agentlab.agent.trace import Trace, TracedEvent, TracedRequest

__all__ = [
    "Agent",
    "ApprovalPolicy",
    "CallModel",
    "CallTools",
    "Decision",
    "Done",
    "DynamicContext",
    "DynamicTools",
    "Extraction",
    "Extractor",
    "Hook",
    "HookContext",
    "Prompt",
    "RenameCall",
    "RequestPatch",
    "RetryTurn",
    "RewriteArguments",
    "RewriteResult",
    "Rule",
    "Run",
    "RunResult",
    "RunStream",
    "Skip",
    "Stop",
    "Trace",
    "TracedEvent",
    "TracedRequest",
    "TurnRecord",
    "UseModel",
    "run_sync",
    "tool_documents",
]
