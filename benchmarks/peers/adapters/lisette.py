"""lisette: `AsyncChat`, streamed."""

from __future__ import annotations

from typing import Any

from lisette import AsyncChat
from toolslm.funccall import get_schema

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add, said

__all__ = ["WAYS"]


class Chat(Way):
    """Over Chat Completions."""

    async def open(self) -> None:
        """Make a tool that remembers."""
        self._saved = ""

        def save(text: str) -> str:
            """Save a text."""
            self._saved = text
            return str(len(text))

        self._tools = [add, save]

    async def _streamed(self, past: list[Any]) -> str:
        chat = AsyncChat(
            f"openai/{self.model}",
            sp=PREAMBLE,
            tools=self._tools,
            hist=list(past),
            api_base=f"{self.url}/v1",
            api_key=KEY,
        )
        async for _ in await chat(PROMPT, stream=True, max_steps=1000):
            pass
        return chat.hist[-1].content

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


WAYS = {"lisette": Chat}
