"""A chat in a real JupyterLab: typed into, shown twice, edited, stopped, reloaded, and left behind as a picture."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.notebook.jupyter_lab import Lab, Notebook, Open, shows

AGENT = """
import agentlab as al
@al.tool
async def hang(seconds: int) -> int:
    "Wait for ever."
    await asyncio.Event().wait()
chat = al.notebook.Chat(al.Agent("sim:openai/gpt-5.6", tools=[hang]))
"""


def box(notebook: Notebook, cell: int) -> str:
    """Selector of the input box in a cell's output."""
    return f".jp-CodeCell >> nth={cell} >> .al-composer textarea"


def type_into(notebook: Notebook, cell: int, text: str) -> None:
    notebook.page.fill(box(notebook, cell), text)
    notebook.page.press(box(notebook, cell), "Enter")


def pictured(notebook: Notebook, name: str) -> None:
    """Keep a screenshot where somebody wants to look at it."""
    folder = os.environ.get("AGENTLAB_SCREENSHOTS")
    if folder:
        notebook.page.screenshot(path=Path(folder) / f"chat_{name}.png")


def test_two_cells_show_one_chat_which_is_typed_edited_stopped_and_reloaded(open_notebook: Open) -> None:
    notebook = open_notebook(AGENT, "chat", "chat", "print(len(chat.history), chat.turns.shape[0])")
    page = notebook.page
    page.set_viewport_size(
        {"width": 1000, "height": 1800}
    )  # JupyterLab takes cells that are out of sight off the page
    for cell in (1, 2, 3):
        notebook.run(cell)
    page.wait_for_selector(box(notebook, 3))
    ran = notebook.executions(2)

    page.focus(box(notebook, 2))
    page.keyboard.type("dd says")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("hello")
    assert page.input_value(box(notebook, 2)) == "dd says\nhello"
    page.keyboard.press("Enter")
    for cell in (2, 3):
        shows(notebook, cell, "You said: dd says")
    assert notebook.executions(2) == ran
    assert page.locator(".jp-CodeCell").count() == 5
    assert page.evaluate("document.activeElement.closest('.al-composer') !== null")

    type_into(notebook, 3, "Call hang with 5 seconds.")
    shows(notebook, 2, "hang", "answering")
    type_into(notebook, 2, "next in line")
    shows(notebook, 3, "queued", "next in line")
    pictured(notebook, "running")
    page.press(box(notebook, 2), "Escape")
    shows(notebook, 3, "stopped by the user", "held")
    page.get_by_role("button", name="Send now: next in line").first.click()
    for cell in (2, 3):
        shows(notebook, cell, "You said: next in line")

    page.get_by_role("button", name="Edit", exact=True).first.click()
    page.locator(".al-editor textarea:visible").fill("edited")
    page.locator(".al-editor textarea:visible").press("Enter")
    for cell in (2, 3):
        shown = shows(notebook, cell, "You said: edited", "2/2")
        assert "next in line" not in shown
    notebook.run(4)
    assert shows(notebook, 4, "2").strip() == "2 4"

    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    page.wait_for_selector(".jp-Notebook")
    notebook.wait_idle()
    for cell in (2, 3):
        shows(notebook, cell, "You said: edited", "2/2")
    type_into(notebook, 2, "after the reload")
    for cell in (2, 3):
        shows(notebook, cell, "You said: after the reload")
    pictured(notebook, "reloaded")


def test_it_goes_on_while_a_cell_blocks_and_stays_as_a_picture(
    open_notebook: Open, lab: Lab, request: pytest.FixtureRequest
) -> None:
    notebook = open_notebook(
        "import time\nfrom tests.notebook.chat.scripted_model import agent_of, Gate\ngate = Gate()\n"
        "chat = __import__('agentlab').notebook.Chat(agent_of(['**half** '] * 2 + [gate, 'and whole']))",
        "chat",
        "asked = chat.submit('go on')\ngate.reached.result(5)\ngate.open()\nasked.result.result(5)\ntime.sleep(60)",
        "chat.freeze()",
    )
    notebook.run(1)
    notebook.run(2)
    notebook.page.wait_for_selector(box(notebook, 2))
    notebook.start(3)
    shows(notebook, 2, "half half and whole")
    notebook.page.evaluate("() => { jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
    shows(notebook, 3, "KeyboardInterrupt")
    notebook.wait_idle()
    notebook.run(4)
    notebook.page.wait_for_selector(".agentlab-chat")
    shows(notebook, 2, "half half and whole", "1 message")
    pictured(notebook, "frozen")
    notebook.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    notebook.page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
    saved = json.loads((lab.folder / f"{request.node.name}.ipynb").read_text())
    [output] = saved["cells"][2]["outputs"]
    assert set(output["data"]) == {"text/html", "text/plain"}
    assert "widgets" not in saved["metadata"]
