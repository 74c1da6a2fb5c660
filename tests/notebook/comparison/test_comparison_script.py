"""The JavaScript of the comparison, run by node."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.notebook.javascript.node import node_path


def test_the_parts_that_need_no_page_pass_their_own_tests() -> None:
    file = Path(__file__).parent / "comparison_view.test.mjs"
    command = [node_path(), "--no-warnings", "--test", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout
    assert "# pass 4" in ended.stdout
