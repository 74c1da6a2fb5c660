"""claudette: `AsyncChat`, streamed, and a loop over its tool calls, as its own `toolloop` makes it for plain chats."""

from __future__ import annotations

from typing import Any, ClassVar

from anthropic import AsyncAnthropic
from claudette import AsyncChat, AsyncClient
from fastcore.funccall import get_schema

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add, said

__all__ = ["WAYS"]


class Chat(Way):
    """Over Anthropic's Messages."""

    wire: ClassVar[str] = "anthropic"

    async def open(self) -> None:
        """Make a client."""
        self._saved = ""

        def save(text: str) -> str:
            """Save a text."""
            self._saved = text
            return str(len(text))

        self._tools = [add, save]
        self._anthropic = AsyncAnthropic(api_key=KEY, base_url=self.url, max_retries=0)
        self._client = AsyncClient(self.model, self._anthropic)

    async def close(self) -> None:
        """Close it."""
        await self._anthropic.close()

    async def _streamed(self, past: list[Any]) -> str:
        chat = AsyncChat(cli=self._client, sp=PREAMBLE, tools=self._tools)
        chat.h = list(past)
        prompt: str | None = PROMPT
        while True:
            pieces = [piece async for piece in await chat(prompt, stream=True)]
            prompt = None
            if chat.h[-1]["role"] == "assistant":
                return "".join(pieces)

    async def text(self) -> str:
        """One call."""
        return await self._streamed([])

    async def run(self) -> str:
        """A loop."""
        return await self._streamed([])

    async def arguments(self) -> str:
        """A loop that saves a text."""
        await self._streamed([])
        return self._saved

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        roles = ("user", "assistant")
        return [{"role": roles[place % 2], "content": said(place)} for place in range(messages)]

    async def continued(self, past: list[Any]) -> str:
        """One more call."""
        return await self._streamed(past)

    def schema(self, function: Any) -> object:
        """A tool."""
        return get_schema(function)


WAYS = {"claudette": Chat}
