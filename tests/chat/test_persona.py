"""Personas: files with front matter, and the one that comes with the library."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.chat.modes import GUARD_TEXT, is_plan, mode_text, write_guard
from agentlab.chat.persona import Persona, persona_of
from agentlab.errors import UsageError

REVIEWER = """---
name: reviewer
description: Reads code.
modes:
  plan: Only read.
---
You review code.

Be short.
"""


def test_a_persona_is_a_file_with_front_matter(tmp_path: Path) -> None:
    path = tmp_path / "reviewer.md"
    path.write_text(REVIEWER)
    persona = persona_of(str(path))
    assert persona == persona_of(path)
    assert persona == Persona(
        name="reviewer",
        description="Reads code.",
        preamble="You review code.\n\nBe short.",
        modes={"plan": "Only read."},
    )


def test_a_file_that_does_not_say_its_name_is_called_as_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "poet.md"
    path.write_text("---\n---\nYou rhyme.\n")
    assert persona_of(path) == Persona(name="poet", preamble="You rhyme.")


def test_the_persona_of_the_library_has_a_text_for_each_mode() -> None:
    persona = persona_of("assistant")
    assert persona.told_in("plan") != persona.told_in("build") != ""
    assert "plan_write" in persona.told_in("plan")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("You review.", "does not begin with front matter"),
        ("---\nname: x\nYou review.", "does not begin with front matter"),
        ("---\nname: [\n---\n", "is no YAML"),
        ("---\n- a\n---\n", "names and values"),
        ("---\nname: x\nmode: plan\n---\n", "mode"),
        ("---\nname: 3\n---\n", "name"),
        ("---\nname: x\nmodes: {fly: y}\n---\n", "fly"),
        ("---\nname: !!python/object/apply:os.system ['true']\n---\n", "is no YAML"),
    ],
)
def test_what_is_no_persona_is_refused_with_a_reason(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        Persona.from_text(text, source="here")


def test_a_persona_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="assistant"):
        persona_of("asistant")
    with pytest.raises(UsageError, match="cannot be read"):
        persona_of(tmp_path / "none.md")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("plans/a.plan", True),
        ("/plans/a.plan", True),
        ("plans/deep/a.plan", True),
        ("./plans/a.plan", True),
        ("plans/a.md", False),
        ("a.plan", False),
        ("plansx/a.plan", False),
        ("plans", False),
        ("src/plans/a.plan", False),
    ],
)
def test_a_plan_is_a_file_of_the_plans_folder(path: str, expected: bool) -> None:
    assert is_plan(path) is expected


def test_plan_mode_lets_only_the_plan_be_written_and_says_so() -> None:
    guard = write_guard(lambda: "plan")
    assert guard("plans/a.plan") is None
    assert guard("plans") is None
    assert guard("main.py") == GUARD_TEXT
    assert "System is in Plan Mode. You can only modify the plan." in GUARD_TEXT
    assert write_guard(lambda: "build")("main.py") is None


def test_what_a_mode_brings_names_the_mode_its_rules_and_the_approved_plan() -> None:
    persona = Persona(name="p", preamble="P", modes={"build": "Build it."})
    told = mode_text(persona, "build", plan="plans/a.plan", plan_text="1. do it\n")
    assert told.startswith('<mode name="build">\nBuild it.')
    assert "## APPROVED EXECUTION PLAN (plans/a.plan)\n\n1. do it\n</mode>" in told
    assert "plan mode" in mode_text(persona, "plan")
