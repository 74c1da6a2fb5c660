"""LangChain: a chat model's `astream`, and the agent of `create_agent`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_openai import ChatOpenAI

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, AgentWay, Way, add, said, save

__all__ = ["WAYS"]


class Model(Way):
    """`ChatOpenAI.astream`."""

    async def open(self) -> None:
        """Make a model with its tools."""
        self._bound = _model(self).bind_tools([tool(add), tool(save)])

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
        return _in_turn(messages)

    async def continued(self, past: list[Any]) -> str:
        """One more call."""
        return await self._joined([*past, HumanMessage(PROMPT)])

    def schema(self, function: Any) -> object:
        """A tool."""
        return convert_to_openai_tool(tool(function))


class Agent(AgentWay):
    """`create_agent(...).astream`, its messages token by token."""

    async def open(self) -> None:
        """Make an agent."""
        tools = [tool(add), tool(self.saver())]
        self._agent = create_agent(_model(self), tools, system_prompt=PREAMBLE)

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        return _in_turn(messages)

    async def answer(self, past: Sequence[Any] = ()) -> str:
        """Answer the prompt; see `AgentWay`."""
        last: Any = None
        state = {"messages": [*past, HumanMessage(PROMPT)]}
        modes = ["messages", "values"]
        async for mode, part in self._agent.astream(
            state, stream_mode=modes, config={"recursion_limit": 10_000}
        ):
            if mode == "values":
                last = part["messages"][-1]
        return last.content

    def schema(self, function: Any) -> object:
        """A tool."""
        return convert_to_openai_tool(tool(function))


def _model(way: Way) -> ChatOpenAI:
    return ChatOpenAI(
        model=way.model, api_key=KEY, base_url=f"{way.url}/v1", max_retries=0, use_responses_api=False
    )


def _in_turn(messages: int) -> list[Any]:
    return [AIMessage(said(place)) if place % 2 else HumanMessage(said(place)) for place in range(messages)]


WAYS = {"langchain model": Model, "langchain agent": Agent}
