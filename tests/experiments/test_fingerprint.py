"""A fingerprint changes with everything that decides what a function says, and with nothing else."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest

import agentlab as al
from agentlab.agent.agent import Agent
from agentlab.agent.approving import ApprovalPolicy
from agentlab.agent.memory.window import Window
from agentlab.experiments.fingerprint import agent_parts, description_of, fingerprint_of
from agentlab.tools import Effect, FunctionTool

TYPED_IN = """
RATE = {rate}
TOWNS = frozenset(["Oslo", "Bern", "Rome", "Kyiv"])

def helper(x):
    return [RATE * each for each in x if str(each) not in {{"Oslo", "Bern", "Rome"}}]

class Desk:
    limit = {limit}

    def __init__(self, size):
        self._size = size

    def seat(self, x):
        return helper(x)[: self._size + self.limit], TOWNS

def asked(x):
    return helper(x)
"""


class Hall:
    """A class with a source file."""

    seats = 3


def typed_in(*, rate: int = 2, limit: int = 3) -> dict[str, Any]:
    """Functions without a source file, as they are typed into a shell."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(TYPED_IN.format(rate=rate, limit=limit), "<stdin>", "exec"), names)
    return names


def written(folder: Path, source: str) -> Callable[..., Any]:
    """The function `asked` of a module with a source file."""
    path = folder / f"m{len(list(folder.iterdir()))}.py"
    path.write_text(source)
    names: dict[str, Any] = {"__name__": "made"}
    exec(compile(source, str(path), "exec"), names)
    asked: Callable[..., Any] = names["asked"]
    return asked


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def helper(): return 1", "def helper(): return 2"),
        ("RATE = 1\ndef helper(): return RATE", "RATE = 2\ndef helper(): return RATE"),
        (
            "def deep(): return 1\ndef helper(): return deep()",
            "def deep(): return 2\ndef helper(): return deep()",
        ),
        ("class helper: x = 1", "class helper: x = 2"),
        ("helper = ('a', 1)", "helper = ('a', 2)"),
        ("helper = lambda: 1", "helper = lambda: 2"),
    ],
)
def test_a_change_in_what_a_function_calls_is_seen(tmp_path: Path, one: str, other: str) -> None:
    calls = "\ndef asked():\n    return helper\n"
    first, again, second = (written(tmp_path, source + calls) for source in (one, one, other))
    assert fingerprint_of(first) == fingerprint_of(again) != fingerprint_of(second)


def test_helpers_that_call_each_other_and_things_nobody_names_do_no_harm(tmp_path: Path) -> None:
    source = "def odd(n): return n and even(n - 1)\ndef even(n): return not n or odd(n - 1)\ndef asked(): return odd(3)\n"
    plain = fingerprint_of(written(tmp_path, source))
    assert fingerprint_of(written(tmp_path, source + "def unasked(): return 1\n")) == plain
    assert fingerprint_of(written(tmp_path, source.replace("not n", "n == 0"))) != plain


def test_many_helpers_that_call_one_another_are_each_read_once(tmp_path: Path) -> None:
    each = [f"def f{n}(): return {[f'f{m}' for m in range(40)]!r}".replace("'", "") for n in range(40)]
    text = description_of(written(tmp_path, "\n".join([*each, "def asked(): return f0()"])))
    assert text.count("def f7()") == 1


def test_defaults_closures_and_bound_objects_are_seen() -> None:
    def made(weight: float, *, power: int = 2) -> Callable[..., float]:
        def scored(x: float, low: float = weight, *, high: int = power) -> float:
            return weight * x + low + high

        return scored

    assert fingerprint_of(made(1)) == fingerprint_of(made(1)) != fingerprint_of(made(2))
    assert fingerprint_of(made(1, power=3)) != fingerprint_of(made(1))
    assert fingerprint_of(partial(made(1), 1)) != fingerprint_of(partial(made(1), 2))

    @dataclass
    class Desk:
        size: int

        def seat(self) -> int:
            return self.size

    assert fingerprint_of(Desk(1).seat) == fingerprint_of(Desk(1).seat) != fingerprint_of(Desk(2).seat)


def test_a_decorator_counts_with_what_it_wraps() -> None:
    def plus(extra: int) -> Callable[[Callable[[], int]], Callable[[], int]]:
        def around(inner: Callable[[], int]) -> Callable[[], int]:
            @wraps(inner)
            def called() -> int:
                return inner() + extra

            return called

        return around

    def one() -> int:
        return 1

    def two() -> int:
        return 2

    assert fingerprint_of(plus(1)(one)) == fingerprint_of(plus(1)(one))
    assert len({fingerprint_of(each) for each in (one, two, plus(1)(one), plus(2)(one), plus(1)(two))}) == 5


def test_what_was_typed_in_is_read_from_its_code() -> None:
    same, again, other = typed_in(), typed_in(), typed_in(rate=5)
    assert fingerprint_of(same["asked"]) == fingerprint_of(again["asked"]) != fingerprint_of(other["asked"])
    desks = [typed_in(limit=limit)["Desk"](size).seat for limit, size in ((3, 1), (3, 1), (4, 1), (3, 2))]
    first, second, limited, sized = map(fingerprint_of, desks)
    assert first == second
    assert len({first, limited, sized}) == 3


def test_locks_and_addresses_are_not_in_a_description() -> None:
    class Held:
        def __init__(self, limit: int) -> None:
            self._lock = threading.Lock()
            self._limit = limit

        def allowed(self) -> int:
            return self._limit

    text = description_of(Held(1).allowed)
    assert " at 0x" not in text
    assert text == description_of(Held(1).allowed) != description_of(Held(2).allowed)


def test_another_process_finds_the_same() -> None:
    script = (
        "from agentlab.experiments.fingerprint import fingerprint_of\n"
        "from tests.experiments.test_fingerprint import typed_in, written\n"
        "made = typed_in()\n"
        "print(fingerprint_of(made['asked'], made['Desk'](3).seat, typed_in, {'x', 'y', 'z'}))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    made = typed_in()
    here = fingerprint_of(made["asked"], made["Desk"](3).seat, typed_in, {"x", "y", "z"})
    assert found == {here + "\n"}


def test_an_agent_s_tools_count_with_the_helpers_they_call() -> None:
    def parts(rate: int) -> dict[str, str]:
        asked = typed_in(rate=rate)["asked"]

        def look(x: int) -> str:
            """Look it up."""
            return str(asked([x]))

        return agent_parts(al.Agent("sim:openai/gpt-5.6", tools=[al.tool(look)]))

    assert parts(1) == parts(1)
    assert parts(1).keys() == parts(2).keys() == {"model", "tools"}
    assert parts(1)["tools"] != parts(2)["tools"]


def test_a_failure_of_the_parser_that_means_nothing_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, failures = (
        fingerprint_of(Hall),
        iter([SystemError("AST constructor recursion depth mismatch")] * 3),
    )
    read = inspect.getsource

    def disturbed(thing: Any) -> str:
        for failure in failures:
            raise failure
        return read(thing)

    monkeypatch.setattr(inspect, "getsource", disturbed)
    assert fingerprint_of(Hall) == plain


def test_what_another_thread_changes_is_read_as_it_was_at_one_moment() -> None:
    """A server's sessions grow while a scorer that closes over it is read; here they grow by being read."""
    sessions: dict[str, Session] = {}

    class Session(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return 1

        def __iter__(self) -> Iterator[str]:
            sessions[f"later {len(sessions)}"] = self
            yield "turns"

        def __len__(self) -> int:
            return 1

    sessions["first"] = Session()
    assert description_of(sessions) == description_of({"first": {"turns": 1}})
    assert len(sessions) == 2


def test_an_agent_as_a_tool_counts_by_what_it_is_and_a_memory_by_its_options() -> None:
    def parts(preamble: str, turns: int) -> dict[str, str]:
        child = al.Agent("sim:openai/gpt-5.6", name="child", preamble=preamble)
        tools = [child.as_tool(description="Ask.")]
        return agent_parts(al.Agent("sim:openai/gpt-5.6", tools=tools, memory=Window(turns)))

    one = parts("Be kind.", 4)
    assert parts("Be kind.", 4) == one
    assert parts("Be curt.", 4)["tools"] != one["tools"]
    assert parts("Be kind.", 5)["memory"] != one["memory"]
    assert "Be kind." in one["tools"]


def test_a_policy_counts_with_what_the_tools_declare_and_no_policy_does_not() -> None:
    def look(path: str) -> str:
        return path

    def parts(effect: Effect | None, **options: Any) -> dict[str, str]:
        return agent_parts(Agent("sim:openai/gpt-5.6", tools=[FunctionTool(look, effect=effect)], **options))

    assert parts(None) == parts("network")
    policy = ApprovalPolicy(default="ask")
    asking = parts("read", approvals=policy)
    assert asking == parts("read", approvals=ApprovalPolicy(default="ask"))
    assert asking["approvals"] != parts("network", approvals=policy)["approvals"]
    assert asking["approvals"] != parts("read", approvals=ApprovalPolicy())["approvals"]
