"""The anthropic SDK: plain streams, its `.stream()`, and a loop by hand."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from anthropic import AsyncAnthropic

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add

__all__ = ["WAYS"]

_NUMBERS = {"a": {"type": "integer"}, "b": {"type": "integer"}}
_ADD = {
    "name": "add",
    "description": "Add two integers.",
    "input_schema": {"type": "object", "properties": _NUMBERS, "required": ["a", "b"]},
}
_SAVE = {
    "name": "save",
    "description": "Save a text.",
    "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


class Plain(Way):
    """`messages.create(stream=True)`."""

    wire: ClassVar[str] = "anthropic"

    async def open(self) -> None:
        """Make a client."""
        self._client = AsyncAnthropic(api_key=KEY, base_url=self.url, max_retries=0)

    async def close(self) -> None:
        """Close it."""
        await self._client.close()

    async def _said(self, messages: list[Any], tool: Any) -> list[Any]:
        stream = await self._client.messages.create(
            model=self.model, max_tokens=4096, system=PREAMBLE, messages=messages, tools=[tool], stream=True
        )
        pieces: list[str] = []
        call: dict[str, Any] = {}
        async for event in stream:
            if event.type == "content_block_start" and event.content_block.type == "tool_use":
                call = {"type": "tool_use", "id": event.content_block.id, "name": event.content_block.name}
            elif event.type == "content_block_delta":
                delta = event.delta
                pieces.append(delta.text if delta.type == "text_delta" else delta.partial_json)
        whole = "".join(pieces)
        return [{**call, "input": json.loads(whole)}] if call else [{"type": "text", "text": whole}]

    async def text(self) -> str:
        """One call."""
        return (await self._said([{"role": "user", "content": PROMPT}], _ADD))[0]["text"]

    async def run(self) -> str:
        """A loop by hand."""
        messages: list[Any] = [{"role": "user", "content": PROMPT}]
        while True:
            [block] = content = await self._said(messages, _ADD)
            messages.append({"role": "assistant", "content": content})
            if block["type"] == "text":
                return block["text"]
            result = {
                "type": "tool_result",
                "tool_use_id": block["id"],
                "content": str(add(**block["input"])),
            }
            messages.append({"role": "user", "content": [result]})

    async def arguments(self) -> str:
        """The call, once it is whole."""
        return (await self._said([{"role": "user", "content": PROMPT}], _SAVE))[0]["input"]["text"]

    async def continued(self, past: list[Any]) -> str:
        """One more call."""
        return (await self._said([*past, {"role": "user", "content": PROMPT}], _ADD))[0]["text"]


class Stream(Plain):
    """`messages.stream`, which puts the message together."""

    async def _said(self, messages: list[Any], tool: Any) -> list[Any]:
        async with self._client.messages.stream(
            model=self.model, max_tokens=4096, system=PREAMBLE, messages=messages, tools=[tool]
        ) as stream:
            async for _ in stream:
                pass
            message = await stream.get_final_message()
        return [block.to_dict() for block in message.content]


WAYS = {"anthropic": Plain, "anthropic .stream()": Stream}
