"""The JavaScript's types, written in JSDoc and checked by TypeScript's compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[3] / "agentlab/notebook/static"
STRICT = ["--noEmit", "--strict", "--allowJs", "--checkJs", "--target", "es2022", "--module", "es2022"]
STRICT += ["--moduleResolution", "node", "--lib", "es2022,dom,dom.iterable"]


def test_every_script_keeps_its_types_and_a_wrong_one_is_found(tmp_path: Path) -> None:
    compiler = shutil.which("tsc")
    if compiler is None:
        reason = "tsc is not installed (Debian: node-typescript): the types of the JavaScript are not checked"
        if os.environ.get("AGENTLAB_STRICT") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    wrong = tmp_path / "wrong.js"
    wrong.write_text("/** @param {string} text */\nexport const long = (text) => text.length;\nlong(1);\n")
    files = [*sorted(STATIC.glob("*.js")), wrong]
    ended = subprocess.run(
        [compiler, *STRICT, *map(str, files)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    complaints = [line for line in ended.stdout.splitlines() if not line.startswith(" ")]
    assert [line for line in complaints if "wrong.js" not in line] == []
    assert len(complaints) == 1
