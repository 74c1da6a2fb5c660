"""From what a user writes to what a chat works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from agentlab.agent import Agent
from agentlab.agent.approving import ApprovalPolicy
from agentlab.agent.settings import Approver
from agentlab.chat.assistant import Assistants
from agentlab.chat.config import AgentConfig
from agentlab.chat.context.builder import ContextBuilder
from agentlab.chat.context.builders import Stable
from agentlab.chat.dialogue import plan_approval
from agentlab.chat.modes import write_guard
from agentlab.chat.persona import Persona, persona_of
from agentlab.chat.workbench import Workbench
from agentlab.errors import UsageError
from agentlab.http import Clock, SystemClock
from agentlab.sessions import Session, SessionStore
from agentlab.tools import FunctionTool, Tool, ToolContext, Toolset
from agentlab.tools.workspace import Workspace
from agentlab.tools.workspace.disk import DiskWorkspace
from agentlab.tools.workspace.tools import workspace_tools

__all__ = ["made_workbench"]

_LIBRARY: Final = "assistant"


def made_workbench(
    given: AgentConfig | str | Agent | None,
    workspace: Workspace | str | Path | None,
    session: Session | str | None,
    *,
    sessions: SessionStore | str | Path | None,
    persona: Persona | str | Path | None,
    tools: Iterable[Tool | Callable[..., Any]],
    approvals: ApprovalPolicy | None,
    approver: Approver | None,
    context: ContextBuilder | None,
    clock: Clock | None,
) -> Workbench:
    """Make what a chat works with; arguments and errors as in `Chat`."""
    files = DiskWorkspace(workspace) if isinstance(workspace, str | Path) else workspace
    opened, let_go = _session(session, sessions)
    try:
        config = _config(given, opened)
        own = given if isinstance(given, Agent) else None
        who = _persona(persona, own, config, has_workspace=files is not None)
        bench = Workbench(
            opened,
            files,
            config,
            persona=who,
            context=context or Stable(),
            clock=clock or SystemClock(),
        )
        bench.assistants = Assistants(
            base=own,
            tools=_tools(files, bench, own, tools),
            approvals=approvals or ApprovalPolicy(),
            approver=approver or (own.settings.approver if own else None),
            context=_context_of(bench, own),
            hooks=(*(own.settings.hooks if own else ()), bench.desk, bench.shortening),
            clock=clock or SystemClock(),
        )
        bench.assistants.agent(bench.config, who)  # what it names must be there before anything is asked
        bench.configure()
    except BaseException:
        let_go()
        raise
    return bench


def _session(
    given: Session | str | None, sessions: SessionStore | str | Path | None
) -> tuple[Session, Callable[[], None]]:
    """The session, and what lets go of it where no chat comes of it: one that was made here is taken away again."""
    if isinstance(given, Session):
        if sessions is not None:
            raise UsageError("give a session or the store it is in, not both")
        return given, lambda: None
    store = sessions if isinstance(sessions, SessionStore) else SessionStore(sessions)
    if given is None:
        made = store.new()
        return made, lambda: store.discard(made)
    opened = store.open(given)
    return opened, opened.close


def _config(given: AgentConfig | str | Agent | None, session: Session) -> AgentConfig:
    if isinstance(given, AgentConfig):
        return given
    if given is None and not session.config:
        raise UsageError(
            'who is to answer? The session does not say: give `Chat("vendor:model")`, an `AgentConfig` or an `Agent`'
        )
    kept = AgentConfig.from_plain(session.config) if session.config else None
    if kept is not None:
        _check_kept(kept)
    if given is None:
        assert kept is not None
        return kept
    name = given.model.name if isinstance(given, Agent) else given
    return AgentConfig(model=name) if kept is None else structs.replace(kept, model=name)


def _check_kept(config: AgentConfig) -> None:
    """Refuse what a session's file could turn against its reader: who sends it could name an address that gets the key.

    Raises:
        UsageError: The session names an address, places or a file of its own.
    """
    named = {"base_url": config.base_url, "places": config.places, "fallbacks": config.fallbacks}
    told = [f"{name}={value!r}" for name, value in named.items() if value]
    if config.persona != _LIBRARY:
        told.append(f"persona={config.persona!r}")
    if told:
        raise UsageError(
            f"the session was worked with {', '.join(told)}, which is not taken from a file: give the `AgentConfig` yourself "
            "if you trust it"
        )


def _persona(
    given: Persona | str | Path | None, own: Agent | None, config: AgentConfig, *, has_workspace: bool
) -> Persona:
    """Who the assistant is; without a workspace the persona of the library, which speaks of files, is left out."""
    if given is not None:
        return persona_of(given)
    default = persona_of(config.persona)
    preamble = own.settings.preamble if own is not None else None
    if preamble is None and (has_workspace or config.persona != _LIBRARY):
        return default
    name, told = (own.name, own.settings.description) if own is not None else (default.name, None)
    modes = default.modes if has_workspace else {}
    return Persona(name=name, preamble=preamble or "", description=told or "", modes=modes)


def _tools(
    workspace: Workspace | None,
    bench: Workbench,
    own: Agent | None,
    more: Iterable[Tool | Callable[..., Any]],
) -> Toolset:
    """The same tools in both modes: what may be written is the guard's business, and the definitions never change."""
    files: Iterable[Tool] = ()
    if workspace is not None:
        files = workspace_tools(workspace, guard=write_guard(lambda: bench.state.mode))
        for each in files:
            if isinstance(each, FunctionTool) and each.definition.name == "exit_plan_mode":
                each.approval = plan_approval(workspace, lambda: bench.state.mode)
    return Toolset((*files, *(own.tools if own else ()), *more))


def _context_of(bench: Workbench, own: Agent | None) -> ToolContext:
    switch = bench.mode_switch()
    values = (bench.desk,) if switch is None else (bench.desk, switch)
    return ToolContext(*values).over(own.settings.tool_context if own else ToolContext())
