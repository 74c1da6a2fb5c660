"""Whatever tools do, each call gets one result, in the order of the calls, and the run goes on."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import msgspec
import pytest
from anyio.lowlevel import checkpoint

from agentlab.agent import Agent, Hook, RewriteResult, Run
from agentlab.errors import ToolError
from agentlab.messages import Json, Text, ToolCall, ToolResult, ToolStarted
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import FunctionTool, ToolContext, tool
from tests.agent.bench import Bench, assert_sendable, results_of

pytestmark = pytest.mark.anyio

BIG = "x" * 5_000_000


class Fatal(BaseException):
    """Not an `Exception`."""


@tool
async def good(n: int = 0) -> str:
    """Work."""
    await checkpoint()
    return f"good {n}"


@tool
def raises(n: int = 0) -> str:
    """Raise."""
    raise ValueError(f"bad \ud800 {n}")


@tool(timeout_s=0.02)
async def hangs(n: int = 0) -> str:
    """Hang."""
    await asyncio.Event().wait()
    return "never"


@tool
def opaque(n: int = 0) -> object:
    """Return what has no JSON form."""
    return object()


@tool
def big(n: int = 0) -> str:
    """Return much."""
    return BIG


@tool
def binary(n: int = 0) -> Any:
    """Return bytes and broken text."""
    return {"bytes": b"\xff\x00", "text": "half \ud83d", "number": 2**70, "nan": float("nan")}


@tool
async def cancels_itself(n: int = 0) -> str:
    """Cancel the task it runs in."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.Event().wait()
    return "never"


@tool
async def raises_cancelled(n: int = 0) -> str:
    """Raise the cancellation itself."""
    raise asyncio.CancelledError


@tool
async def cancels_and_returns(n: int = 0) -> str:
    """Leave a cancellation behind."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    return "left"


@tool
def raises_fatal(n: int = 0) -> str:
    """Raise what is no `Exception`."""
    raise Fatal("fatal")


@tool
def exits(n: int = 0) -> str:
    """Leave the interpreter."""
    raise SystemExit(3)


EXPECTED: dict[str, tuple[FunctionTool, str, str]] = {
    "good": (good, "success", "good"),
    "raises": (raises, "failed", "ValueError: bad ? "),
    "hangs": (hangs, "failed", "the tool `hangs` took longer than 0.02 s"),
    "opaque": (opaque, "failed", "the tool returned a `object`, which has no JSON form"),
    "big": (big, "success", BIG[:20]),
    "binary": (
        binary,
        "success",
        '{"bytes":"/wA=","nan":null,"number":1180591620717411303424,"text":"half ?"}',
    ),
    "cancels_itself": (cancels_itself, "failed", "the tool `cancels_itself` cancelled itself"),
    "raises_cancelled": (raises_cancelled, "failed", "the tool `raises_cancelled` cancelled itself"),
    "cancels_and_returns": (cancels_and_returns, "success", "left"),
    "raises_fatal": (raises_fatal, "failed", "Fatal: fatal"),
    "exits": (exits, "failed", "SystemExit: 3"),
}
TOOLS = [each for each, _, _ in EXPECTED.values()]


@pytest.mark.parametrize("width", [1, 2, 8])
@pytest.mark.parametrize("name", list(EXPECTED))
async def test_each_call_gets_exactly_one_result_and_the_run_goes_on(
    bench: Bench, name: str, width: int
) -> None:
    tried, status, text = EXPECTED[name]
    names = [name if place % 2 == 0 and (name != "big" or not place) else "good" for place in range(width)]
    calls = [call(each, n=place) for place, each in enumerate(names)]
    agent = bench.agent("openai-chat", [reply(calls=calls), "went on"], tools=list({tried, good}))
    stream = agent.stream_prompt("go")
    events = [event async for event in stream]
    made = stream.trace.turns[0].message.tool_calls
    assert stream.run.text == "went on"
    results = results_of(stream.run.messages)
    assert [result.call_id for result in results] == [each.id for each in made]
    for place, result in enumerate(results):
        assert result.status == (status if names[place] == name else "success")
        assert result.text.startswith(text if names[place] == name != "good" else f"good {place}")
    given = [event.call_id for event in events if isinstance(event, ToolResult)]
    assert sorted(given) == sorted(each.id for each in made)
    assert sum(isinstance(event, ToolStarted) for event in events) == width
    assert Run.from_json(stream.run.to_json()) == stream.run
    assert bench.refused == []


async def test_all_kinds_at_once_come_back_in_call_order(bench: Bench, vendor: str) -> None:
    calls = [call(name) for name in EXPECTED if name != "big"]
    run = await bench.agent(vendor, [reply(calls=calls), "done"], tools=TOOLS).prompt("go")
    assert [result.name for result in results_of(run)] == [name for name in EXPECTED if name != "big"]
    assert bench.refused == []
    assert_sendable(run.all_messages)


@pytest.mark.parametrize("limit", [1, 2, 3, 8])
async def test_no_more_calls_run_at_once_than_allowed(bench: Bench, limit: int) -> None:
    running = most = 0

    @tool
    async def counted() -> int:
        """Count how many run."""
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await checkpoint()
        running -= 1
        return most

    agent = bench.agent(
        "ollama", [reply(calls=[call("counted")] * 8), "done"], tools=[counted], tool_concurrency=limit
    )
    await agent.prompt("go")
    assert most == limit


async def test_every_call_has_a_context_of_its_own(bench: Bench) -> None:
    seen: list[int | None] = []

    @tool
    def note(n: int, context: ToolContext) -> str:
        """Note."""
        seen.append(context.get(int))
        context.insert(n)
        return context.require(str)

    base = ToolContext("shared")
    turns = [reply(calls=[call("note", n=1), call("note", n=2)]), call("note", n=3), "done"]
    run = await bench.agent("openai", turns, tools=[note], tool_context=base).prompt("go")
    assert seen == [None, None, None]
    assert {result.text for result in results_of(run)} == {"shared"}
    assert base.get(int) is None


async def test_plain_tools_run_in_threads_at_the_same_time_with_the_callers_context(bench: Bench) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")
    meeting = threading.Barrier(3, timeout=5)

    @tool
    def meet() -> str:
        """Wait for the others."""
        meeting.wait()
        return f"{user.get()} {threading.current_thread() is threading.main_thread()}"

    user.set("ada")
    run = await bench.agent("anthropic", [reply(calls=[call("meet")] * 3), "done"], tools=[meet]).prompt("go")
    assert [result.text for result in results_of(run)] == ["ada False"] * 3


async def test_a_plain_tool_that_hangs_is_given_up_at_its_timeout(bench: Bench) -> None:
    release = threading.Event()

    @tool(timeout_s=0.02)
    def stuck() -> str:
        """Block a thread."""
        release.wait(10)
        return "late"

    try:
        run = await bench.agent("gemini", [call("stuck"), "went on"], tools=[stuck]).prompt("go")
    finally:
        release.set()
    assert [result.text for result in results_of(run)] == ["the tool `stuck` took longer than 0.02 s"]
    assert run.text == "went on"


async def test_the_agents_timeout_holds_where_a_tool_names_none(bench: Bench) -> None:
    @tool
    async def waits() -> str:
        """Wait."""
        await asyncio.Event().wait()
        return "never"

    run = await bench.agent("openai", [call("waits"), "ok"], tools=[waits], tool_timeout_s=0.01).prompt("go")
    assert results_of(run)[0].text == "the tool `waits` took longer than 0.01 s"


async def test_a_timeout_of_the_tools_own_is_told_as_such(bench: Bench) -> None:
    @tool
    async def impatient() -> str:
        """Time out by itself."""
        raise TimeoutError("the database is slow")

    run = await bench.agent("openai", [call("impatient"), "ok"], tools=[impatient]).prompt("go")
    assert results_of(run)[0].text == "TimeoutError: the database is slow"


async def test_a_tool_error_is_shown_word_for_word(bench: Bench) -> None:
    @tool
    def picky() -> str:
        """Refuse."""
        raise ToolError("Say please.")

    run = await bench.agent("openai", [call("picky"), "ok"], tools=[picky]).prompt("go")
    assert results_of(run)[0].content == (Text("Say please."),)
    assert results_of(run)[0].status == "failed"


async def test_a_call_cut_off_by_the_token_limit_is_not_run(bench: Bench) -> None:
    ran: list[str] = []

    @tool
    def write(text: str = "") -> str:
        """Write."""
        ran.append(text)
        return "written"

    long = " ".join(f"word{number}" for number in range(200))

    def says(request: SimRequest) -> Any:
        if results_of(request.messages):
            return "I was cut off."
        return reply(calls=[call("write", text=long)])

    agent: Agent = bench.agent("anthropic", says, tools=[write], max_tokens=40)
    run = await agent.prompt("go")
    assert ran == []
    assert "cut off by the token limit" in results_of(run)[0].text


@pytest.mark.parametrize("event", ["on_tool_call", "on_tool_result"])
async def test_an_error_in_a_hook_ends_the_run_instead_of_hanging_it(bench: Bench, event: str) -> None:
    class Broken(Hook):
        pass

    def fail(*_: Any) -> None:
        raise LookupError("the hook is broken")

    setattr(Broken, event, fail)
    stream = bench.agent(
        "openai", [reply(calls=[call("good"), call("hangs")])], tools=[good, hangs], hooks=[Broken()]
    ).stream_prompt("go")
    with pytest.raises(LookupError, match="the hook is broken"):
        async for _ in stream:
            pass
    assert (stream.run.stop_reason, stream.run.detail) == ("error", "LookupError: the hook is broken")
    assert_sendable(stream.run.all_messages)


async def test_a_rewritten_result_may_be_anything_a_tool_may_return(bench: Bench) -> None:
    class Rewrite(Hook):
        def on_tool_result(self, context: Any, call: ToolCall, result: ToolResult) -> RewriteResult:
            return RewriteResult((Text("half \ud83d"), Json({"a": (1, 2)})))

    run = await bench.agent("openai", [call("good"), "ok"], tools=[good], hooks=[Rewrite()]).prompt("go")
    assert results_of(run)[0].content == (Text("half ?"), Json({"a": [1, 2]}))
    assert Run.from_json(run.run.to_json()) == run.run
    assert msgspec.json.decode(bench.requests[-1].body)


def test_an_interrupt_inside_a_tool_ends_the_run_and_reaches_the_caller(bench: Bench) -> None:
    @tool
    async def interrupted() -> str:
        """Be interrupted."""
        raise KeyboardInterrupt

    agent = bench.agent(
        "openai", [reply(calls=[call("interrupted"), call("good")])], tools=[interrupted, good]
    )
    with pytest.raises(KeyboardInterrupt):
        agent.prompt_sync("go")
    assert bench.agent("openai", ["fine"]).prompt_sync("go").text == "fine"
