"""Agno: `Agent.arun(stream=True)`, every event read."""

from __future__ import annotations

import secrets
from typing import Any

from agno.agent import Agent
from agno.models.message import Message
from agno.models.openai import OpenAIChat
from agno.run.agent import RunCompletedEvent
from agno.tools.function import Function

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add, said

__all__ = ["WAYS"]


class Chat(Way):
    """Over Chat Completions."""

    async def open(self) -> None:
        """Make an agent."""
        self._saved = ""
        model = OpenAIChat(id=self.model, api_key=KEY, base_url=f"{self.url}/v1", max_retries=0)
        self._agent = Agent(
            model=model, instructions=PREAMBLE, tools=[add, self._saver()], telemetry=False, markdown=False
        )

    def _saver(self) -> Any:
        def save(text: str) -> str:
            """Save a text."""
            self._saved = text
            return str(len(text))

        return save

    async def _streamed(self, given: Any = PROMPT) -> str:
        content = ""
        # A conversation each: runs of one session wait for each other.
        session = secrets.token_hex(8)
        async for event in self._agent.arun(given, session_id=session, stream=True, stream_events=True):
            if isinstance(event, RunCompletedEvent):
                content = event.content
        return content

    async def text(self) -> str:
        """A run of one turn."""
        return await self._streamed()

    async def run(self) -> str:
        """A run with tools."""
        return await self._streamed()

    async def arguments(self) -> str:
        """A run that saves a text."""
        await self._streamed()
        return self._saved

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        roles = ("user", "assistant")
        return [Message(role=roles[place % 2], content=said(place)) for place in range(messages)]

    async def continued(self, past: list[Any]) -> str:
        """A run behind a history."""
        return await self._streamed([*past, Message(role="user", content=PROMPT)])

    def schema(self, function: Any) -> object:
        """A tool."""
        return Function.from_callable(function).to_dict()


WAYS = {"agno": Chat}
