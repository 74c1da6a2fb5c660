"""The pieces of the run view that need no page, run by node; and the cut of long texts, which Python and JavaScript share."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agentlab.notebook.run.bounded_text import CHARACTERS, LINES, SLACK, beginning
from tests.notebook.javascript.node import node_path

TEXTS = (
    "",
    "x",
    "line\n" * 25,
    "line\n" * 26,
    "line\n" * 24 + "end",
    "x" * 2_500,
    "x" * 2_501,
    "x" * 1_500 + "\n" + "y" * 1_500,
    "\n" * 30,
)


def test_the_pieces_pass_their_own_tests() -> None:
    command = [node_path(), "--no-warnings", "--test", str(Path(__file__).parent / "pieces.test.mjs")]
    cut = json.dumps([(text, len(beginning(text))) for text in TEXTS])
    environment = {**os.environ, "CUT_BY_PYTHON": cut}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert ended.returncode == 0, ended.stdout
    assert "# pass 8" in ended.stdout


@given(st.lists(st.sampled_from(["a", "word ", "\n", "x" * 700]), max_size=80).map("".join))
def test_the_beginning_of_a_text_is_short_or_all_of_it(text: str) -> None:
    first = beginning(text)
    assert text.startswith(first)
    if first == text:
        assert len(text) <= CHARACTERS * SLACK
    else:
        assert len(first) <= CHARACTERS
        assert first.count("\n") < LINES
