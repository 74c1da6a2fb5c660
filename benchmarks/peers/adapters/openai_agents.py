"""The OpenAI Agents SDK: `Runner.runanswer`, every event read."""

from __future__ import annotations

from collections.abc import Sequence
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

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, AgentWay, add

__all__ = ["WAYS"]

set_tracing_disabled(True)


class Chat(AgentWay):
    """Over Chat Completions."""

    def _new_model(self) -> Any:
        return OpenAIChatCompletionsModel(self.model, self._client)

    async def open(self) -> None:
        """Make a client and an agent."""
        self._client = AsyncOpenAI(api_key=KEY, base_url=f"{self.url}/v1", max_retries=0)
        tools = [function_tool(add), function_tool(self.saver())]
        self._agent = Agent(name="terse", instructions=PREAMBLE, model=self._new_model(), tools=tools)

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    async def answer(self, past: Sequence[Any] = ()) -> str:
        """Answer the prompt; see `AgentWay`."""
        given = [*past, {"role": "user", "content": PROMPT}]
        result = Runner.run_streamed(self._agent, given, max_turns=1000)
        async for _ in result.stream_events():
            pass
        return result.final_output

    def schema(self, function: Any) -> object:
        """A tool."""
        return function_tool(function).params_json_schema


class Responses(Chat):
    """Over the Responses API."""

    wire: ClassVar[str] = "responses"

    def _new_model(self) -> Any:
        return OpenAIResponsesModel(self.model, self._client)


WAYS = {"openai-agents": Chat, "openai-agents (responses)": Responses}
