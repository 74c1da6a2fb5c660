"""The live view in marimo: its cells are no Jupyter kernel's, and its outputs have no names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser

from tests.notebook.jupyter_lab import ROOT, free_port, wait_for

APP = """
import marimo
app = marimo.App()

@app.cell
async def _():
    from agentlab.notebook import show_run
    from tests.notebook.synthetic import paced, tool_run
    state = await show_run(paced(tool_run(), 40), title="What is 1234 + 5678?")
    return (state,)
"""


def test_a_run_is_live_in_marimo_and_leaves_its_picture(chromium: Browser, tmp_path: Path) -> None:
    app, log = tmp_path / "app.py", tmp_path / "log.txt"
    app.write_text(APP)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "marimo",
        "-q",
        "run",
        str(app),
        "--headless",
        "--no-token",
        f"--port={port}",
    ]
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=tmp_path)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, log)
            page = chromium.new_page()
            page.goto(f"http://127.0.0.1:{port}")
            page.wait_for_selector(".al-run[data-status=running] .al-fold", timeout=60_000)
            page.wait_for_selector(".agentlab-run:has-text('See the docs')", timeout=60_000)
            live = page.locator(".al-run").count()
            page.close()
        finally:
            server.terminate()
            server.wait(15)
    assert live == 0
