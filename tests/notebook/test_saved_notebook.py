"""What is left in a notebook's file, run by nbclient and nbval in a real kernel."""

from __future__ import annotations

import os
import subprocess
import sys
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


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's Jupyter is read or written."""
    for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def executed(*cells: str) -> nbformat.NotebookNode:
    """A notebook of these cells, run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3", store_widget_state=True).execute()
    return notebook


def test_a_live_run_leaves_html_and_text_and_nothing_of_it_in_a_widget() -> None:
    notebook = executed(*CELLS)
    [output] = notebook.cells[1].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert "The sum is" in output.data["text/html"]
    for state in notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values():
        assert not state["state"].get("snapshot")  # nbclient keeps the state of closed widgets too
    assert CANARY not in nbformat.writes(notebook)


def test_the_static_mode_leaves_the_same_bytes_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    first, second = executed(*CELLS), executed(*CELLS)
    assert first.cells[1].outputs == second.cells[1].outputs
    assert [output.output_type for output in first.cells[1].outputs] == ["display_data"]


def test_a_saved_run_is_whole_in_a_page_made_by_nbconvert() -> None:
    page, _ = HTMLExporter().from_notebook_node(executed(*CELLS))
    assert "no such table: prices" in page
    assert "<summary" in page
    assert 'data-mime-type="application/vnd.jupyter.widget-view+json"' not in page


def test_nbval_finds_a_static_notebook_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    file = tmp_path / "run.ipynb"
    nbformat.write(executed(*CELLS), file)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        str(file),
    ]
    ended = subprocess.run(command, cwd=tmp_path, timeout=120, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert "2 passed" in ended.stdout
