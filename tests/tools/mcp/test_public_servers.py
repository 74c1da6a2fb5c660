"""The protocol's own reference servers: every tool they offer runs, every resource is read, every prompt is filled in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentlab.messages import Image
from agentlab.tools.mcp import ElicitationRequest, McpClient, McpProgress, SamplingRequest
from tests.tools.mcp.public_servers import package, suitable_node

pytest.importorskip("mcp")
pytestmark = pytest.mark.anyio

# What every tool of `server-everything` is called with, and what its answer holds.
EVERYTHING: dict[str, tuple[dict[str, Any], str]] = {
    "echo": ({"message": "hello"}, "Echo: hello"),
    "get-annotated-message": ({"messageType": "error", "includeImage": True}, "Error: Operation failed"),
    "get-env": ({}, '"PATH"'),
    "get-resource-links": ({"count": 2}, "resource_link"),
    "get-resource-reference": ({"resourceType": "Blob", "resourceId": 2}, "demo://resource/dynamic/blob/2"),
    "get-structured-content": ({"location": "Chicago"}, '{"conditions":"Light rain / drizzle"'),
    "get-sum": ({"a": 1, "b": 2}, "The sum of 1 and 2 is 3."),
    "get-tiny-image": ({}, "MCP logo"),
    "gzip-file-as-resource": ({"data": "data:text/plain,hello"}, "application/gzip"),
    "toggle-simulated-logging": ({}, "Started simulated"),
    "toggle-subscriber-updates": ({}, "Started simulated"),
    "trigger-long-running-operation": ({"duration": 0.2, "steps": 2}, "operation completed"),
    "get-roots-list": ({}, "file:///"),
    "trigger-elicitation-request": ({}, "Favorite Integer: 42"),
    "trigger-url-elicitation": ({"url": "https://example.org/x"}, "completed the URL elicitation"),
    "trigger-sampling-request": ({"prompt": "say it"}, "a model's answer"),
    "simulate-research-query": ({"topic": "tides", "ambiguous": True}, "Research Report: tides"),
}

PROMPTS = {
    "simple-prompt": ({}, "simple prompt"),
    "args-prompt": ({"city": "Rome", "state": "Lazio"}, "Rome"),
    "completable-prompt": ({"department": "Engineering", "name": "Alice"}, "promote Alice"),
    "resource-prompt": ({"resourceType": "Text", "resourceId": "1"}, "demo://resource/dynamic/text/1"),
}


async def test_every_tool_resource_and_prompt_of_server_everything_runs() -> None:
    progress: list[McpProgress] = []
    asked: list[Any] = []

    def answer(request: SamplingRequest) -> str:
        asked.append(request)
        return "a model's answer"

    def fill_in(request: ElicitationRequest) -> dict[str, Any]:
        asked.append(request)
        return {}

    options: dict[str, Any] = {
        "sampling": answer,
        "elicitation": fill_in,
        "roots": ["/tmp"],
        "on_progress": progress.append,
    }
    async with McpClient(
        [suitable_node(), package("server-everything")], connect_timeout_s=60, **options
    ) as client:
        await client.refresh()
        assert {tool.name for tool in client.tools} == set(EVERYTHING)
        for name, (arguments, says) in EVERYTHING.items():
            result = await client.call_tool(name, arguments)
            assert not result.is_error, name
            assert says in result.text, name
            if name == "get-tiny-image":
                assert any(isinstance(part, Image) for part in result.content)
        assert [each.done for each in progress if each.tool == "trigger-long-running-operation"] == [1, 2]
        assert any(isinstance(each, SamplingRequest) for each in asked)
        assert any(isinstance(each, ElicitationRequest) and each.url for each in asked)

        resources = await client.resources()
        assert len(resources) >= 8
        for resource in resources:
            assert await client.read_resource(resource.uri)
        for template in await client.resource_templates():
            assert await client.read_resource(template.uri_template.replace("{resourceId}", "1"))
        assert {prompt.name for prompt in await client.prompts()} == set(PROMPTS)
        for name, (arguments, says) in PROMPTS.items():
            assert says in repr(await client.get_prompt(name, arguments)), name
        assert client.instructions
        assert client.logs


async def test_what_server_everything_asks_is_refused_where_nothing_was_given_for_it() -> None:
    async with McpClient([suitable_node(), package("server-everything")], connect_timeout_s=60) as client:
        await client.refresh()
        names = {tool.name for tool in client.tools}
        # It offers these only to clients that say they can be asked.
        assert names.isdisjoint({"trigger-sampling-request", "trigger-elicitation-request", "get-roots-list"})
        assert "echo" in names


async def test_every_tool_of_server_filesystem_runs(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "a.txt").write_text("one\ntwo\n")
    (folder / "pixel.png").write_bytes(bytes.fromhex("89504e470d0a1a0a"))
    a, b, sub = str(folder / "a.txt"), str(folder / "b.txt"), str(folder / "sub")
    # In this order: what is written first is then moved.
    calls: dict[str, tuple[dict[str, Any], str]] = {
        "list_allowed_directories": ({}, str(folder)),
        "read_file": ({"path": a}, "one\\ntwo"),
        "read_text_file": ({"path": a, "head": 1}, "one"),
        "read_media_file": ({"path": str(folder / "pixel.png")}, "image/png"),
        "read_multiple_files": ({"paths": [a, a]}, "two"),
        "write_file": ({"path": b, "content": "new"}, "Successfully wrote"),
        "edit_file": ({"path": a, "edits": [{"oldText": "two", "newText": "three"}]}, "+three"),
        "create_directory": ({"path": sub}, "Successfully created"),
        "list_directory": ({"path": str(folder)}, "[DIR] sub"),
        "list_directory_with_sizes": ({"path": str(folder)}, "Total:"),
        "directory_tree": ({"path": str(folder)}, "a.txt"),
        "move_file": ({"source": b, "destination": f"{sub}/b.txt"}, "Successfully moved"),
        "search_files": ({"path": str(folder), "pattern": "**/b.txt"}, "b.txt"),
        "get_file_info": ({"path": a}, "size"),
    }
    command = [suitable_node(), package("server-filesystem"), str(folder)]
    async with McpClient(command, connect_timeout_s=60) as client:
        assert {tool.name for tool in client.tools} == set(calls)
        for name, (arguments, says) in calls.items():
            result = await client.call_tool(name, arguments)
            assert not result.is_error, (name, result)
            assert says in json.dumps(result.raw) + result.text, (name, result)
        refused = await client.call_tool("read_text_file", {"path": "/etc/passwd"})
        assert refused.is_error
    assert (folder / "a.txt").read_text() == "one\nthree\n"
    assert (folder / "sub" / "b.txt").read_text() == "new"
