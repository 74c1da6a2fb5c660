"""lisette: `AsyncChat`, streamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lisette import AsyncChat
from toolslm.funccall import get_schema

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, AgentWay, add

__all__ = ["WAYS"]


class Chat(AgentWay):
    """Over Chat Completions."""

    async def open(self) -> None:
        """Make a tool that remembers."""
        self._tools = [add, self.saver()]

    async def answer(self, past: Sequence[Any] = ()) -> str:
        """Answer the prompt; see `AgentWay`."""
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

    def schema(self, function: Any) -> object:
        """A tool."""
        return get_schema(function)


WAYS = {"lisette": Chat}
