"""LiteLLM: `acompletion(stream=True)`."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import litellm

from benchmarks.peers.way import KEY, PROMPT, SAVE_TOOL, Way

__all__ = ["WAYS"]


class Chat(Way):
    """Over Chat Completions."""

    def _address(self) -> dict[str, str]:
        return {"model": f"openai/{self.model}", "base_url": f"{self.url}/v1"}

    async def _chunks(self, messages: list[Any]) -> list[Any]:
        stream = await litellm.acompletion(
            **self._address(), api_key=KEY, messages=messages, tools=[SAVE_TOOL], stream=True, num_retries=0
        )
        return [chunk.choices[0].delta async for chunk in stream]

    async def text(self) -> str:
        """One call."""
        return await self.continued([])

    async def arguments(self) -> str:
        """The call, once it is whole."""
        deltas = await self._chunks([{"role": "user", "content": PROMPT}])
        parts = (part for delta in deltas for part in delta.tool_calls or ())
        return json.loads("".join(part.function.arguments or "" for part in parts))["text"]

    async def continued(self, past: list[Any]) -> str:
        """One more call."""
        deltas = await self._chunks([*past, {"role": "user", "content": PROMPT}])
        return "".join(delta.content or "" for delta in deltas)


class Anthropic(Chat):
    """Over Anthropic's Messages."""

    wire: ClassVar[str] = "anthropic"

    def _address(self) -> dict[str, str]:
        return {"model": f"anthropic/{self.model}", "base_url": self.url}


WAYS = {"litellm": Chat, "litellm (anthropic)": Anthropic}
