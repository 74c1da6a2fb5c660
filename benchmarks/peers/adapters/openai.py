"""The openai SDK: plain streams, its `.stream()`, and a loop by hand."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from openai import AsyncOpenAI

from benchmarks.peers.way import ADD_TOOL, KEY, PREAMBLE, PROMPT, SAVE_TOOL, Way, add

__all__ = ["WAYS"]


class Client(Way):
    """What all share."""

    async def open(self) -> None:
        """Make a client."""
        self._client = AsyncOpenAI(api_key=KEY, base_url=f"{self.url}/v1", max_retries=0)

    async def close(self) -> None:
        """Close it."""
        await self._client.close()


class Chat(Client):
    """`chat.completions.create(stream=True)`."""

    async def _said(self, messages: list[Any], tools: list[Any]) -> dict[str, Any]:
        stream = await self._client.chat.completions.create(
            model=self.model, messages=messages, tools=tools, stream=True
        )
        pieces: list[str] = []
        call: dict[str, Any] = {}
        async for chunk in stream:
            for choice in chunk.choices:
                if choice.delta.content:
                    pieces.append(choice.delta.content)
                for part in choice.delta.tool_calls or ():
                    if part.id:
                        call = {"id": part.id, "type": "function", "function": {"name": part.function.name}}
                    pieces.append(part.function.arguments)
        if not call:
            return {"role": "assistant", "content": "".join(pieces)}
        call["function"]["arguments"] = "".join(pieces)
        return {"role": "assistant", "tool_calls": [call]}

    async def text(self) -> str:
        """One call."""
        return (await self._said([{"role": "user", "content": PROMPT}], [ADD_TOOL]))["content"]

    async def run(self) -> str:
        """A loop by hand."""
        messages: list[Any] = [{"role": "system", "content": PREAMBLE}, {"role": "user", "content": PROMPT}]
        while True:
            message = await self._said(messages, [ADD_TOOL])
            messages.append(message)
            if "tool_calls" not in message:
                return message["content"]
            for call in message["tool_calls"]:
                result = add(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": str(result)})

    async def arguments(self) -> str:
        """The call, once it is whole."""
        message = await self._said([{"role": "user", "content": PROMPT}], [SAVE_TOOL])
        return json.loads(message["tool_calls"][0]["function"]["arguments"])["text"]

    async def continued(self, past: list[Any]) -> str:
        """One more call."""
        return (await self._said([*past, {"role": "user", "content": PROMPT}], [ADD_TOOL]))["content"]


class ChatStream(Client):
    """`chat.completions.stream`, which puts the message together."""

    async def _last(self, tool: Any) -> Any:
        message = [{"role": "user", "content": PROMPT}]
        async with self._client.chat.completions.stream(
            model=self.model, messages=message, tools=[tool]
        ) as stream:
            async for _ in stream:
                pass
            return (await stream.get_final_completion()).choices[0].message

    async def text(self) -> str:
        """One call."""
        return (await self._last(ADD_TOOL)).content

    async def arguments(self) -> str:
        """The call, once it is whole."""
        return json.loads((await self._last(SAVE_TOOL)).tool_calls[0].function.arguments)["text"]


class Responses(Client):
    """`responses.create(stream=True)`."""

    wire: ClassVar[str] = "responses"

    async def _last(self, given: list[Any], tool: Any) -> Any:
        flat = {"type": "function", "strict": False, **tool["function"]}
        stream = await self._client.responses.create(model=self.model, input=given, tools=[flat], stream=True)
        async for event in stream:
            if event.type == "response.completed":
                response = event.response
        return response

    async def text(self) -> str:
        """One call."""
        return (await self._last([{"role": "user", "content": PROMPT}], ADD_TOOL)).output_text

    async def arguments(self) -> str:
        """The call, once it is whole."""
        response = await self._last([{"role": "user", "content": PROMPT}], SAVE_TOOL)
        return json.loads(response.output[0].arguments)["text"]

    async def continued(self, past: list[Any]) -> str:
        """One more call."""
        return (await self._last([*past, {"role": "user", "content": PROMPT}], ADD_TOOL)).output_text


WAYS = {"openai": Chat, "openai .stream()": ChatStream, "openai (responses)": Responses}
