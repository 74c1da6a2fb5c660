"""The public face: what `import agentlab` offers, and what it costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import typing
from pathlib import Path

import agentlab

ROOT = Path(__file__).parents[1]
ROUNDS = 7


def test_all_is_sorted_and_every_name_in_it_exists() -> None:
    assert sorted(agentlab.__all__) == list(agentlab.__all__)
    for name in agentlab.__all__:
        assert getattr(agentlab, name) is not None, name
    assert dir(agentlab) == sorted(agentlab.__all__)


def test_names_for_the_type_checker_are_the_names_at_run_time() -> None:
    tree = ast.parse(Path(agentlab.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen | {"__version__"} == set(agentlab.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    assert not hasattr(agentlab, "nonsense")


def test_every_public_class_has_a_docstring_and_hints() -> None:
    for name in agentlab.__all__:
        value = getattr(agentlab, name)
        if isinstance(value, type) and value.__module__.startswith("agentlab"):
            assert value.__doc__, name
            typing.get_type_hints(value.__init__)


def fresh(code: str) -> str:
    """Run code in a new interpreter, in an empty folder; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout


def import_seconds(module: str) -> float:
    """The fastest of several imports in new interpreters."""
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    return min(float(fresh(code)) for _ in range(ROUNDS))


def test_import_costs_no_more_than_importing_httpx() -> None:
    assert import_seconds("agentlab") <= import_seconds("httpx")


def test_import_loads_nothing_heavy() -> None:
    loaded = json.loads(fresh("import sys, json, agentlab; print(json.dumps(sorted(sys.modules)))"))
    heavy = {
        "httpx",
        "pandas",
        "numpy",
        "matplotlib",
        "pydantic",
        "ipywidgets",
        "anywidget",
        "msgspec",
        "genai_prices",
    }
    assert not heavy & set(loaded)


def test_an_agents_import_leaves_what_only_some_need() -> None:
    code = "import sys, json; from agentlab import Agent; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(fresh(code))
    assert not {"aiohttp", "pydantic.main", "pydantic.json_schema", "pandas", "ipywidgets"} & set(loaded)


def test_import_writes_prints_and_connects_to_nothing() -> None:
    code = """
import sys
def audit(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writes and not str(arguments[0]).endswith(".pyc") and "__pycache__" not in str(arguments[0]):
        raise RuntimeError(f"writes {arguments[0]}")
    if event.startswith("socket."):
        raise RuntimeError(event)
sys.addaudithook(audit)
import agentlab
"""
    assert fresh(code) == ""
