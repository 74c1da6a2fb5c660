"""The nastiest text in a real JupyterLab: while it streams, when it stands, after save, reopen and trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import nbformat
from playwright.sync_api import Browser, Page

from tests.notebook.hostile import NASTIEST
from tests.notebook.jupyter_lab import Lab, Notebook, Open, shows

RUN: Final = (
    "from tests.notebook.hostile import NASTIEST\n"
    "from tests.notebook.hostile_run import events_saying\n"
    "async def says():\n"
    "    for place, event in enumerate(events_saying(NASTIEST)[:-1]):\n"
    "        yield event\n"
    "        if place % 20 == 0:\n"
    "            await asyncio.sleep(0.02)\n"
    "    yield TurnStarted(1000, 'm')\n"
    "    yield TextDelta('all was said')\n"
    "    await asyncio.sleep(1.5)\n"
    "state = await show_run(says(), title=NASTIEST[0])"
)
OBJECTS: Final = (
    "from IPython.display import HTML\n"
    "from tests.notebook.renderers import INNER, RENDERERS\n"
    "for name in RENDERERS.keys() - INNER:\n"
    "    display(HTML(''.join(RENDERERS[name](NASTIEST[::8]))))\n"
    "print('all was shown')"
)
ERROR: Final = (
    "from agentlab.errors import AuthenticationFailed\nraise AuthenticationFailed(' '.join(NASTIEST))"
)
AS_IT_STANDS: Final = "for text in EXECUTING:\n    display(HTML(text))"
TOUCH: Final = """() => {
  const outputs = [...document.querySelectorAll('.jp-OutputArea-output')];
  const all = outputs.flatMap((output) => [...output.querySelectorAll('*')]);
  for (const one of all) if (one.localName === 'details') one.open = true;
  for (const one of all) {
    if (one.closest('a[href], button, .jp-OutputArea-prompt')) continue;
    for (const name of ['mouseover', 'mouseenter', 'pointerdown', 'click', 'toggle']) {
      one.dispatchEvent(new MouseEvent(name, { bubbles: true, cancelable: true }));
    }
  }
}"""
# Cells hold the standing outputs: what no view of ours makes, and what lies over the page.
FOUND: Final = """() => {
  const found = [];
  for (const output of document.querySelectorAll('.jp-OutputArea-output, .al-run')) {
    for (const one of output.querySelectorAll('*')) {
      if (one.closest('.dataframe mjx-container')) continue; // pandas lets MathJax in
      const ours = one.matches('img[src^="data:image/png;base64,"]'); // by its magic bytes
      if (!ours && one.matches('script, img, svg, math, iframe, object, embed, form, input, link, meta, base, video, mjx-container') ||
          one.matches('[id^=jupyter], [id^=modal], [data-commandlinker-command], [name], [srcdoc], [action]') ||
          [...one.classList].some((name) => name.startsWith('lm-mod') || name === 'jp-Dialog') ||
          [...one.attributes].some(({ name }) => name.startsWith('on')) || getComputedStyle(one).position === 'fixed') {
        found.push(one.outerHTML.slice(0, 200));
      }
    }
  }
  return found;
}"""


class Watch:
    """What a page does that it should not."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def assert_nothing_happened(self) -> None:
        """Touch everything in the outputs; nothing has run, been asked for, or been put over the page."""
        self.page.evaluate(TOUCH)
        self.page.wait_for_timeout(400)  # time for what must not run; there is nothing to wait for
        assert self.page.evaluate("window.__ran") == 0
        assert self.page.evaluate(FOUND) == []
        assert self.page.locator(".jp-Dialog").count() == 0
        assert self.dialogs == []
        assert [url for url in self.requests if "invalid" in url] == []


def shown_whole(page: Page) -> None:
    """The outputs are there: the texts stand in them as texts."""
    page.wait_for_function("document.querySelectorAll('.agentlab-run, .agentlab-object').length > 3")
    shown = page.evaluate("document.querySelector('.agentlab-run').textContent")
    assert sum(text in shown for text in NASTIEST) > 0.9 * len(NASTIEST)


def changed_outside(path: Path) -> None:
    """Change a notebook's file so that its signature no longer holds."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("changed"))
    for cell in notebook.cells:
        cell.metadata.pop("trusted", None)
    nbformat.write(notebook, path)


def reopened(chromium: Browser, lab: Lab, name: str) -> tuple[Notebook, Watch]:
    """The notebook in a new page that has been watched from its beginning."""
    page = chromium.new_page(viewport={"width": 1000, "height": 900})
    watch = Watch(page)
    return Notebook.open_in(page, lab, name), watch


def test_the_nastiest_text_runs_nothing_live_or_saved_or_reopened_or_trusted(
    open_notebook: Open, chromium: Browser, lab: Lab
) -> None:
    first = open_notebook(RUN, OBJECTS, ERROR, AS_IT_STANDS)
    name = first.page.evaluate("jupyterapp.shell.currentWidget.context.path")
    watch = Watch(first.page)
    first.start(1)
    first.page.wait_for_selector(".al-run")
    first.page.wait_for_function(
        "[...document.querySelectorAll('.al-text')].some((one) => one.textContent.includes('all was said'))"
    )
    assert first.page.evaluate(FOUND) == []
    assert first.page.evaluate("window.__ran") == 0
    shows(first, 1, "stopped", "all was said")
    first.run(2, timeout_s=120)
    shows(first, 2, "all was shown", timeout_s=60)
    first.run(3)
    shown_whole(first.page)
    watch.assert_nothing_happened()

    first.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    changed_outside(lab.folder / name)
    first.page.goto("about:blank")
    second, watch = reopened(chromium, lab, name)
    shown_whole(second.page)
    watch.assert_nothing_happened()

    second.page.evaluate("() => { jupyterapp.commands.execute('notebook:trust'); }")
    second.page.click(".jp-Dialog .jp-mod-accept")
    second.page.wait_for_function(
        "[...jupyterapp.shell.currentWidget.content.model.cells].every((cell) => cell.type !== 'code' || cell.trusted)"
    )
    shown_whole(second.page)
    watch.assert_nothing_happened()

    second.start(4)
    second.page.wait_for_function("window.__ran >= 2")  # the control: shown as others show it, it runs
    second.close()
