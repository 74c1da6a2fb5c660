"""A browser, a JupyterLab and a plain page, started where they are needed and shared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.notebook.jupyter_lab import CHROMIUM, Lab, Notebook, Open, browser, serve
from tests.notebook.page import WidgetPage

IMPORTS = """
import asyncio
from agentlab.agent.portal import run_sync
from agentlab.messages import *
from agentlab.notebook import Live, show_run
from tests.notebook.synthetic import *
from tests.notebook.hostile import EXECUTING, HOSTILE
"""
OpenPage = Callable[..., WidgetPage]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a module; a loop of Playwright's runs in this thread until they have ended."""
    if not CHROMIUM.exists():
        reason = f"{CHROMIUM} is not installed: the live view is not tested in a browser"
        if os.environ.get("AGENTLAB_STRICT") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright, browser(playwright) as launched:
        yield launched


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One server for all tests of a worker: each opens notebooks of its own, and each notebook has a kernel of its own."""
    with serve(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture
def open_notebook(chromium: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a notebook of these cells, after one that imports what they need."""
    opened: list[Notebook] = []

    def make(*cells: str) -> Notebook:
        notebook = Notebook.open(chromium, lab, lab.write(f"{request.node.name}.ipynb", IMPORTS, *cells))
        opened.append(notebook)
        notebook.run(0)
        return notebook

    yield make
    for notebook in opened:
        notebook.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens a plain page; whatever it complained of fails the test."""
    opened: list[WidgetPage] = []

    def make(*args: object, **options: object) -> WidgetPage:
        opened.append(WidgetPage.open(chromium, *args, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for page in opened:
        page.close()
    assert [error for page in opened for error in page.errors] == []
