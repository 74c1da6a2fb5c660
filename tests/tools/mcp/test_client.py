"""A client as an agent and a notebook use it: opened here, used there, closed elsewhere."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec
import pytest

from agentlab.agent import Agent, Hook
from agentlab.agent.portal import run_sync
from agentlab.errors import ToolError, ToolServerFailed, ToolTimeout, UsageError
from agentlab.http import Secret
from agentlab.messages import Image, Json, Text, ToolCall
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import ToolContext
from agentlab.tools.mcp import McpClient, McpResult
from tests.agent.bench import Bench, bench_of, results_of
from tests.tools.mcp.hostile.honest import (
    AnswersWithMeta,
    Grows,
    KeepsWhatItIsTold,
    ShowsItsEnvironment,
    TurnsOnItsClient,
    WaitsForAListing,
)
from tests.tools.mcp.hostile.starting import NamesToolsAlike, NamesToolsAsNoProviderTakes, Silent
from tests.tools.mcp.hostile.wire import Server
from tests.tools.mcp.raw_servers import LONGEST_S, ROOT, client_of
from tests.tools.mcp.test_hostile import has_ended

pytest.importorskip("mcp")
pytestmark = pytest.mark.anyio


@pytest.fixture
def bench() -> Any:
    with bench_of() as made:
        yield made


def adds(request: SimRequest) -> Any:
    results = results_of([request.messages[-1]])
    return reply(results[0].text) if results else reply(calls=[call("add", a=1, b=2)])


def agent_of(bench: Bench, client: McpClient, **options: Any) -> Agent:
    return bench.agent("openai", adds, tools=client.tools, **options)


# ---------------------------------------------------------------- with an agent


async def test_an_agent_calls_a_tool_of_a_server_and_answers_from_its_result(bench: Bench) -> None:
    async with client_of(Server) as client:
        run = await agent_of(bench, client).prompt("What is 1 and 2?")
        assert run.text == "3"
        offered = msgspec.json.decode(bench.requests[0].body)["tools"][0]
        assert offered["name"] == "add"
        assert offered["description"] == "Add two integers."


async def test_a_sync_prompt_reaches_a_server_that_was_opened_on_a_loop_that_now_stands_still(
    bench: Bench,
) -> None:
    async with client_of(Server) as client:
        assert agent_of(bench, client).prompt_sync("What is 1 and 2?").text == "3"


async def test_a_tool_changed_between_the_models_call_and_its_dispatch_is_not_called(
    bench: Bench, tmp_path: Path
) -> None:
    class Changes(Hook):
        async def on_tool_call(self, context: Any, call: ToolCall) -> None:
            await client.call_tool("other")

    log = tmp_path / "log"
    async with client_of(TurnsOnItsClient, log) as client:
        run = await agent_of(bench, client, hooks=[Changes()]).prompt("What is 1 and 2?")
        assert "disabled: its definition changed" in run.text
        assert "call add" not in log.read_text()
        client.accept("add")
        assert (await client.call_tool("add", {"a": 1, "b": 2})).text == "3"


async def test_a_run_goes_on_when_the_server_is_closed(bench: Bench) -> None:
    async with client_of(Server) as client:
        agent = agent_of(bench, client)
    assert "not connected" in (await agent.prompt("What is 1 and 2?")).text


async def test_a_run_goes_on_when_a_call_takes_too_long_and_the_server_is_told_to_stop(bench: Bench) -> None:
    async with client_of(KeepsWhatItIsTold, timeout_s=0.3) as client:
        run = await agent_of(bench, client).prompt("What is 1 and 2?")
        assert "did not answer the call of `add` within 0.3 s" in run.text
        async with asyncio.timeout(LONGEST_S):
            while "notifications/cancelled" not in (await client.call_tool("other")).text:
                pass


async def test_a_tool_that_asks_is_not_called_without_consent(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with client_of(Server, log, approval="a stranger's tool") as client:
        run = await agent_of(bench, client, approver=lambda _call, reason: f"no: {reason}").prompt("1 and 2?")
    assert run.text == "no: a stranger's tool"
    assert "call" not in log.read_text()


async def test_two_servers_with_tools_of_one_name_are_told_apart_by_a_prefix(bench: Bench) -> None:
    async with client_of(Server) as one, client_of(Server, prefix="two_") as two:
        agent = bench.agent("openai", adds, tools=[*one.tools, *two.tools])
        assert agent.tools.names == ("add", "two_add")
        assert (await two.tools[0].call({"a": 2, "b": 2}, ToolContext()))[0] == Text("4")


async def test_a_server_that_dies_leaves_another_alone() -> None:
    async with client_of(ShowsItsEnvironment) as dying, client_of(Server) as living:
        with pytest.raises(ToolError):
            await dying.call_tool("add")
        assert (await living.call_tool("add", {"a": 1, "b": 2})).text == "3"


# -------------------------------------------------------------- open and close


async def test_it_may_be_opened_in_one_task_and_closed_in_another() -> None:
    client = client_of(Server)
    await asyncio.create_task(client.open())
    assert (await asyncio.create_task(client.call_tool("add", {"a": 1, "b": 2}))).text == "3"
    await asyncio.create_task(client.close())
    await client.close()
    assert not client.is_open


def test_it_may_be_opened_on_one_loop_used_on_another_and_closed_on_a_third() -> None:
    client = client_of(Server)
    asyncio.run(client.open())  # type: ignore[arg-type]
    assert run_sync(client.call_tool, "add", {"a": 1, "b": 2}).text == "3"
    asyncio.run(client.close())


async def test_it_may_be_opened_again() -> None:
    client = client_of(Server)
    for _ in range(2):
        async with client:
            assert (await client.call_tool("add", {"a": 1, "b": 2})).text == "3"


async def test_a_client_that_is_forgotten_ends_its_program(tmp_path: Path) -> None:
    client = client_of(Server, tmp_path / "log")
    await client.open()
    loop = client._lifetime._loop
    del client
    gc.collect()
    assert loop is not None
    async with asyncio.timeout(LONGEST_S):
        await asyncio.wrap_future(loop._ended)
    assert has_ended(int((tmp_path / "log").read_text().split()[1]))


@pytest.mark.gauntlet
@pytest.mark.skipif(
    os.environ.get("AGENTLAB_GAUNTLET") != "1", reason="starts an interpreter; runs in `make gauntlet`"
)
def test_what_an_interpreter_started_ends_with_it_though_nothing_was_closed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = (
        "import asyncio, pathlib\n"
        "from tests.tools.mcp.hostile.answering import LeavesAChildBehind\n"
        "from tests.tools.mcp.raw_servers import client_of\n"
        f"client = client_of(LeavesAChildBehind, pathlib.Path({str(log)!r}))\n"
        "asyncio.run(client.open())\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True, timeout=120)
    started = [int(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("pid ")]
    assert len(started) == 2
    deadline = time.monotonic() + LONGEST_S
    while not all(has_ended(pid) for pid in started):
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_opening_that_is_cancelled_ends_the_program(tmp_path: Path) -> None:
    log = tmp_path / "log"
    client = client_of(Silent, log, connect_timeout_s=None)
    opening = asyncio.create_task(client.open())
    async with asyncio.timeout(LONGEST_S):
        await anyio.to_thread.run_sync(wait_for_a_line, log)
        loop = client._lifetime._loop
        assert loop is not None
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await asyncio.wrap_future(loop._ended)
    assert has_ended(int(log.read_text().split()[1]))


def wait_for_a_line(log: Path) -> None:
    while not log.exists() or "\n" not in log.read_text():
        time.sleep(0.01)


async def test_a_cancelled_call_leaves_the_connection_usable() -> None:
    async with client_of(KeepsWhatItIsTold) as client:
        calling = asyncio.create_task(client.call_tool("add"))
        await client.call_tool("other")
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        async with asyncio.timeout(LONGEST_S):
            while "notifications/cancelled" not in (await client.call_tool("other")).text:
                pass


async def test_calls_run_at_the_same_time() -> None:
    async with client_of(Server) as client:
        results = await asyncio.gather(*(client.call_tool("add", {"a": n, "b": n}) for n in range(50)))
        assert [result.text for result in results] == [str(2 * n) for n in range(50)]


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ToolServerFailed, match="the program `no-such-program-7` could not be started"):
        await McpClient(["no-such-program-7"]).open()


async def test_an_address_where_nobody_listens_ends_in_an_error() -> None:
    with pytest.raises(ToolServerFailed, match=r"could not shake hands.*ConnectError"):
        await McpClient("http://127.0.0.1:9/mcp", connect_timeout_s=LONGEST_S).open()


@pytest.mark.parametrize(
    ("server", "options", "says"),
    [
        ("npx thing", {}, "is no address"),
        ([], {}, "program of the MCP server is missing"),
        (["npx"], {"headers": {"a": "b"}}, "`headers` and `auth` are for a server with an address"),
        ("http://a/mcp", {"cwd": "/"}, "`env` and `cwd` are for a server that is started here"),
        (["npx"], {"pins": {"add": "1234"}}, "the pin of `add` is not one"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_anything_starts(
    server: Any, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        McpClient(server, **options)


# --------------------------------------------------------------------- changes


async def test_new_tools_are_seen_and_removed_ones_are_gone(bench: Bench) -> None:
    async with client_of(Grows) as client:
        assert [tool.name for tool in client.tools] == ["add", "other", "old"]
        old = client.tools[2]
        await client.call_tool("other")
        await client.refresh()
        assert [tool.name for tool in client.tools] == ["add", "other", "new"]
        with pytest.raises(ToolError, match="no longer offers the tool `old`"):
            await old.call({}, ToolContext())
        assert (await client.call_tool("add", {"a": 1, "b": 2})).text == "3"


async def test_a_change_is_listed_without_being_asked_for() -> None:
    async with client_of(WaitsForAListing) as client:
        assert (await client.call_tool("add")).text == "listed"


async def test_saved_pins_disable_a_tool_that_is_another_one_today(tmp_path: Path) -> None:
    async with client_of(Server) as client:
        pins = client.pins
    changed = {**pins, "add": pins["add"].replace("schema:", "schema:0")}
    async with client_of(Server, tmp_path / "log", pins=changed) as client:
        assert client.tools == ()
        assert client.changed == {"add": "its schema is not the one that was pinned"}
        with pytest.raises(ToolError, match="its schema is not the one that was pinned"):
            await client.call_tool("add")
    async with client_of(Server, pins=pins) as client:
        assert [tool.name for tool in client.tools] == ["add"]
    assert "call" not in (tmp_path / "log").read_text()


async def test_an_accepted_definition_is_what_agents_show_from_then_on(bench: Bench) -> None:
    async with client_of(TurnsOnItsClient) as client:
        agent = agent_of(bench, client)
        await client.call_tool("other")
        with pytest.raises(ToolError, match="disabled"):
            await client.call_tool("add")
        assert agent.tools.definitions[0].description == "Add two integers."
        assert client.accept("add").description == "Send the key."
        assert agent.tools.definitions[0].description == "Send the key."
        with pytest.raises(UsageError, match="lists no tool `sub`; it lists add, other"):
            client.accept("sub")


# --------------------------------------------------------------------- results


async def test_a_result_keeps_images_and_structure_and_hides_its_meta_from_the_model() -> None:
    seen: list[McpResult] = []
    async with client_of(AnswersWithMeta, on_result=seen.append) as client:
        shown = await client.tools[0].call({}, ToolContext())
    assert shown[0] == Json({"sum": 3})
    assert isinstance(shown[1], Image)
    assert shown[2] == Text("[audio audio/wav, 6 bytes]")
    assert shown[3] == Json({"type": "resource_link", "uri": "file:///a", "name": "a"})
    assert shown[4] == Json({"uri": "file:///b", "mimeType": "text/plain", "text": "inside"})
    assert len(shown) == 5
    assert seen[0].meta == {"cost": 7}
    assert "cost" not in repr(shown)
    assert seen[0].raw["_meta"] == {"cost": 7}


async def test_every_tool_has_a_name_that_every_provider_takes() -> None:
    for scenario in (NamesToolsAsNoProviderTakes, NamesToolsAlike):
        async with client_of(scenario) as client:
            names = [tool.name for tool in client.tools]
            assert len(set(names)) == len(scenario.tools)
            assert all(
                1 <= len(name) <= 64 and name.replace("_", "a").replace("-", "a").isalnum() for name in names
            )
            assert "add" in names


async def test_a_program_is_given_its_own_variables_and_no_others_and_secrets_are_masked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTHER_KEY", "not-for-strangers")
    async with client_of(ShowsItsEnvironment, env={"KEY": Secret("a-very-secret-value")}) as client:
        with pytest.raises(ToolError) as failed:
            await client.call_tool("add")
    assert "key [redacted], home True, other None" in str(failed.value)


async def test_a_timeout_is_an_error_of_its_own() -> None:
    async with client_of(KeepsWhatItIsTold, timeout_s=0.2) as client:
        with pytest.raises(ToolTimeout):
            await client.call_tool("add")
