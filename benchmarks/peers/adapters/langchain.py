"""LangChain: a chat model's `astream`, and the agent of `create_agent`."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_openai import ChatOpenAI

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add, said

__all__ = ["WAYS"]


class Model(Way):
    """`ChatOpenAI.astream`."""

    async def open(self) -> None:
        """Make a model and an agent."""
        self._saved = ""

        def save(text: str) -> str:
            """Save a text."""
            self._saved = text
            return str(len(text))

        self._model = ChatOpenAI(
            model=self.model, api_key=KEY, base_url=f"{self.url}/v1", max_retries=0, use_responses_api=False
        )
        tools = [tool(add), tool(save)]
        self._bound = self._model.bind_tools(tools)
        self._agent = create_agent(self._model, tools, system_prompt=PREAMBLE)

    async def _last(self, messages: list[Any]) -> Any:
        whole: Any = None
        async for chunk in self._bound.astream(messages):
            whole = chunk if whole is None else whole + chunk
        return whole

    async def _joined(self, messages: list[Any]) -> str:
        pieces = [chunk.content async for chunk in self._bound.astream(messages)]
        return "".join(pieces)

    async def text(self) -> str:
        """One call."""
        return await self._joined([HumanMessage(PROMPT)])

    async def arguments(self) -> str:
        """The call, once it is whole."""
        return (await self._last([HumanMessage(PROMPT)])).tool_calls[0]["args"]["text"]

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        return [
            AIMessage(said(place)) if place % 2 else HumanMessage(said(place)) for place in range(messages)
        ]

    async def continued(self, past: list[Any]) -> str:
        """One more call."""
        return await self._joined([*past, HumanMessage(PROMPT)])

    def schema(self, function: Any) -> object:
        """A tool."""
        return convert_to_openai_tool(tool(function))


class Agent(Model):
    """`create_agent(...).astream`, its messages token by token."""

    async def _streamed(self, messages: list[Any]) -> str:
        last: Any = None
        state = {"messages": messages}
        modes = ["messages", "values"]
        async for mode, part in self._agent.astream(
            state, stream_mode=modes, config={"recursion_limit": 10_000}
        ):
            if mode == "values":
                last = part["messages"][-1]
        return last.content

    async def text(self) -> str:
        """A run of one turn."""
        return await self._streamed([HumanMessage(PROMPT)])

    async def run(self) -> str:
        """A run with tools."""
        return await self._streamed([HumanMessage(PROMPT)])

    async def arguments(self) -> str:
        """A run that saves a text."""
        await self._streamed([HumanMessage(PROMPT)])
        return self._saved

    async def continued(self, past: list[Any]) -> str:
        """A run behind a history."""
        return await self._streamed([*past, HumanMessage(PROMPT)])


WAYS = {"langchain model": Model, "langchain agent": Agent}
