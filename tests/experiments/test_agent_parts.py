"""What an agent is known by: everything that changes its answers, and nothing that does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import agentlab as al
from agentlab.experiments.fingerprint import agent_parts
from agentlab.experiments.sweep import sweep
from agentlab.messages import CacheOptions

PRINTED = """
from tests.experiments.test_agent_parts import keys
print("\\n".join(keys()))
"""


@al.tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@al.tool(name="add")
def add_wrongly(a: int, b: int) -> int:
    """Add two integers."""
    return a + b + 1


def adder(more: object) -> Callable[[int], int]:
    """A tool that closes over a value."""

    def add_more(number: int) -> int:
        """Add what was agreed."""
        return number + len(str(more))

    return add_more


class Polite(al.Hook):
    """A hook with an attribute."""

    def __init__(self, word: str, extra: object = None) -> None:
        self.word = word
        self.extra = extra


class Formal(al.Hook):
    """Another one, with the same attributes."""

    def __init__(self, word: str, extra: object = None) -> None:
        self.word = word
        self.extra = extra


def noon() -> str:
    """A fact."""
    return "It is noon."


def night() -> str:
    """A fact."""
    return "It is night."


class Opaque:
    """Nothing about it can be told but its address."""

    __slots__ = ()


def agent(**options: Any) -> al.Agent:
    return al.Agent("sim:openai/gpt-5.6", **options)


def keys() -> list[str]:
    """Keys of a sweep over an agent that has something of everything."""
    made = agent(
        preamble="Be terse.",
        tools=[add, adder({"b": 1, "a": {"z", "y", "x", "w"}})],
        hooks=[Polite("please", extra={"k": Opaque(), "s": frozenset("abcdef")})],
        volatile=[noon, "It rains."],
        few_shots=[("1 + 1?", "2")],
        context=["A document."],
        additional_params={"b": 1, "a": 2},
    )
    plan = sweep(made, data=[{"sample_id": "a", "input": "Why?"}], repeats=2)
    return [cell.key for cell in plan.cells]


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a tool's body": ({"tools": [add]}, {"tools": [add_wrongly]}),
    "a value a tool closes over": ({"tools": [adder(1)]}, {"tools": [adder(2)]}),
    "a mapping a tool closes over": ({"tools": [adder({"a": 1})]}, {"tools": [adder({"a": 2})]}),
    "a hook's attribute": ({"hooks": [Polite("please")]}, {"hooks": [Polite("kindly")]}),
    "a hook's class": ({"hooks": [Polite("please")]}, {"hooks": [Formal("please")]}),
    "a fact's function": ({"volatile": noon}, {"volatile": night}),
    "a fact": ({"volatile": "It is noon."}, {"volatile": "It is night."}),
    "the preamble": ({"preamble": "Be terse."}, {"preamble": "Be terse!"}),
    "a document": ({"context": ["a"]}, {"context": ["b"]}),
    "an example": ({"few_shots": [("a", "b")]}, {"few_shots": [("a", "c")]}),
    "the ordering": ({}, {"ordering": "docs_last"}),
    "the temperature": ({"temperature": 0.0}, {"temperature": 0.1}),
    "the limit of tokens": ({}, {"max_tokens": 100}),
    "the limit of calls": ({}, {"max_turns": 3}),
    "markers": ({}, {"cache": CacheOptions(breakpoints=("preamble",))}),
    "other parameters": ({"additional_params": {"a": 1}}, {"additional_params": {"a": 2}}),
    "the order of tools": ({"tools": [add, adder(1)]}, {"tools": [adder(1), add]}),
    "streaming": ({}, {"stream": False}),
}


@pytest.mark.parametrize("case", CHANGES)
def test_whatever_changes_the_answers_changes_the_key(case: str) -> None:
    before, after = (agent_parts(agent(**options)) for options in CHANGES[case])
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert len(changed) == 1, changed


@pytest.mark.parametrize(
    "options",
    [
        {"name": "other"},
        {"description": "For sums."},
        {"record_content": True},
        {"tool_concurrency": 1},
        {"tool_timeout_s": 5},
    ],
)
def test_names_and_what_is_logged_change_no_key(options: dict[str, Any]) -> None:
    assert agent_parts(agent(**options)) == agent_parts(agent())


def test_equal_agents_have_equal_keys() -> None:
    assert keys() == keys()
    assert agent_parts(agent(additional_params={"a": 1, "b": 2})) == agent_parts(
        agent(additional_params={"b": 2, "a": 1})
    )


@pytest.mark.parametrize("seed", ["1", "2"])
def test_equal_agents_have_equal_keys_in_another_process(seed: str) -> None:
    root = Path(__file__).parents[2]
    environment = {"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": str(root)}
    said = subprocess.run(
        [sys.executable, "-c", PRINTED], capture_output=True, text=True, check=True, cwd=root, env=environment
    )
    assert said.stdout.split() == keys()


def test_no_address_is_in_a_key() -> None:
    made = agent(
        tools=[add, adder(Opaque())],
        hooks=[Polite("please", extra=[Opaque(), {"a": Opaque()}])],
        volatile=[partial(str, Opaque()), noon],
    )
    text = "\n".join(agent_parts(made).values())
    assert " at 0x" not in text


def test_a_value_inside_a_container_counts_also_beside_one_that_cannot_be_told() -> None:
    one = agent(hooks=[Polite("please", extra={"opaque": Opaque(), "limit": 1})])
    other = agent(hooks=[Polite("please", extra={"opaque": Opaque(), "limit": 2})])
    assert agent_parts(one) != agent_parts(other)


def test_a_partial_counts_with_its_arguments_and_a_closure_with_what_it_calls() -> None:
    def told_by(inner: Callable[[], str]) -> Callable[[], str]:
        def told() -> str:
            return inner()

        return told

    for one, other in ((partial(str, 1), partial(str, 2)), (told_by(noon), told_by(night))):
        assert agent_parts(agent(volatile=one)) != agent_parts(agent(volatile=other))
