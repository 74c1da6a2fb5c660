"""The pytest plugin: found by pytest, cheap to load, and strict."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from msgspec import structs

from agentlab.errors import UsageError
from agentlab.testing import assert_prefix_stable
from tests.caching.mutations import appended, base_request, encoded

ROOT = Path(__file__).parents[1]


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_stable_run_passes_and_a_moved_one_fails_with_the_reason() -> None:
    request = base_request(random.Random(1), "anthropic")
    first, second = encoded(request, "anthropic"), encoded(appended(random.Random(2), request), "anthropic")
    assert_prefix_stable([first, second])
    moved = encoded(structs.replace(request, preamble="Other."), "anthropic")
    with pytest.raises(AssertionError, match="Turn 2: the cached prefix moved at preamble character 0"):
        assert_prefix_stable([first, moved])


def test_a_run_of_one_request_proves_nothing_and_is_refused() -> None:
    with pytest.raises(UsageError, match="there are 1"):
        assert_prefix_stable([encoded(base_request(random.Random(1), "openai"), "openai")])


def test_the_fixture_is_given_to_tests(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "from agentlab.caching.calls import RecordedCall\n"
        "def calls(*said):\n"
        '    bodies = [\'{"model":"m","messages":[{"role":"user","content":"%s"}]}\' % each for each in said]\n'
        "    return [RecordedCall('openai-chat', body, 'openai', 'm') for body in bodies]\n"
        "def test_holds(assert_prefix_stable):\n"
        "    assert_prefix_stable(calls('a', 'a'))\n"
        "def test_moves(assert_prefix_stable):\n"
        "    assert_prefix_stable(calls('a', 'b'))\n"
    )
    ran = python("-m", "pytest", "-p", "agentlab.testing", "-q", "test_it.py", cwd=tmp_path)
    assert "1 failed, 1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "the cached prefix moved at message 0 (user) character 0" in ran.stdout


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"agentlab": "agentlab.testing"}


def test_loading_the_plugin_loads_nothing_of_the_library(tmp_path: Path) -> None:
    code = "import sys, agentlab.testing; print([m for m in sys.modules if m.startswith(('agentlab.', 'msgspec'))])"
    assert python("-c", code, cwd=tmp_path).stdout.strip() == "['agentlab.testing']"
