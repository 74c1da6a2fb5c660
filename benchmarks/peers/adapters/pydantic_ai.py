"""Pydantic AI: `Agent.run_stream_events`, every event read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import Agent, AgentRunResultEvent, Tool
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import UsageLimits

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, AgentWay, add, said

__all__ = ["WAYS"]


class Chat(AgentWay):
    """Over Chat Completions."""

    async def open(self) -> None:
        """Make a client and an agent."""
        self._client: Any = self._new_client()
        self._agent = Agent(self._new_model(), instructions=PREAMBLE, tools=[add, self.saver()])

    def _new_client(self) -> Any:
        return AsyncOpenAI(api_key=KEY, base_url=f"{self.url}/v1", max_retries=0)

    def _new_model(self) -> Any:
        return OpenAIChatModel(self.model, provider=OpenAIProvider(openai_client=self._client))

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    async def answer(self, past: Sequence[Any] = ()) -> str:
        """Answer the prompt; see `AgentWay`."""
        result = ""
        limits = UsageLimits(request_limit=None)
        async with self._agent.run_stream_events(
            PROMPT, message_history=list(past), usage_limits=limits
        ) as events:
            async for event in events:
                if isinstance(event, AgentRunResultEvent):
                    result = event.result.output
        return result

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        return [
            ModelResponse([TextPart(said(place))])
            if place % 2
            else ModelRequest([UserPromptPart(said(place))])
            for place in range(messages)
        ]

    def schema(self, function: Any) -> object:
        """A tool."""
        return Tool(function).tool_def


class Responses(Chat):
    """Over the Responses API."""

    wire: ClassVar[str] = "responses"

    def _new_model(self) -> Any:
        return OpenAIResponsesModel(self.model, provider=OpenAIProvider(openai_client=self._client))


class Anthropic(Chat):
    """Over Anthropic's Messages."""

    wire: ClassVar[str] = "anthropic"

    def _new_client(self) -> Any:
        return AsyncAnthropic(api_key=KEY, base_url=self.url, max_retries=0)

    def _new_model(self) -> Any:
        return AnthropicModel(self.model, provider=AnthropicProvider(anthropic_client=self._client))


WAYS = {"pydantic-ai": Chat, "pydantic-ai (responses)": Responses, "pydantic-ai (anthropic)": Anthropic}
