"""A real JupyterLab on 127.0.0.1 with everything of its own in one folder, and a Chromium that can reach nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Page, Playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
TOKEN = "a-token-of-this-test"
COUNT_BYTES = """
window.__received = 0;
const Native = window.WebSocket;
window.WebSocket = class extends Native {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({data}) => {
      window.__received += typeof data === "string" ? data.length : data.byteLength ?? data.size ?? 0;
    });
  }
};
window.__ran = 0;
"""


class Lab:
    """A running server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"

    def write(self, name: str, *cells: str) -> str:
        """Put a notebook into the server's folder."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, self.folder / name)
        return name


@contextmanager
def serve(folder: Path) -> Iterator[Lab]:
    """Start a server, wait until it answers, and end it by its process id."""
    work = folder / "work"
    work.mkdir(parents=True)
    settings = folder / "config/lab/user-settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True})
    )
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    command += [
        f"--ServerApp.root_dir={work}",
        "--LabApp.news_url=None",
        "--LabApp.extension_manager=readonly",
    ]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += ["--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=_environment(folder), stdout=log, stderr=log, cwd=work)
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={TOKEN}", server, folder / "server.log")
            yield Lab(work, port)
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@contextmanager
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium for which no name but 127.0.0.1 resolves."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions"]
    arguments += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    arguments += ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
    chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=arguments)
    try:
        yield chromium
    finally:
        chromium.close()


class Notebook:
    """A notebook open in a page, its kernel idle."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    def open(cls, chromium: Browser, lab: Lab, name: str) -> Notebook:
        """Open a notebook of the server and wait for its kernel."""
        return cls.open_in(chromium.new_page(viewport={"width": 1000, "height": 900}), lab, name)

    @classmethod
    def open_in(cls, page: Page, lab: Lab, name: str) -> Notebook:
        """Open a notebook of the server in an empty page."""
        return cls._at(page, f"{lab.url}/lab/tree/{name}?token={TOKEN}&reset")

    @classmethod
    def open_in_notebook_seven(cls, chromium: Browser, lab: Lab, name: str) -> Notebook:
        """Open a notebook of the server in the other front end, and wait for its kernel."""
        page = chromium.new_page(viewport={"width": 1000, "height": 800})
        return cls._at(page, f"{lab.url}/notebooks/{name}?token={TOKEN}")

    @classmethod
    def _at(cls, page: Page, url: str) -> Notebook:
        page.add_init_script(COUNT_BYTES)
        page.goto(url)
        page.wait_for_selector(".jp-Notebook", timeout=60_000)
        notebook = cls(page)
        notebook.wait_idle()
        return notebook

    def wait_idle(self, timeout_s: float = 60) -> None:
        """Wait until the kernel is idle."""
        self.page.wait_for_function(
            "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=timeout_s * 1000,
        )

    def start(self, cell: int) -> None:
        """Run a cell and do not wait for its end."""
        self.page.evaluate(
            "(k) => { jupyterapp.shell.currentWidget.content.activeCellIndex = k;"
            " jupyterapp.commands.execute('notebook:run-cell'); }",
            cell,
        )

    def run(self, cell: int, timeout_s: float = 60) -> None:
        """Run a cell to its end."""
        count = self.executions(cell)
        self.start(cell)
        self.page.wait_for_function(
            "([k, n]) => { const cell = jupyterapp.shell.currentWidget.content.model.cells.get(k);"
            " return cell.executionCount !== null && cell.executionCount !== n; }",
            arg=[cell, count],
            timeout=timeout_s * 1000,
        )
        self.wait_idle(timeout_s)

    def run_after_an_error(self, cell: int, timeout_s: float = 60) -> None:
        """Run a cell, twice if need be: a kernel throws away queued cells after an error, and at times the first new one."""
        count = self.executions(cell)
        self.start(cell)
        for _ in range(20):
            if self.executions(cell) not in {None, count}:
                break
            self.page.wait_for_timeout(100)
        else:
            self.start(cell)
        self.page.wait_for_function(
            "([k, n]) => { const cell = jupyterapp.shell.currentWidget.content.model.cells.get(k);"
            " return cell.executionCount !== null && cell.executionCount !== n; }",
            arg=[cell, count],
            timeout=timeout_s * 1000,
        )
        self.wait_idle(timeout_s)

    def executions(self, cell: int) -> int | None:
        """The execution count of a cell."""
        count: int | None = self.page.evaluate(
            "(k) => jupyterapp.shell.currentWidget.content.model.cells.get(k).executionCount", cell
        )
        return count

    def output(self, cell: int) -> str:
        """The text on display below a cell."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea").inner_text()

    def received(self) -> int:
        """Bytes received over the page's sockets so far."""
        return int(self.page.evaluate("window.__received"))

    def close(self) -> None:
        """Shut the kernel down, where the page still shows its notebook, and close the page."""
        self.page.evaluate("() => window.jupyterapp?.shell.currentWidget.sessionContext.shutdown()")
        self.page.close()


Open = Callable[..., Notebook]


def shows(notebook: Notebook, cell: int, *texts: str, timeout_s: float = 20) -> str:
    """Wait until the output of a cell shows all these texts; the output."""
    notebook.page.wait_for_function(
        "([k, texts]) => { const cell = document.querySelectorAll('.jp-CodeCell')[k];"
        " const output = cell?.querySelector('.jp-OutputArea')?.innerText ?? '';"
        " return texts.every((text) => output.includes(text)); }",
        arg=[cell, list(texts)],
        timeout=timeout_s * 1000,
    )
    return notebook.output(cell)


def _environment(folder: Path) -> dict[str, str]:
    own = {"HOME": "home", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data"}
    own |= {"JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, **{name: str(folder / place) for name, place in own.items()}, "PYTHONPATH": str(ROOT)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError as refused:
            if isinstance(refused, urllib.error.HTTPError):
                refused.close()  # an answer of "not yet" holds its connection
            time.sleep(0.2)  # a process of others: there is no event to wait for
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
