"""Agno: `Agent.arun(stream=True)`, every event read."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from agno.agent import Agent
from agno.models.message import Message
from agno.models.openai import OpenAIChat
from agno.run.agent import RunCompletedEvent
from agno.tools.function import Function

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, AgentWay, add, said

__all__ = ["WAYS"]


class Chat(AgentWay):
    """Over Chat Completions."""

    async def open(self) -> None:
        """Make an agent."""
        model = OpenAIChat(id=self.model, api_key=KEY, base_url=f"{self.url}/v1", max_retries=0)
        self._agent = Agent(
            model=model, instructions=PREAMBLE, tools=[add, self.saver()], telemetry=False, markdown=False
        )

    async def answer(self, past: Sequence[Any] = ()) -> str:
        """Answer the prompt; see `AgentWay`."""
        content = ""
        # A conversation each: runs of one session wait for each other.
        session = secrets.token_hex(8)
        given = [*past, Message(role="user", content=PROMPT)]
        async for event in self._agent.arun(given, session_id=session, stream=True, stream_events=True):
            if isinstance(event, RunCompletedEvent):
                content = event.content
        return content

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        roles = ("user", "assistant")
        return [Message(role=roles[place % 2], content=said(place)) for place in range(messages)]

    def schema(self, function: Any) -> object:
        """A tool."""
        return Function.from_callable(function).to_dict()


WAYS = {"agno": Chat}
