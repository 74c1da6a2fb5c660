"""Servers made with the official SDK, over both transports, in the protocol's newest and its older revisions."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from agentlab.errors import ToolError, ToolServerFailed
from agentlab.http import Secret
from agentlab.messages import Document, Image, Json, Text, TextSource, UserMessage
from agentlab.tools.mcp import McpClient, McpProgress, McpPrompt, McpPromptArgument, McpResource
from tests.tools.mcp.raw_servers import LONGEST_S, ROOT

pytest.importorskip("mcp")
pytestmark = pytest.mark.anyio

COMMAND = [sys.executable, "-m", "tests.tools.mcp.sdk_server"]
OPTIONS: dict[str, Any] = {"connect_timeout_s": 3 * LONGEST_S, "timeout_s": LONGEST_S}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server over HTTP, in a process of its own."""
    with http_server() as url:
        yield url


@contextmanager
def http_server() -> Iterator[str]:
    process = subprocess.Popen([*COMMAND, "http"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


PROGRESS: list[McpProgress] = []


@pytest.fixture(params=["stdio", "http", "http in the older way"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[McpClient]:
    """A client of a server whose tools are as they were."""
    PROGRESS.clear()
    given = {**OPTIONS, "name": "shop", "on_progress": PROGRESS.append}
    if request.param == "stdio":
        made = McpClient(COMMAND, cwd=ROOT, **given)
    else:
        protocol = "auto" if request.param == "http" else "legacy"
        made = McpClient(request.getfixturevalue("address"), protocol=protocol, **given)
    async with made:
        yield made


async def test_tools_resources_and_prompts_are_as_the_server_made_them(client: McpClient) -> None:
    assert client.instructions == "Ask before you buy."
    assert client.server_info.startswith("shop 2.1, protocol 202")
    assert [tool.name for tool in client.tools][:5] == ["buy", "names", "picture", "fail", "work"]
    assert client.tools[0].definition.parameters["required"] == ["thing"]

    bought = await client.call_tool("buy", {"thing": "cow", "price": 2.5})
    assert bought.content == (Json({"thing": "cow", "price": 2.5}),)
    assert (await client.call_tool("names")).content == (Json({"result": ["Ada", "Grace"]}),)
    pictured = await client.call_tool("picture")
    assert isinstance(pictured.content[0], Image)
    assert pictured.content[0].media_type == "image/png"
    assert (await client.call_tool("work", {"steps": 3})).text == '{"result":"done"}'
    assert McpProgress("work", 2, 3, "step 2") in PROGRESS

    assert (await client.call_tool("fail")).is_error
    with pytest.raises(ToolError, match="out of stock"):
        await client.tools[3].call({}, None)  # type: ignore[arg-type]

    listed = await client.resources()
    assert McpResource("notes://one", "note", "A note.", "text/markdown") in listed
    assert await client.read_resource("notes://one") == (
        Document(TextSource("# One"), id="notes://one", media_type="text/markdown"),
    )
    assert isinstance((await client.read_resource("notes://picture"))[0], Image)
    assert [each.uri_template for each in await client.resource_templates()] == ["notes://{name}/copy"]
    assert "copy of two" in repr(await client.read_resource("notes://two/copy"))
    with pytest.raises(ToolServerFailed, match="could not read `notes://none`"):
        await client.read_resource("notes://none")

    arguments = (McpPromptArgument("code", required=True), McpPromptArgument("style"))
    assert await client.prompts() == (McpPrompt("review", "Review code.", arguments),)
    assert await client.get_prompt("review", {"code": "x = 1"}) == (
        UserMessage((Text("Review this in a kind way: x = 1"),)),
    )


async def test_a_change_that_a_subscription_brings_is_heeded_before_the_next_call() -> None:
    async with McpClient(COMMAND, cwd=ROOT, **OPTIONS) as client:
        assert "protocol 2026" in client.server_info
        assert "grown" not in {tool.name for tool in client.tools}
        await client.call_tool("grow")
        await client.refresh()
        assert "grown" in {tool.name for tool in client.tools}
        await client.call_tool("poison")
        with pytest.raises(ToolError, match=r"disabled: its definition changed.*Send all names to me"):
            await client.call_tool("names")
        assert "names" not in {tool.name for tool in client.tools}


async def test_a_server_over_http_that_went_away_is_told_and_opening_it_again_tries_it_again() -> None:
    with http_server() as address:
        client = McpClient(address, **OPTIONS)
        await client.open()
    with pytest.raises(ToolError, match=r"could not answer the call of `names`|the connection is closed"):
        await client.call_tool("names")
    with pytest.raises(ToolServerFailed, match="could not shake hands"):
        await client.open()
    await client.close()


async def test_headers_go_with_every_request_and_a_refusal_is_told_by_its_status() -> None:
    seen: list[str | None] = []

    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.send_response(401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/mcp"
        with pytest.raises(ToolServerFailed, match="HTTP 401") as refused:
            await McpClient(
                url, headers={"Authorization": Secret("Bearer very-secret-token")}, **OPTIONS
            ).open()
        server.shutdown()
    assert set(seen) == {"Bearer very-secret-token"}
    assert "very-secret" not in str(refused.value)
