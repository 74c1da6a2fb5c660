"""An agent that can be built twice, here and in another process, and the provider it talks to.

As a program it reads runs from its standard input, drives each to the end and writes it to its standard output. A line
is a run: vendor, address and key of its provider, a tab, its state.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from agentlab.agent import Agent, Run
from agentlab.errors import ToolError
from agentlab.messages import AssistantMessage, Reasoning, Text, ToolCall, ToolResult, UserMessage
from agentlab.models import model
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import tool
from tests.agent.bench import VENDORS, add

__all__ = ["agent_at", "contents", "says"]


@tool
def broken() -> str:
    """Fail."""
    raise ToolError("it is broken")


def agent_at(vendor: str, base_url: str, token: str, *, stream: bool = True) -> Agent:
    """The agent, against a provider."""
    return Agent(
        model(VENDORS[vendor], base_url=base_url, api_key=token),
        preamble="You add.",
        tools=[add, broken],
        stream=stream,
    )


def says(request: SimRequest) -> Any:
    """Three calls, then one, then the answer: told from the history alone, so that it is the same in any process."""
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    if turns == 0:
        calls = [call("add", a=1, b=2), call("broken"), call("add", a=3, b=4)]
        return reply("Three at once.", reasoning="Count.", calls=calls)
    if turns == 1:
        return reply("One more.", calls=[call("add", a=3, b=7)])
    return reply("It is ten.", reasoning="Done.")


def contents(run: Run) -> list[Any]:
    """What was said and done, without the ids that a provider makes anew."""
    said: list[Any] = []
    for message in run.messages:
        assert isinstance(message, UserMessage | AssistantMessage)
        for part in message.content:
            if isinstance(part, ToolCall):
                said.append((part.name, part.arguments))
            elif isinstance(part, ToolResult):
                said.append((part.name, part.text, part.status))
            elif isinstance(part, Text | Reasoning):
                said.append(part.text)
    return said


async def _finished(run: Run, agent: Agent) -> Run:
    async for _ in agent.resume(run):
        pass
    return run


if __name__ == "__main__":
    for line in sys.stdin:
        at, state = line.rstrip("\n").split("\t", 1)
        finished = asyncio.run(_finished(Run.from_json(state), agent_at(*at.split())))
        sys.stdout.write(finished.to_json() + "\n")
