"""Inspect: `Model.generate_loop`; it asks for whole answers, not for streams."""

from __future__ import annotations

from typing import Any

from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, get_model
from inspect_ai.tool import ToolDef

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add, said

__all__ = ["WAYS"]


class Loop(Way):
    """Over Chat Completions, unary."""

    async def open(self) -> None:
        """Make a model and a tool."""
        self._model = get_model(
            f"openai/{self.model}",
            base_url=f"{self.url}/v1",
            api_key=KEY,
            memoize=False,
            responses_api=False,
        )
        self._tool = _tool(add)

    async def run(self) -> str:
        """A loop with tools."""
        given = [ChatMessageSystem(content=PREAMBLE), ChatMessageUser(content=PROMPT)]
        _, output = await self._model.generate_loop(given, tools=[self._tool])
        return output.completion

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        kinds = (ChatMessageUser, ChatMessageAssistant)
        return [kinds[place % 2](content=said(place)) for place in range(messages)]

    async def continued(self, past: list[Any]) -> str:
        """One more call."""
        given = [*past, ChatMessageUser(content=PROMPT)]
        return (await self._model.generate(given, tools=[self._tool])).completion

    def schema(self, function: Any) -> object:
        """A tool, told of by its own docstring as everybody's is."""
        return ToolDef(function, name=function.__name__).parameters


def _tool(function: Any) -> ToolDef:
    async def execute(a: int, b: int) -> int:
        return int(function(a, b))

    told = {"a": "The first.", "b": "The second."}
    return ToolDef(execute, name="add", description="Add two integers.", parameters=told)


WAYS = {"inspect-ai (unary)": Loop}
