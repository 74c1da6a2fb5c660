"""Pydantic AI: `Agent.run_stream_events`, every event read."""

from __future__ import annotations

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

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add, said

__all__ = ["WAYS"]


class Chat(Way):
    """Over Chat Completions."""

    async def open(self) -> None:
        """Make a client and an agent."""
        self._client: Any = self._new_client()
        self._saved = ""
        self._agent = Agent(
            self._new_model(), instructions=PREAMBLE, tools=[add, Tool(self._save, name="save")]
        )

    def _new_client(self) -> Any:
        return AsyncOpenAI(api_key=KEY, base_url=f"{self.url}/v1", max_retries=0)

    def _new_model(self) -> Any:
        return OpenAIChatModel(self.model, provider=OpenAIProvider(openai_client=self._client))

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    def _save(self, text: str) -> str:
        """Save a text."""
        self._saved = text
        return str(len(text))

    async def _streamed(self, history: list[Any] | None = None) -> str:
        result = ""
        limits = UsageLimits(request_limit=None)
        async with self._agent.run_stream_events(
            PROMPT, message_history=history, usage_limits=limits
        ) as events:
            async for event in events:
                if isinstance(event, AgentRunResultEvent):
                    result = event.result.output
        return result

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
        return [
            ModelResponse([TextPart(said(place))])
            if place % 2
            else ModelRequest([UserPromptPart(said(place))])
            for place in range(messages)
        ]

    async def continued(self, past: list[Any]) -> str:
        """A run behind a history."""
        return await self._streamed(past)

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
