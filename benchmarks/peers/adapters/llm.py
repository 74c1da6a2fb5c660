"""llm: an async model's chain, every piece read."""

from __future__ import annotations

from typing import Any

import llm
from llm.default_plugins.openai_models import AsyncChat

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add

__all__ = ["WAYS"]


class Chat(Way):
    """Over Chat Completions."""

    async def open(self) -> None:
        """Make a model."""
        self._saved = ""

        def save(text: str) -> str:
            """Save a text."""
            self._saved = text
            return str(len(text))

        self._tools = [add, save]
        self._model = AsyncChat(self.model, key=KEY, api_base=f"{self.url}/v1", supports_tools=True)

    async def _streamed(self) -> str:
        conversation = self._model.conversation(tools=self._tools, chain_limit=0)
        chain = conversation.chain(PROMPT, system=PREAMBLE, key=KEY)
        pieces = [piece async for piece in chain]
        return "".join(pieces)

    async def text(self) -> str:
        """A chain of one call."""
        return await self._streamed()

    async def run(self) -> str:
        """A chain with tools."""
        return await self._streamed()

    async def arguments(self) -> str:
        """A chain that saves a text."""
        await self._streamed()
        return self._saved

    def schema(self, function: Any) -> object:
        """A tool."""
        return llm.Tool.function(function).input_schema


WAYS = {"llm": Chat}
