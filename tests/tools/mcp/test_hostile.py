"""Every hostile server ends in an error of the tree, a disabled tool, or an answer: never in a hung run, and no call reaches a changed tool."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from agentlab.errors import ToolError, ToolServerFailed
from agentlab.tools.mcp import McpClient
from tests.tools.mcp.hostile import answering, asking, changing, starting
from tests.tools.mcp.hostile.wire import Server
from tests.tools.mcp.raw_servers import LONGEST_S, client_of

pytest.importorskip("mcp")
pytestmark = pytest.mark.anyio

SCENARIOS = [
    scenario
    for module in (starting, answering, asking, changing)
    for scenario in vars(module).values()
    if isinstance(scenario, type)
    and scenario.__module__ == module.__name__
    and scenario.__name__ not in {"Asks", "Changes"}
]


def test_there_are_at_least_fifty_of_them() -> None:
    assert len(SCENARIOS) >= 50


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_a_hostile_server_hangs_nothing_and_no_changed_tool_is_called(
    scenario: type[Server], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    client = client_of(scenario, log)
    async with asyncio.timeout(LONGEST_S):
        said = await outcome(scenario, client, log)
        await client.close()
    assert re.search(scenario.says, said, re.DOTALL), said
    assert not client.is_open
    for line in log.read_text().splitlines() if log.exists() else ():
        if line.startswith("pid "):
            assert has_ended(int(line.removeprefix("pid "))), "a process was left behind"


async def outcome(scenario: type[Server], client: McpClient, log: Path) -> str:
    """Meet the server as its scenario expects, and give what was said of it."""
    if scenario.expects == "no start":
        with pytest.raises(ToolServerFailed) as failed:
            await client.open()
        assert failed.value.server == "server"
        return str(failed.value)
    await client.open()
    if scenario.expects == "disabled":
        assert (await client.call_tool("add", {"a": 1, "b": 2})).text == "3"
        for _ in range(2):
            with pytest.raises(ToolError) as refused:
                await client.call_tool("add", {"a": 1, "b": 2})
        assert calls_in(log) == 1
        return str(refused.value)
    tool = next(each for each in client.tools if each.server_name == "add")
    try:
        called = await client.call_tool(tool.server_name, {"a": 1, "b": 2, "s": "x" * 100_000})
    except ToolError as error:
        failed, said = True, str(error)
    else:
        failed, said = called.is_error, called.text
    assert scenario.expects in {"any", "call fails" if failed else "answers"}, said
    return said


def calls_in(log: Path) -> int:
    return log.read_text().count("call ")


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits to be reaped by whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        os.kill(pid, 0)
        return False
