"""Agents and toolsets over MCP, with the official SDK's client, over a pipe and over HTTP."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from agentlab.errors import UsageError
from agentlab.serving.mcp import McpServer
from agentlab.tools import ToolContext, Toolset, tool
from tests.agent.bench import Bench, add
from tests.serving.offered import PIXEL, toolset
from tests.serving.test_chat_requests import fetched

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def connected(server: McpServer) -> AsyncIterator[Client]:
    """The SDK's client, over streamable HTTP."""
    async with (
        server.over_http() as http,
        create_mcp_http_client(headers={"Authorization": f"Bearer {http.key}"}) as carrier,
        Client(streamable_http_client(f"{http.url}/mcp", http_client=carrier)) as client,
    ):
        yield client


async def test_a_toolset_is_listed_and_called_over_a_pipe() -> None:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "agentlab.cli", "serve", "--mcp", "tests.serving.offered:toolset"],
    )
    async with Client(stdio_client(command)) as client:
        listed = (await client.list_tools()).tools
        assert [offer.name for offer in listed] == list(toolset.names)
        assert listed[0].description == "Add two integers."
        assert listed[0].input_schema["required"] == ["a", "b"]
        answer = await client.call_tool("add", {"a": 2, "b": 3})
    assert (answer.structured_content, answer.is_error) == ({"result": 5}, False)
    assert [block.text for block in answer.content if block.type == "text"] == ["5"]


async def test_results_keep_their_kind() -> None:
    async with connected(McpServer(toolset)) as client:
        person = await client.call_tool("person", {})
        greeting = await client.call_tool("greeting", {"name": "Ada"})
        picture = await client.call_tool("picture", {})
    assert person.structured_content == {"name": "Ada"}
    assert greeting.structured_content is None
    assert greeting.content[0].type == "text"
    assert greeting.content[0].text == "Hello, Ada!"
    assert picture.content[0].type == "image"
    assert base64.b64decode(picture.content[0].data) == PIXEL
    assert picture.content[0].mime_type == "image/png"


async def test_what_goes_wrong_is_a_result_that_says_so() -> None:
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("broken", {}, "RuntimeError: out of order"),
        ("add", {"a": "two", "b": 3}, "invalid arguments for `add`: a"),
        ("add", {}, "invalid arguments for `add`"),
        ("risky", {}, "asks for approval"),
    ]
    async with connected(McpServer(toolset)) as client:
        for name, arguments, said in wrong:
            answer = await client.call_tool(name, arguments)
            assert answer.is_error
            assert answer.content[0].type == "text"
            assert said in answer.content[0].text
        with pytest.raises(MCPError, match="there are add"):
            await client.call_tool("subtract", {})


async def test_an_approver_decides_on_tools_that_ask() -> None:
    answers: list[bool | str] = [True, False, "not on Sundays"]

    async def approve(_call: object, _reason: str) -> bool | str:
        return answers[0]

    async with connected(McpServer(toolset, approver=approve)) as client:
        for said in ("done", "not approved", "not on Sundays"):
            result = await client.call_tool("risky", {})
            assert result.content[0].type == "text"
            assert said in result.content[0].text
            assert result.is_error is (answers.pop(0) is not True)


async def test_an_agent_is_a_tool_that_takes_a_prompt_and_keeps_its_preamble(bench: Bench) -> None:
    agent = bench.agent(
        "openai", ["It is 5."], name="calculator", description="Adds numbers.", preamble="Secret words."
    )
    async with connected(McpServer(agent)) as client:
        (listed,) = (await client.list_tools()).tools
        answer = await client.call_tool("calculator", {"prompt": "2 + 3?"})
        empty = await client.call_tool("calculator", {"prompt": " "})
    assert (listed.name, listed.description) == ("calculator", "Adds numbers.")
    assert list(listed.input_schema["properties"]) == ["prompt"]
    assert "Secret" not in listed.model_dump_json()
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "It is 5."
    assert empty.is_error


async def test_a_tool_is_given_the_server_s_values() -> None:
    @tool
    def whose(context: ToolContext) -> str:
        """Tell."""
        return context.require(str)

    async with connected(McpServer([whose], tool_context=ToolContext("Ada's"))) as client:
        answer = await client.call_tool("whose", {})
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Ada's"


async def test_a_tool_that_takes_too_long_is_ended() -> None:
    ended = asyncio.Event()

    @tool
    async def slow() -> None:
        """Wait."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with connected(McpServer([slow], tool_timeout_s=0.05)) as client:
        answer = await client.call_tool("slow", {})
    assert answer.is_error
    assert ended.is_set()


async def test_a_call_the_client_gives_up_ends_the_tool() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    @tool
    async def slow() -> None:
        """Wait."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with connected(McpServer([slow])) as client:
        calling = asyncio.create_task(client.call_tool("slow", {}))
        await began.wait()
        calling.cancel()
        async with asyncio.timeout(10):
            await ended.wait()
        assert [each.name for each in (await client.list_tools()).tools] == ["slow"]
    assert calling.cancelled()


async def test_calls_at_the_same_time_do_not_wait_for_each_other() -> None:
    met = asyncio.Barrier(4)

    @tool
    async def meet() -> str:
        """Wait for the others."""
        await met.wait()
        return "met"

    async with connected(McpServer([meet])) as client, asyncio.timeout(10):
        answers = await asyncio.gather(*(client.call_tool("meet", {}) for _ in range(4)))
    assert [answer.is_error for answer in answers] == [False] * 4


async def test_http_without_the_key_is_refused() -> None:
    async with McpServer([add]).over_http() as server:
        assert (await fetched(server, "/mcp", b"{}"))[0] == 401
        assert (await fetched(server, "/mcp", b"{}", Authorization="Bearer wrong"))[0] == 401


@pytest.mark.parametrize("offered", [[], Toolset(), [3]])
def test_what_is_no_tool_is_not_served(offered: Any) -> None:
    with pytest.raises(UsageError, match="tool"):
        McpServer(offered)
