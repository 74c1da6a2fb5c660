"""The live view in a real JupyterLab and a real browser that can reach nothing but it."""

from __future__ import annotations

import time

from playwright.sync_api import Browser

from tests.notebook.conftest import IMPORTS
from tests.notebook.contrast import FAINT
from tests.notebook.jupyter_lab import Lab, Notebook, Open, shows
from tests.notebook.synthetic import ANSWER

HANGING_AGENT = """
import agentlab as al
@al.tool
async def hang(seconds: int) -> int:
    "Wait for ever."
    await asyncio.Event().wait()
agent = al.Agent("sim:openai/gpt-5.6", tools=[hang])
"""


def test_two_thousand_tokens_arrive_whole_with_few_bytes(open_notebook: Open) -> None:
    notebook = open_notebook(
        "pieces = [f'w{n:04} ' for n in range(2000)]\n"
        "pieces[100::100] = ['\\n\\n'] * 19\n"
        "events = text_run(pieces)",
        "state = await show_run(paced(events, 500), title='two thousand')",
    )
    notebook.run(1)
    before, began = notebook.received(), time.monotonic()
    notebook.start(2)
    notebook.page.wait_for_selector(".al-run")
    notebook.page.wait_for_function(
        "document.querySelector('.al-text')?.innerText.includes('w1999') ||"
        " document.querySelector('.agentlab-run')?.innerText.includes('w1999')"
    )
    whole_after = time.monotonic() - began
    shown = shows(notebook, 2, "w1999", "done")
    expected = [f"w{n:04}" for n in range(2000) if n % 100 or n == 0]
    assert [word for word in shown.split() if word.startswith("w") and word[1:].isdigit()] == expected
    received = notebook.received() - before
    print(f"received {received} bytes, whole after {whole_after:.2f} s")
    assert received < 150_000
    assert whole_after < 4 + 2


def test_a_hanging_tool_is_ended_by_stop_and_by_an_interrupt(open_notebook: Open) -> None:
    notebook = open_notebook(
        HANGING_AGENT,
        "run = await agent.show('Call hang with 5 seconds.')\n"
        "async with asyncio.timeout(5):\n"
        "    await asyncio.sleep(0.01)\n"
        "print('went on', run.stop_reason)",
        "run = await agent.show('Call hang with 5 seconds.')",
    )
    notebook.run(1)
    for cell, press, expected in (
        (2, "() => document.querySelector('.al-stop').click()", "went on stopped"),
        (3, "() => { jupyterapp.commands.execute('notebook:interrupt-kernel'); }", "stopped"),
    ):
        notebook.start(cell)
        shows(notebook, cell, "hang", "running")
        notebook.page.wait_for_selector(".al-fold[data-state=busy]")
        began = time.monotonic()
        notebook.page.evaluate(press)
        shown = shows(notebook, cell, expected, timeout_s=10)
        ended_after = time.monotonic() - began
        print(f"ended after {ended_after:.2f} s")
        assert "interrupted" in shown
        assert ended_after < 4  # a busy machine; `test_stopping` measures


def test_a_view_that_is_reloaded_in_mid_run_shows_the_whole_again(open_notebook: Open) -> None:
    notebook = open_notebook(
        "go = asyncio.Event()\n"
        "async def run():\n"
        "    yield TurnStarted(1, 'm')\n"
        "    yield TextDelta('first half ')\n"
        "    await go.wait()\n"
        "    yield TextDelta('second half')\n"
        "    await asyncio.sleep(3)\n"
        "    yield RunFinished('first half second half', Usage())\n"
        "task = asyncio.ensure_future(show_run(run(), title='reloaded'))\n"
        "await asyncio.sleep(0.5)",
        "go.set()",
    )
    notebook.run(1)
    shows(notebook, 1, "first half", "running")
    notebook.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    notebook.page.reload()
    notebook.page.wait_for_selector(".jp-Notebook")
    notebook.wait_idle()
    shows(notebook, 1, "first half", "running")
    notebook.start(2)
    shows(notebook, 1, "first half second half", "running")
    shown = shows(notebook, 1, "first half second half", "done")
    assert shown.count("first half") == 1


def test_it_stands_out_in_the_dark_of_a_real_jupyterlab_live_and_still(open_notebook: Open) -> None:
    notebook = open_notebook(
        "async def held(events):\n"
        "    async for event in paced(events[:-1], 2000):\n"
        "        yield event\n"
        "    await asyncio.sleep(2)\n"
        "    yield events[-1]\n"
        "state = await show_run(held(tool_run()), title='What is 1234 + 5678?', stop=lambda: None)",
    )
    notebook.page.evaluate(
        "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    notebook.start(1)
    shows(notebook, 1, "See the docs", "running")
    live = notebook.page.evaluate(FAINT, ".al-run")
    shows(notebook, 1, "See the docs", "done")
    notebook.page.wait_for_selector(".agentlab-run")
    still = notebook.page.evaluate(FAINT, ".agentlab-run")
    assert (live, still) == ([], [])
    assert ANSWER.splitlines()[2].removeprefix("- `add` ") in notebook.output(1)


def test_a_run_streams_stops_and_stays_in_notebook_seven(chromium: Browser, lab: Lab) -> None:
    cell = "state = await show_run(stalled(text_run(words('half an answer '))[:-2]), title='stalled')"
    notebook = Notebook.open_in_notebook_seven(chromium, lab, lab.write("seven.ipynb", IMPORTS + cell))
    page = notebook.page
    notebook.start(0)
    shows(notebook, 0, "half an answer", "running", timeout_s=60)
    page.click(".al-stop")
    shown = shows(notebook, 0, "half an answer", "stopped")
    failures = page.locator(".jp-OutputArea").filter(has_text="Error").count()
    notebook.close()
    assert shown.count("half an answer") == 1
    assert failures == 0
