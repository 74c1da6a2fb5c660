"""claudette: `AsyncChat`, streamed, and a loop over its tool calls, as its own `toolloop` makes it for plain chats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from anthropic import AsyncAnthropic
from claudette import AsyncChat, AsyncClient
from fastcore.funccall import get_schema

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, AgentWay, add

__all__ = ["WAYS"]


class Chat(AgentWay):
    """Over Anthropic's Messages."""

    wire: ClassVar[str] = "anthropic"

    async def open(self) -> None:
        """Make a client."""
        self._tools = [add, self.saver()]
        self._anthropic = AsyncAnthropic(api_key=KEY, base_url=self.url, max_retries=0)
        self._client = AsyncClient(self.model, self._anthropic)

    async def close(self) -> None:
        """Close it."""
        await self._anthropic.close()

    async def answer(self, past: Sequence[Any] = ()) -> str:
        """Answer the prompt; see `AgentWay`."""
        chat = AsyncChat(cli=self._client, sp=PREAMBLE, tools=self._tools)
        chat.h = list(past)
        prompt: str | None = PROMPT
        while True:
            pieces = [piece async for piece in await chat(prompt, stream=True)]
            prompt = None
            if chat.h[-1]["role"] == "assistant":
                return "".join(pieces)

    def schema(self, function: Any) -> object:
        """A tool."""
        return get_schema(function)


WAYS = {"claudette": Chat}
