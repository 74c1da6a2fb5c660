"""Every hostile server ends in an error of the tree, a disabled tool, or an answer: never in a hung run, and no call reaches a changed tool."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.errors import ToolServerFailed
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools.mcp import McpClient
from tests.agent.bench import Bench, bench_of, results_of
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

# Floods like those of another scenario, which cost a second each.
FLOODS = {"TellsOfProgressForEver", "TellsOfUnknownThingsForEver", "LogsForEver", "ListsAMillionTools"}
LONG = (
    pytest.mark.gauntlet,
    pytest.mark.skipif(os.environ.get("AGENTLAB_GAUNTLET") != "1", reason="runs in `make gauntlet`"),
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with bench_of() as made:
        yield made


def test_there_are_at_least_fifty_of_them() -> None:
    assert len(SCENARIOS) >= 50


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, marks=LONG if scenario.__name__ in FLOODS else (), id=scenario.__name__)
        for scenario in SCENARIOS
    ],
)
async def test_a_hostile_server_hangs_nothing_and_no_changed_tool_is_called(
    scenario: type[Server], tmp_path: Path, bench: Bench
) -> None:
    log = tmp_path / "log"
    client = client_of(scenario, log)
    async with asyncio.timeout(LONGEST_S):
        said = await outcome(scenario, client, log, bench)
        await client.close()
    assert re.search(scenario.says, said, re.DOTALL), said
    assert not client.is_open
    for line in log.read_text().splitlines() if log.exists() else ():
        if line.startswith("pid "):
            assert has_ended(int(line.removeprefix("pid "))), "a process was left behind"


async def outcome(scenario: type[Server], client: McpClient, log: Path, bench: Bench) -> str:
    """Meet the server as its scenario expects, and give what was said of it."""
    if scenario.expects == "no start":
        with pytest.raises(ToolServerFailed) as failed:
            await client.open()
        assert failed.value.server == "server"
        return str(failed.value)
    await client.open()
    agent = bench.agent("openai", adds, tools=client.tools)
    if scenario.expects == "disabled":
        assert await asked(agent) == "success: 3"
        refused = [await asked(agent) for _ in range(2)]
        assert all(each.startswith("failed: ") for each in refused), refused
        assert calls_in(log) == 1
        return refused[-1]
    said = await asked(agent)
    status = "failed" if scenario.expects == "call fails" else "success"
    assert scenario.expects == "any" or said.startswith(f"{status}: "), said
    return said


async def asked(agent: Agent) -> str:
    """What the model was told by the tool it called."""
    (result,) = results_of(await agent.prompt("Add."))
    return f"{result.status}: {result.text}"


def adds(request: SimRequest) -> Any:
    return reply("Done.") if results_of([request.messages[-1]]) else reply(calls=[call("add", a=1, b=2)])


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
