"""The JavaScript of the live view, run by node."""

from __future__ import annotations

import subprocess
from pathlib import Path

from agentlab.notebook.assets import script
from agentlab.notebook.run.token_bar import SEGMENTS
from tests.notebook.javascript.node import node_path

HERE = Path(__file__).parent
STATIC = HERE.parents[2] / "agentlab/notebook/static"


def test_the_parts_that_need_no_page_pass_their_own_tests() -> None:
    command = [node_path(), "--no-warnings", "--test", str(HERE / "run_view.test.mjs")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout
    assert "# pass 9" in ended.stdout


def test_html_is_set_in_two_places_only_and_both_take_safe_html() -> None:
    lines = [line for file in sorted(STATIC.glob("*.js")) for line in file.read_text().splitlines()]
    setters = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "srcdoc",
    )
    found = [line.strip() for line in lines if any(setter in line for setter in setters)]
    assert found == [
        "block.innerHTML = part.blocks[this.painted]; // SafeHTML of Python",
        "this.tail.innerHTML = part.tail; // SafeHTML of Python",
    ]


def test_nothing_is_loaded_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        text = file.read_text()
        assert "http:" not in text
        assert "https:" not in text
        assert all(
            line.endswith('.js";') and '"./' in line for line in text.splitlines() if "import " in line
        )
        assert "url(" not in text


def test_the_files_stay_small_because_each_widget_carries_them() -> None:
    for file in STATIC.glob("*_view.js"):
        most = 40_000 if file.name == "chat_view.js" else 30_000  # a conversation carries it once
        assert len(script(file.name).encode()) < most
    assert sum(file.stat().st_size for file in STATIC.glob("*.css")) < 30_000


def test_every_segment_has_its_own_name_and_colour() -> None:
    assert len({one.name for one in SEGMENTS}) == len({one.color for one in SEGMENTS}) == len(SEGMENTS)
