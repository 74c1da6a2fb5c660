"""One way after the other to stop a run whose provider has fallen silent, in a notebook, with a stopwatch."""

from __future__ import annotations

import json
from typing import Final, Literal

from msgspec import Struct, convert

from tests.notebook.jupyter_lab import Notebook, shows

__all__ = ["CELLS", "CHECK", "SETUP", "WAYS", "Stopped", "Way", "stop_once"]

Place = Literal["await", "background", "blocking"]
SETUP: Final = """
import asyncio, json
import agentlab as al
from agentlab.agent.portal import run_sync
from agentlab.messages import UserMessage, validate
from agentlab.simulator import Fault, Function, reply, serve
from agentlab.simulator.exchange import SimRequest

def answer(request):
    if "stall" not in str(request.messages[-1]):
        return reply("All is well.")
    return reply("Half an answer, and then nothing more of it comes.", fault=Fault("stall", at_event=8))

class Recording(al.Agent):
    def start(self, *args, **options):
        runs.append(super().start(*args, **options))
        return runs[-1]

def checked():
    validate([*runs[-1].messages, UserMessage.of("and now?")])
    last = runs[-1].messages[-1]
    after = run_sync(agent.prompt, "and now?", history=runs[-1].messages)
    return json.dumps({"kept": last.text, "marked": last.interrupted, "next": after.text})

runs = []
sim = serve(Function(answer)).__enter__()
agent = Recording(al.model("openai-chat:gpt-5.6", base_url=sim.base_url("openai-chat"), api_key=sim.token))
"""
CHECK: Final = "print(checked())"
CELLS: Final[dict[Place, str]] = {
    "await": "run = await agent.show('stall')",
    "background": "task = asyncio.ensure_future(agent.show('stall'))",
    "blocking": "run = run_sync(agent.show, 'stall')",
}


class Way(Struct, frozen=True):
    """A way to stop.

    Attributes:
        place: What the cell does.
        by: What is pressed: the view's button, or the notebook's interrupt.
    """

    place: Place
    by: Literal["button", "interrupt"]

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return f"{self.place}, {self.by}"


WAYS: Final = (
    Way("await", "button"),
    Way("await", "interrupt"),
    Way("background", "button"),
    Way("blocking", "button"),
    Way("blocking", "interrupt"),
)
"""All but one: an interrupt does not reach a background run, for no cell is running then."""


class Stopped(Struct, frozen=True):
    """What came of it.

    Attributes:
        ms: Milliseconds until the picture that stays said so and the kernel was free.
        shown: The text of that picture.
        kept: The text of the last message of the history.
        marked: Whether that message is marked as interrupted.
        next: What the next prompt was answered.
    """

    ms: float
    shown: str
    kept: str
    marked: bool
    next: str


def stop_once(notebook: Notebook, way: Way, run: int, check: int) -> Stopped:
    """Start a run, wait until its provider is silent, stop it, and look at what is left.

    Args:
        notebook: Its setup has run.
        way: How to stop it.
        run: The cell that runs.
        check: The cell that checks.
    """
    page = notebook.page
    page.evaluate(
        "(k) => { const cell = jupyterapp.shell.currentWidget.content.widgets[k];"
        " cell.model.sharedModel.setOutputs([]); }",
        run,
    )
    notebook.start(run)
    page.wait_for_function(
        "document.querySelector('.al-run .al-text')?.textContent.includes('Half an')", timeout=20_000
    )
    took = page.evaluate(STOP, [way.by, run])
    shown = notebook.output(run)
    notebook.run_after_an_error(check)
    found = json.loads(shows(notebook, check, '"marked"').strip().splitlines()[-1])
    return convert({"ms": took, "shown": shown, **found}, Stopped)


# Milliseconds from the press until the picture stands and the kernel is idle; looked at as soon as either changes.
STOP: Final = """([by, k]) => new Promise((resolve, reject) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const cell = document.querySelectorAll(".jp-CodeCell")[k];
  const began = performance.now();
  const late = setTimeout(() => reject(new Error(`not stopped: ${kernel.status}, ${cell.innerText}`)), 15000);
  const look = () => {
    const picture = cell.querySelector(".agentlab-run");
    if (!picture?.innerText.includes("stopped") || kernel.status !== "idle") return;
    resolve(performance.now() - began);
    clearTimeout(late);
    clearInterval(timer);
  };
  const timer = setInterval(look, 5);
  if (by === "button") document.querySelector(".al-stop").click();
  else jupyterapp.commands.execute("notebook:interrupt-kernel");
})"""
