"""Agents that answer side by side: all well, one failed, one stopped, all interrupted, and wrong input."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import agentlab as al
from agentlab.errors import ApprovalNeeded, UsageError
from agentlab.messages import Event
from agentlab.notebook.comparison import live_lanes
from agentlab.notebook.comparison.compare_live import compare_live, compare_live_sync
from agentlab.notebook.comparison.lanes import Lane
from agentlab.notebook.comparison.live_lanes import LiveLanes
from agentlab.notebook.publishing import WIDGET_MIME
from agentlab.tools import tool
from tests.notebook.published import PublishedPage

pytestmark = pytest.mark.anyio


def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


async def hang() -> str:
    """Wait for ever."""
    await asyncio.Event().wait()
    return ""


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> PublishedPage:
    """A kernel's page."""
    return PublishedPage(monkeypatch, live_lanes)


class Shown:
    """The comparison on display, and a way to wait for what it shows."""

    def __init__(self) -> None:
        self.live: LiveLanes
        self.changed = asyncio.Event()

    def click(self, **message: Any) -> None:
        """What the page sends."""
        assert self.live._view is not None
        self.live._view._take_message(self.live._view, message, [])

    async def until(self, condition: Callable[[tuple[Lane, ...]], bool]) -> None:
        """Wait until it holds of the lanes."""
        async with asyncio.timeout(10):
            await self.changed.wait()
            while not condition(self.live.lanes.lanes):
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What is on display."""
    shown = Shown()
    apply = LiveLanes.apply

    def noted(live: LiveLanes, index: int, event: Event, at_s: float) -> None:
        apply(live, index, event, at_s)
        shown.live = live
        shown.changed.set()

    monkeypatch.setattr(LiveLanes, "apply", noted)
    return shown


def agent(name: str = "openai/gpt-5.6", **options: Any) -> al.Agent:
    return al.Agent(f"sim:{name}", **{"tools": [add], **options})


def unreachable() -> al.Agent:
    """An agent whose provider nobody is."""
    once = al.Retry(attempts=1)
    return al.Agent(al.model("openai:gpt-5.6", api_key="k", base_url="http://127.0.0.1:9/v1", retry=once))


async def test_all_answer_and_the_frame_has_a_row_each_in_the_order_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = await compare_live(
        {"gpt": agent(), "sonnet": agent("anthropic/claude-sonnet-5")}, "Call add with a=1 and b=2."
    )
    frame = found.df
    assert frame["label"].tolist() == ["gpt", "sonnet"]
    assert frame["provider"].tolist() == ["openai", "anthropic"]
    assert frame["model"].tolist() == ["gpt-5.6", "claude-sonnet-5"]
    assert frame["status"].tolist() == ["done", "done"]
    assert frame["turns"].tolist() == [2, 2]
    assert frame["tool_calls"].tolist() == [1, 1]
    for row, run in zip(frame.to_dict("records"), found.runs.values(), strict=True):
        assert row["text"] == run.text
        assert row["input_tokens"] == run.usage.input_tokens
        assert row["cache_read_tokens"] == run.usage.cache_read_tokens
        assert row["output_tokens"] == run.usage.output_tokens
        assert row["cost_usd"] == pytest.approx(run.cost_usd)
        assert 0 < row["ttft_s"] <= row["duration_s"]
        assert row["duration_s"] == run.trace.events[-1].at_s
    assert found.errors == {}
    assert repr(found) == "Comparison(2 agents: 2 done)"
    printed = capsys.readouterr().out
    assert printed.splitlines()[1].startswith("agent")
    assert printed.count("returned 3") == 2


async def test_one_that_fails_ends_no_other_and_its_error_is_handed_out() -> None:
    found = await compare_live({"good": agent(), "bad": unreachable()}, "Say hello.")
    assert found.df["status"].tolist() == ["done", "error"]
    assert list(found.errors) == ["bad"]
    assert found.df["error"].tolist()[1].startswith("ConnectionFailed: ")
    assert found.df["cost_usd"].isna().tolist() == [False, True]
    assert found.runs["good"].text
    assert found.runs["bad"].stop_reason == "error"


async def test_a_hook_that_raises_fails_its_own_lane_alone() -> None:
    class Broken(al.Hook):
        def on_completion_call(self, context: al.HookContext, request: al.Request) -> None:
            raise ValueError("boom")

    found = await compare_live({"good": agent(), "broken": agent(hooks=[Broken()])}, "Say hello.")
    assert found.df["status"].tolist() == ["done", "error"]
    assert isinstance(found.errors["broken"], ValueError)


async def test_stopping_one_lane_keeps_its_partial_run_and_lets_the_other_end(
    page: PublishedPage, shown: Shown
) -> None:
    task = asyncio.ensure_future(compare_live({"ends": agent(), "hangs": agent(tools=[hang])}, "Call hang."))
    await shown.until(lambda lanes: _is_running_a_tool(lanes[1]))
    view = shown.live._view
    shown.click(type="stop", lane=1)
    found = await asyncio.wait_for(task, 10)
    assert found.df["status"].tolist() == ["done", "stopped"]
    assert found.errors == {}
    opened, frozen = page.published
    assert WIDGET_MIME in opened.bundle
    assert (frozen.update, frozen.display_id) == (True, opened.display_id)
    assert set(frozen.bundle) == {"text/html", "text/plain"}
    assert view is not None
    assert view.comm is None


async def test_stop_all_stops_all_and_a_list_is_labelled_by_its_models(
    page: PublishedPage, shown: Shown
) -> None:
    hanging = agent(tools=[hang])
    task = asyncio.ensure_future(compare_live([hanging, hanging, hanging], "Call hang."))
    await shown.until(lambda lanes: all(map(_is_running_a_tool, lanes)))
    shown.click(type="stop")
    found = await asyncio.wait_for(task, 10)
    assert found.df["status"].tolist() == ["stopped"] * 3
    assert found.df["label"].tolist() == [f"sim:openai/gpt-5.6{mark}" for mark in ("", " (2)", " (3)")]
    assert "3 stopped" in page.published[-1].bundle["text/plain"]


async def test_an_interrupt_stops_all_leaves_the_picture_and_goes_on(
    page: PublishedPage, shown: Shown
) -> None:
    task = asyncio.ensure_future(compare_live([agent(tools=[hang]), agent()], "Call hang."))
    await shown.until(lambda lanes: _is_running_a_tool(lanes[0]) and lanes[1].state.is_finished)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "1 stopped, 1 done" in page.published[-1].bundle["text/plain"]
    assert not [left for left in asyncio.all_tasks() if left.get_name().startswith("compare ")]


async def test_a_tool_that_asks_waits_for_the_reader_s_click(page: PublishedPage, shown: Shown) -> None:
    asking = agent(tools=[tool(approval="it adds")(add)])
    task = asyncio.ensure_future(
        compare_live({"asks": asking, "other": agent()}, "Call add with a=1 and b=2.")
    )
    await shown.until(lambda lanes: bool(lanes[0].state.asking))
    [card] = shown.live.lanes.lanes[0].state.asking
    shown.click(type="decide", lane=0, call_id=card.call_id, approved=True)
    found = await asyncio.wait_for(task, 10)
    assert "returned 3" in found.runs["asks"].text
    assert "asks" in page.published[-1].bundle["text/plain"]


async def test_where_nobody_can_be_asked_a_tool_that_asks_ends_its_lane_with_an_error() -> None:
    asking = agent(tools=[tool(approval=True)(add)])
    found = await compare_live({"asks": asking, "other": agent()}, "Call add with a=1 and b=2.")
    assert isinstance(found.errors["asks"], ApprovalNeeded)
    assert found.df["status"].tolist()[1] == "done"


async def test_the_static_mode_shows_one_output_that_is_the_same_each_time(
    page: PublishedPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    for _ in range(2):
        await compare_live([agent(), agent("anthropic/claude-sonnet-5")], "Call add with a=1 and b=2.")
    first, second = page.published
    assert first == second
    assert (first.display_id, first.update) == (None, False)


def test_the_sync_form_needs_no_await_and_gives_the_same_frame() -> None:
    found = compare_live_sync([agent(), agent("anthropic/claude-sonnet-5")], "Say hello.")
    assert found.df["status"].tolist() == ["done", "done"]
    assert "text/html" in found._repr_mimebundle_()


@pytest.mark.parametrize(
    ("agents", "said"),
    [
        ({}, "two to six agents .* and 0 were given"),
        ({"one": "agent"}, "two to six agents .* and 1 were given"),
        (
            {str(number): "agent" for number in range(7)},
            "and 7 were given; `agentlab.compare` takes any number",
        ),
        ({"a": "agent", "b": "openai:gpt-5.6"}, r"'openai:gpt-5.6' at 'b' is none; make one with `al.Agent"),
        (["agent", 3], "3 at 1 is none"),
        ({"a": "agent", " ": "agent"}, "' ' is no text"),
        ({"a": "agent", 2: "agent"}, "2 is no text"),
        ("openai:gpt-5.6", "a dict of label to agent, or a list of agents, and not 'openai:gpt-5.6'"),
    ],
)
async def test_wrong_agents_are_refused_before_anything_is_sent(agents: Any, said: str) -> None:
    given = agent()
    if isinstance(agents, dict):
        agents = {label: given if one == "agent" else one for label, one in agents.items()}
    elif isinstance(agents, list):
        agents = [given if one == "agent" else one for one in agents]
    with pytest.raises(UsageError, match=said):
        await compare_live(agents, "Say hello.")


async def test_one_agent_alone_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="and not one agent"):
        await compare_live(agent(), "Say hello.")  # type: ignore[arg-type] - what a user may write


def _is_running_a_tool(lane: Lane) -> bool:
    return any(getattr(part, "status", "") == "running" for turn in lane.state.turns for part in turn.parts)
