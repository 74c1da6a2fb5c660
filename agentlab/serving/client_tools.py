"""Tools of the client: the model calls them, the client runs them.

On the server such a tool has a definition and no function. A call of one stands still the way a call that waits for
approval does: the other calls of the turn get their results, then the run is raised as `ApprovalNeeded`, whole, and goes
on when the client comes back with the result.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from agentlab.agent import Agent
from agentlab.errors import ApprovalNeeded, ToolError
from agentlab.messages import SpecificTools, ToolCall, ToolChoice, ToolDefinition
from agentlab.serving.refusals import invalid
from agentlab.tools import ToolContext

__all__ = ["ClientTool", "with_client_tools"]


class ClientTool:
    """A tool that only the client can run.

    Args:
        definition: The tool as the client described it.
    """

    timeout_s: float | None = None
    approval = True  # so that no call of it runs without an answer, and the answer is the client's result

    def __init__(self, definition: ToolDefinition) -> None:
        self.definition = definition

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Any:  # noqa: ARG002 - of `Tool`
        """Never called in a run that is served; a hook that rewrites the call could do so."""
        raise ToolError(f"`{self.definition.name}` is run by the client, with the arguments the model wrote")

    def __repr__(self) -> str:
        return f"ClientTool({self.definition.name!r})"


def with_client_tools(
    agent: Agent, definitions: Sequence[ToolDefinition], choice: ToolChoice | None
) -> Agent:
    """The agent with the client's tools behind its own.

    The client's choice speaks of the client's tools: `required` asks for one of them, and `none` leaves the agent its
    own.

    Args:
        agent: The served agent.
        definitions: The client's tools.
        choice: The client's choice; None leaves the agent's.

    Raises:
        Refused: A name is taken or given twice, or the choice names a tool that the client did not send.
    """
    names, own = [definition.name for definition in definitions], agent.settings.tool_names
    for place, name in enumerate(names):
        if name in own or name in names[:place]:
            whose = "of the agent served here" if name in own else "in this request"
            raise invalid(
                f"the name `{name}` is that of another tool {whose}; rename yours", f"tools[{place}]"
            )
    if isinstance(choice, SpecificTools) and (
        missing := [name for name in choice.names if name not in names]
    ):
        raise invalid(f"`tool_choice` names `{missing[0]}`, which is not in `tools`", "tool_choice")
    if not names:
        if choice == "required":
            raise invalid("`tool_choice` is `required`, and the request has no `tools`", "tool_choice")
        return agent
    if choice == "none" and own:
        return agent
    if choice == "required" and own:
        choice = SpecificTools(tuple(names))
    offered = agent.with_tools(*map(ClientTool, definitions))
    options: dict[str, Any] = {} if choice is None else {"tool_choice": choice}
    return offered.with_(approver=_approver(agent, frozenset(names)), **options)


def _approver(agent: Agent, client_side: frozenset[str]) -> Any:
    """Leaves the client's calls open and asks the agent's own approver about all others."""
    asked = agent.settings.approver

    async def approve(call: ToolCall, reason: str) -> bool | str:
        if call.name in client_side or asked is None:
            raise ApprovalNeeded(f"`{call.name}` waits for an answer", calls=(call,))
        answer = asked(call, reason)
        return await answer if inspect.isawaitable(answer) else answer

    return approve
