"""The live view in a real JupyterLab and a real browser that can reach nothing but it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.notebook.jupyter_lab import Open, shows
from tests.notebook.synthetic import ANSWER

STALLED = "state = await show_run(stalled(text_run(words('half an answer '))[:-2]), title='stalled'{stop})"
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
    assert received < 200_000
    assert whole_after < 4 + 2


def test_stop_ends_a_stalled_run_within_a_second_and_keeps_the_partial_answer(open_notebook: Open) -> None:
    notebook = open_notebook(STALLED.format(stop=""), "print('status', state.status, repr(state.text))")
    notebook.start(1)
    shows(notebook, 1, "half an answer", "running")
    began = time.monotonic()
    notebook.page.click(".al-stop")
    shown = shows(notebook, 1, "stopped", timeout_s=10)
    ended_after = time.monotonic() - began
    print(f"stopped after {ended_after:.2f} s")
    assert "half an answer" in shown
    assert ended_after < 1.5
    notebook.wait_idle()
    notebook.run(2)
    assert "status stopped 'half an answer '" in notebook.output(2)


def test_a_kernel_interrupt_ends_a_stalled_run_and_keeps_the_partial_answer(open_notebook: Open) -> None:
    notebook = open_notebook(STALLED.format(stop=", stop=lambda: None"))
    notebook.start(1)
    shows(notebook, 1, "half an answer", "running")
    began = time.monotonic()
    notebook.page.evaluate("() => { jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
    shown = shows(notebook, 1, "stopped", timeout_s=10)
    ended_after = time.monotonic() - began
    print(f"interrupted after {ended_after:.2f} s")
    assert "half an answer" in shown
    assert ended_after < 2


def test_stop_interrupts_a_blocking_call_whose_kernel_cannot_hear_it(open_notebook: Open) -> None:
    notebook = open_notebook(
        "async def blocking():\n"
        "    live = Live('blocking', stop=lambda: None)\n"
        "    live.start()\n"
        "    try:\n"
        "        async for event in stalled(text_run(words('half an answer '))[:-2]):\n"
        "            live.apply(event)\n"
        "    finally:\n"
        "        live.finish()\n"
        "run_sync(blocking)",
    )
    notebook.start(1)
    shows(notebook, 1, "half an answer", "running")
    began = time.monotonic()
    notebook.page.click(".al-stop")
    shown = shows(notebook, 1, "stopped", "KeyboardInterrupt", timeout_s=10)
    print(f"blocking call stopped after {time.monotonic() - began:.2f} s")
    assert "half an answer" in shown


def test_stop_ends_an_agent_s_hanging_tool_and_the_cell_goes_on(open_notebook: Open) -> None:
    notebook = open_notebook(
        HANGING_AGENT,
        "run = await agent.show('Call hang with 5 seconds.')\n"
        "async with asyncio.timeout(5):\n"
        "    await asyncio.sleep(0.01)\n"
        "print('went on', run.stop_reason)",
    )
    notebook.run(1)
    notebook.start(2)
    shows(notebook, 2, "hang", "running")
    notebook.page.wait_for_selector(".al-fold[data-state=busy]")
    began = time.monotonic()
    notebook.page.click(".al-stop")
    shown = shows(notebook, 2, "went on stopped", timeout_s=10)
    ended_after = time.monotonic() - began
    print(f"agent stopped after {ended_after:.2f} s")
    assert "interrupted" in shown
    assert ended_after < 1.5


def test_a_kernel_interrupt_ends_an_agent_s_hanging_tool_and_keeps_what_there_is(open_notebook: Open) -> None:
    notebook = open_notebook(HANGING_AGENT, "run = await agent.show('Call hang with 5 seconds.')")
    notebook.run(1)
    notebook.start(2)
    shows(notebook, 2, "hang", "running")
    notebook.page.wait_for_selector(".al-fold[data-state=busy]")
    began = time.monotonic()
    notebook.page.evaluate("() => { jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
    shown = shows(notebook, 2, "stopped", timeout_s=10)
    ended_after = time.monotonic() - began
    print(f"agent interrupted after {ended_after:.2f} s")
    assert "interrupted" in shown
    assert ended_after < 2


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
    shows(notebook, 1, "first half second half", "done")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_it_can_be_read_in_both_themes(
    open_notebook: Open, tmp_path_factory: pytest.TempPathFactory, theme: str
) -> None:
    folder = Path(os.environ.get("AGENTLAB_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    notebook = open_notebook(
        "async def held(events):\n"
        "    async for event in paced(events[:-1], 2000):\n"
        "        yield event\n"
        "    await asyncio.sleep(2.5)\n"
        "    yield events[-1]\n"
        "state = await show_run(held(tool_run()), title='What is 1234 + 5678?', stop=lambda: None)",
    )
    notebook.page.set_viewport_size({"width": 1300, "height": 1250})
    notebook.page.evaluate(
        "(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {theme}"
    )
    notebook.start(1)
    shows(notebook, 1, "See the docs", "running")
    notebook.page.screenshot(path=folder / f"live_{theme.lower()}.png")
    contrast = notebook.page.evaluate(
        CONTRAST, ".al-run, .al-title, .al-text, .al-muted, .al-numbers, .al-status, .al-pill"
    )
    shows(notebook, 1, "See the docs", "done")
    notebook.page.wait_for_selector(".agentlab-run")
    notebook.page.screenshot(path=folder / f"still_{theme.lower()}.png")
    print(f"screenshots in {folder}, contrast {contrast}")
    assert min(contrast.values()) >= 3
    assert ANSWER.splitlines()[2].removeprefix("- `add` ") in notebook.output(1)


# WCAG 2.1 contrast of each selector's first match against the view's background, transparency mixed in.
CONTRAST = """(selectors) => {
  const channel = (value) => value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const parsed = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = parsed(getComputedStyle(document.querySelector(".al-run")).backgroundColor);
  const back = light(ground);
  const found = {};
  for (const selector of selectors.split(", ")) {
    const [r, g, b, a = 1] = parsed(getComputedStyle(document.querySelector(selector)).color);
    const fore = light([r, g, b].map((value, k) => a * value + (1 - a) * ground[k]));
    found[selector] = (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
  }
  return found;
}"""
