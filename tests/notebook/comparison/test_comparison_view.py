"""The comparison in a browser: on a plain page, and once in a real JupyterLab."""

from __future__ import annotations

from typing import Any

from agentlab.messages import RunFinished, TurnStarted, Usage
from agentlab.notebook.comparison.comparison_view import ComparisonView
from tests.notebook.comparison.shown_lanes import ASKING, FAILED, SHORT, ShownLanes
from tests.notebook.conftest import OpenPage
from tests.notebook.jupyter_lab import Open, shows

LANES = "document.querySelectorAll('.al-lane')"


def lane_texts(shown: ShownLanes) -> list[str]:
    """What a reader sees in each lane."""
    texts: list[str] = shown.page.page.locator(".al-lane").all_inner_texts()
    return texts


def test_each_lane_shows_its_own_run_and_a_failure_stays_in_its_lane(open_page: OpenPage) -> None:
    shown = ShownLanes(open_page(), 3)
    assert shown.page.text().count("running") == 4
    shown.tell(0, SHORT)
    shown.tell(2, FAILED)
    first, second, third = lane_texts(shown)
    assert "The sum is 6,912" in first
    assert "done" in first
    assert "running" in second
    assert "6,912" not in second
    assert "failed" in third
    assert "wait 20 s" in third
    assert "1 running, 1 done, 1 failed" in shown.page.text()
    assert shown.page.page.locator(".al-lane .al-stop:visible").count() == 1


def test_a_lane_s_button_stops_that_lane_and_the_other_stops_all(open_page: OpenPage) -> None:
    shown = ShownLanes(open_page(), 2)
    shown.page.page.locator(".al-lane").nth(1).get_by_role("button", name="Stop").click()
    shown.page.pump()
    assert shown.heard == [("stop", 1)]
    assert "Stopping…" in lane_texts(shown)[1]
    shown.page.page.get_by_role("button", name="Stop all").click()
    shown.page.pump()
    assert shown.heard[1:] == [("stop", None)]


def test_a_blocking_comparison_has_one_button_for_all(open_page: OpenPage) -> None:
    shown = ShownLanes(open_page(), 2, stops_each=False)
    assert shown.page.page.get_by_role("button").all_inner_texts() == ["Stop all"]


def test_a_tool_that_asks_is_decided_in_its_lane(open_page: OpenPage) -> None:
    shown = ShownLanes(open_page(), 2)
    shown.tell(1, ASKING)
    shown.page.page.locator(".al-lane").nth(1).get_by_role("button", name="Approve").click()
    shown.page.pump()
    assert shown.heard == [(1, "call_9", True)]


def test_the_best_are_marked_when_all_have_ended(open_page: OpenPage) -> None:
    shown = ShownLanes(open_page(), 2)
    shown.tell(0, SHORT)
    assert "fastest" not in shown.page.text()
    shown.tell(1, [TurnStarted(1, "m"), RunFinished("x", Usage())])
    assert "fastest" in lane_texts(shown)[0]
    assert "fastest" not in lane_texts(shown)[1]
    assert not shown.page.page.get_by_role("button", name="Stop all").is_visible()


def test_a_second_view_and_a_view_that_lost_a_patch_show_the_same(open_page: OpenPage) -> None:
    shown = ShownLanes(open_page(), 2)
    shown.tell(0, SHORT[:5])
    shown.page.show_again(shown.view)
    sent = shown.view.send
    shown.view.send = lambda *_args, **_kwargs: None  # type: ignore[method-assign] - a message that is lost
    shown.tell(0, SHORT[5:9])
    shown.view.send = sent  # type: ignore[method-assign]
    shown.tell(0, SHORT[9:])
    first, _, again, _ = lane_texts(shown)
    assert first == again
    assert "234 + 678" in first
    assert {"type": "resync"} in shown.page.sent


def test_lanes_stand_beside_each_other_and_on_a_narrow_page_in_a_row_that_scrolls(
    open_page: OpenPage,
) -> None:
    page = open_page(width=1200)
    ShownLanes(page, 3)
    tops = page.page.evaluate(f"[...{LANES}].map((lane) => lane.getBoundingClientRect().top)")
    assert len(set(tops)) == 1
    page.page.set_viewport_size({"width": 400, "height": 800})
    row = page.page.evaluate(
        "(() => { const row = document.querySelector('.al-lanes'); return [row.scrollWidth, row.clientWidth, "
        "document.documentElement.scrollWidth]; })()"
    )
    assert row[0] > row[1]
    assert row[2] <= 400


def test_what_is_said_aloud_is_who_began_asks_or_ended_and_never_the_answer(open_page: OpenPage) -> None:
    shown = ShownLanes(open_page(), 2)
    shown.tell(0, SHORT)
    said = shown.page.page.locator(".al-comparison > [role=status]").inner_text()
    assert said == "gpt: Run done"


def test_messages_nobody_expects_are_harmless() -> None:
    heard: list[Any] = []
    view = ComparisonView({}, stops_each=True)
    view.listen(
        on_request=lambda: heard.append("request"),
        on_stop=heard.append,
        on_decide=lambda *one: heard.append(one),
    )
    view.send = lambda message: None  # type: ignore[method-assign] - no page listens
    for message in (
        None,
        "stop",
        {},
        {"type": "other"},
        {"type": "stop", "lane": "x"},
        {"type": "decide", "lane": None},
    ):
        view._take_message(view, message, [])
    assert heard == []
    view._take_message(view, {"type": "stop", "lane": 1}, [])
    assert heard == [1]
    assert repr(view) == "ComparisonView()"
    view.close()


AGENTS = """
import agentlab as al
from agentlab.tools import tool
async def hang() -> str:
    "Wait for ever."
    await asyncio.Event().wait()
gone = al.model("openai:gpt-5.6", api_key="k", base_url="http://127.0.0.1:9/v1", retry=al.Retry(attempts=1))
agents = {"answers": al.Agent("sim:openai/gpt-5.6"), "hangs": al.Agent("sim:openai/gpt-5.6", tools=[hang]),
          "fails": al.Agent(gone)}
"""


def test_in_jupyterlab_one_fails_one_is_stopped_and_the_picture_stays(open_notebook: Open) -> None:
    notebook = open_notebook(
        AGENTS,
        "found = await al.notebook.compare_live(agents, 'Call hang.')",
        "print(found.df['status'].tolist(), repr(found))",
    )
    notebook.run(1)
    notebook.start(2)
    shows(notebook, 2, "1 running, 1 done, 1 failed", "No connection to 127.0.0.1")
    notebook.page.locator(".al-lane").nth(1).get_by_role("button", name="Stop").click()
    notebook.page.wait_for_selector(".agentlab-comparison")
    assert "1 done, 1 stopped, 1 failed" in notebook.output(2)
    notebook.wait_idle()
    notebook.run(3)
    shows(notebook, 3, "['done', 'stopped', 'error'] Comparison(3 agents: ")
    assert notebook.page.locator(".al-comparison").count() == 0
