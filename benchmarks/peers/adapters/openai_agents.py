"""The OpenAI Agents SDK: `Runner.run_streamed`, every event read."""

from __future__ import annotations

from typing import Any, ClassVar

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add, said

__all__ = ["WAYS"]

set_tracing_disabled(True)


class Chat(Way):
    """Over Chat Completions."""

    def _new_model(self) -> Any:
        return OpenAIChatCompletionsModel(self.model, self._client)

    async def open(self) -> None:
        """Make a client and an agent."""
        self._saved = ""
        self._client = AsyncOpenAI(api_key=KEY, base_url=f"{self.url}/v1", max_retries=0)
        tools = [function_tool(add), function_tool(self._save, name_override="save")]
        self._agent = Agent(name="terse", instructions=PREAMBLE, model=self._new_model(), tools=tools)

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    def _save(self, text: str) -> str:
        """Save a text."""
        self._saved = text
        return str(len(text))

    async def _streamed(self, given: Any = PROMPT) -> str:
        result = Runner.run_streamed(self._agent, given, max_turns=1000)
        async for _ in result.stream_events():
            pass
        return result.final_output

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
        return [{"role": roles[place % 2], "content": said(place)} for place in range(messages)]

    async def continued(self, past: list[Any]) -> str:
        """A run behind a history."""
        return await self._streamed([*past, {"role": "user", "content": PROMPT}])

    def schema(self, function: Any) -> object:
        """A tool."""
        return function_tool(function).params_json_schema


class Responses(Chat):
    """Over the Responses API."""

    wire: ClassVar[str] = "responses"

    def _new_model(self) -> Any:
        return OpenAIResponsesModel(self.model, self._client)


WAYS = {"openai-agents": Chat, "openai-agents (responses)": Responses}
