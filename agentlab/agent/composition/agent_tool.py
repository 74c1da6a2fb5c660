"""An agent as a tool of another one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from agentlab.agent.current_run import current_run
from agentlab.errors import (
    AgentlabError,
    InvalidToolArguments,
    SweepStopped,
    ToolError,
    ToolInterrupted,
    UsageError,
)
from agentlab.messages import ToolDefinition
from agentlab.short_repr import one_line
from agentlab.tools import Effect, Returns, ToolContext

if TYPE_CHECKING:
    from agentlab.agent.agent import Agent
    from agentlab.agent.stream import RunStream

__all__ = ["AgentTool"]

_UNNAMED: Final = "agent"
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME: Final = 64


class AgentTool:
    """An agent that another agent may ask. Make it with `Agent.as_tool`.

    The model gives a prompt and gets the answer. Each call is a run of its own, without the history of the one that
    calls; its trace is a child of that run's, see `Trace.children`. From the run around it takes over:

    * the values of the tool context, which the agent's own values go before;
    * the stop: ended with it, it keeps its partial answer, which the call's result tells;
    * the questions for approval, where the agent has no `approver` of its own;
    * its approval policy, beside the agent's own: of two verdicts the stricter stands; and its taint, to which what the
      agent reads is added with the answer;
    * the budget of a sweep; and `max_turns`, where that is less than the agent's own.

    Args:
        agent: The agent.
        name: Name of the tool; the agent's, or `agent_tool` where it has none.
        description: What the model is told of it; made of the agent's name, description and preamble where None.
        timeout_s: Seconds a call may take, all its model calls together.

    Raises:
        UsageError: The name cannot name a tool.
    """

    def __init__(
        self,
        agent: Agent,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout_s: float | None = 600.0,
    ) -> None:
        self.agent = agent
        # What the agent does is judged call by call, and what it reads taints the run that called it.
        self.effect: Effect = "read"
        self.returns: Returns = "trusted"
        self.timeout_s = timeout_s
        chosen = _name_of(agent) if name is None else name
        if not chosen or _NO_NAME.search(chosen) or len(chosen) > _LONGEST_NAME:
            raise UsageError(f"`{chosen}` cannot name a tool; use 1 to 64 letters, digits, `_` or `-`")
        self.definition = ToolDefinition(
            name=chosen,
            description=_description_of(agent) if description is None else description,
            parameters={
                "type": "object",
                "properties": {
                    "prompt": {
                        "type": "string",
                        "description": "The task, with everything needed for it: nothing else of the conversation is seen.",
                    }
                },
                "required": ["prompt"],
                "additionalProperties": False,
            },
        )

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Ask the agent; see `Tool.call`.

        Raises:
            InvalidToolArguments: There is no prompt.
            ToolInterrupted: The call was ended early, and the agent had said something by then.
            ToolError: The agent's run failed; the text says why.
        """
        prompt = arguments.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip() or len(arguments) > 1:
            raise InvalidToolArguments(
                f"invalid arguments for `{self.definition.name}`: it takes `prompt`, a text that is not empty, alone"
            )
        settings = self.agent.settings
        agent = self.agent.with_(tool_context=settings.tool_context.over(context))
        around = current_run()
        limit = around.max_turns if around is not None else None
        turns = settings.max_turns if limit is None else min(limit, settings.max_turns)
        stream = agent.stream_prompt(prompt, max_turns=turns)
        try:
            async for _ in stream:
                pass
        except asyncio.CancelledError:
            await stream.aclose()
            if not stream.run.text:
                raise
            raise ToolInterrupted(f"{self._who} was interrupted; it had said: {stream.run.text}") from None
        except SweepStopped:
            raise
        except AgentlabError as error:
            raise ToolError(self._failure(stream, error)) from error
        return stream.run.text

    @property
    def _who(self) -> str:
        return f"the agent `{self.agent.name}`"

    def _failure(self, stream: RunStream, error: AgentlabError) -> str:
        said = f"; it had said: {stream.run.text}" if stream.run.text else ""
        return f"{self._who} failed: {error}{said}"

    def __repr__(self) -> str:
        return one_line(f"AgentTool({self.agent!r}, name={self.definition.name!r})")


def _name_of(agent: Agent) -> str:
    if agent.name == _UNNAMED:
        return "agent_tool"
    return _NO_NAME.sub("_", agent.name).strip("_")[:_LONGEST_NAME]


def _description_of(agent: Agent) -> str:
    """What Rig tells of an agent as a tool: who it is, what it is for, what it was told to be."""
    settings = agent.settings
    lines = [
        "Prompt an agent to do a task for you."
        if agent.name == _UNNAMED
        else f"Prompt the agent `{agent.name}` to do a task for you.",
        settings.description or "",
        f"Its instructions: {settings.preamble}" if settings.preamble else "",
    ]
    return "\n".join(line for line in lines if line)
