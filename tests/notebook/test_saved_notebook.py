"""What is left in a notebook's file, run by nbclient and nbval in a real kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from tests.notebook.synthetic import CANARY

ROOT = Path(__file__).parents[2]
CELLS = (
    "from tests.notebook.synthetic import *\nfrom agentlab.notebook import show_run",
    "state = await show_run(paced(tool_run(), 2000), title='What is 1234 + 5678?')",
)


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Nothing of the user's Jupyter is read or written."""
    folder = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as environment:
        for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            environment.setenv(name, str(folder / name.lower()))
        environment.setenv("PYTHONPATH", str(ROOT))
        environment.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        yield environment


@pytest.fixture(scope="module")
def live(environment: pytest.MonkeyPatch) -> nbformat.NotebookNode:
    """A notebook with a live run, as it is saved."""
    return executed(*CELLS)


@pytest.fixture(scope="module")
def static(environment: pytest.MonkeyPatch) -> nbformat.NotebookNode:
    """The same in the static mode."""
    with environment.context() as changed:
        changed.setenv("AGENTLAB_DISPLAY", "static")
        return executed(*CELLS)


def executed(*cells: str) -> nbformat.NotebookNode:
    """A notebook of these cells, run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3", store_widget_state=True).execute()
    return notebook


def test_a_live_run_leaves_html_and_text_and_nothing_of_it_in_a_widget(live: nbformat.NotebookNode) -> None:
    [output] = live.cells[1].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert "The sum is" in output.data["text/html"]
    for state in live.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values():
        assert not state["state"].get("snapshot")  # nbclient keeps the state of closed widgets too
    assert CANARY not in nbformat.writes(live)


def test_the_static_mode_leaves_the_same_bytes_each_time(
    static: nbformat.NotebookNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    again = executed(*CELLS)
    assert static.cells[1].outputs == again.cells[1].outputs
    assert [output.output_type for output in static.cells[1].outputs] == ["display_data"]


def test_a_saved_run_is_whole_in_a_page_made_by_nbconvert(live: nbformat.NotebookNode) -> None:
    page, _ = HTMLExporter().from_notebook_node(live)
    assert "no such table: prices" in page
    assert "<summary" in page
    assert 'data-mime-type="application/vnd.jupyter.widget-view+json"' not in page


def test_nbval_finds_a_static_notebook_unchanged(
    static: nbformat.NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # of a dozen plugins, this needs one
    file = tmp_path / "run.ipynb"
    nbformat.write(static, file)
    command = [sys.executable, "-m", "pytest", "-p", "nbval.plugin", "--nbval", "-q"]
    command += ["-p", "no:cacheprovider", "-c", os.devnull, str(file)]
    ended = subprocess.run(command, cwd=tmp_path, timeout=120, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert "2 passed" in ended.stdout
