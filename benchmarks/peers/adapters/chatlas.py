"""chatlas: `Chat.stream_async`, every piece read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import chatlas
from chatlas import AssistantTurn, ChatAnthropic, ChatOpenAICompletions, Tool, UserTurn

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, AgentWay, add, said

__all__ = ["WAYS"]


class Chat(AgentWay):
    """Over Chat Completions."""

    def _new_chat(self) -> Any:
        base_url = f"{self.url}/v1"
        return ChatOpenAICompletions(base_url=base_url, system_prompt=PREAMBLE, model=self.model, api_key=KEY)

    async def open(self) -> None:
        """Make a chat."""
        self._chat = self._new_chat()
        self._chat.register_tool(add)
        self._chat.register_tool(self.saver())

    async def close(self) -> None:
        """Close its client."""
        await self._chat.close_async()

    async def answer(self, past: Sequence[Any] = ()) -> str:
        """Answer the prompt; see `AgentWay`."""
        chat = self._conversation()
        chat.set_turns(list(past))
        async for _ in await chat.stream_async(PROMPT):
            pass
        return chat.get_last_turn().text

    def _conversation(self) -> Any:
        """A conversation of its own on the same client, as several at once need."""
        conversation = chatlas.Chat(provider=self._chat.provider, system_prompt=PREAMBLE)
        conversation.set_tools(self._chat.get_tools())
        return conversation

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        return [
            AssistantTurn(said(place)) if place % 2 else UserTurn(said(place)) for place in range(messages)
        ]

    def schema(self, function: Any) -> object:
        """A tool."""
        return Tool.from_func(function).schema


class Anthropic(Chat):
    """Over Anthropic's Messages."""

    wire: ClassVar[str] = "anthropic"

    def _new_chat(self) -> Any:
        return ChatAnthropic(
            system_prompt=PREAMBLE, model=self.model, api_key=KEY, kwargs={"base_url": self.url}
        )


WAYS = {"chatlas": Chat, "chatlas (anthropic)": Anthropic}
