"""Whatever arguments a schema allows, a tool answers or raises a `ToolError`: nothing else, and what it answers can be sent."""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlab.errors import ToolError
from agentlab.tools import ToolContext, as_content
from agentlab.tools.workspace import MemoryWorkspace
from agentlab.tools.workspace.tools import workspace_tools

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
FILES = {
    "a.txt": "one\ntwo\n",
    "src/b.py": "def f():\r\n\treturn 1\r\n",
    "plans/p.plan": "# Plan",
    "empty": "",
    "long": "x" * 9_000,
}
# What makes a tool do more than refuse, beside whatever hypothesis thinks of.
TEXTS = st.one_of(
    st.sampled_from(
        [
            *FILES,
            "/",
            "",
            "src",
            "src/",
            "**",
            "*.py",
            "..",
            "../x",
            "\x00",
            "[",
            "{a,b}",
            "{",
            "(a+)+$",
            "one",
            "new/x",
        ]
    ),
    st.text(max_size=20),
    st.text(st.characters(codec=None, categories=("Cs", "Cc", "Lu")), max_size=4),
)


class Everybody:
    """Answers and approves."""

    def ask(self, questions):
        return {question["name"]: None for question in questions}

    def exit_plan(self, plan_path):
        return {"mode": "build"}


def values(schema, definitions):
    """A strategy for what a schema allows: of this schema language the part that our tools use."""
    if "$ref" in schema:
        return values(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return st.one_of([values(each, definitions) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "string":
        if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True)
        return TEXTS.filter(lambda text: len(text) >= schema.get("minLength", 0))
    if kind == "integer":
        numbers = st.integers(schema.get("minimum"), schema.get("maximum"))
        least, most = schema.get("minimum", -3), schema.get("maximum", 5)
        return st.one_of(st.integers(least, max(least, min(most, 5))), numbers)
    if kind == "array":
        return st.lists(values(schema["items"], definitions), min_size=schema.get("minItems", 0), max_size=3)
    if kind == "object" and "properties" in schema:
        return objects(schema, definitions)
    plain = {
        "boolean": st.booleans(),
        "null": st.none(),
        None: JSON,
        "object": st.dictionaries(TEXTS, JSON, max_size=2),
    }
    return plain[kind]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def objects(schema, definitions):
    made = {name: values(each, definitions) for name, each in schema["properties"].items()}
    required = {name: each for name, each in made.items() if name in schema.get("required", ())}
    return st.fixed_dictionaries(
        required, optional={name: each for name, each in made.items() if name not in required}
    )


class Lent:
    workspace = None

    def __getattr__(self, name):
        return getattr(self.workspace, name)


LENT = Lent()
TOOLS = workspace_tools(LENT, grep_engine="re2")


@pytest.mark.parametrize("name", TOOLS.names)
def test_no_arguments_give_anything_but_an_answer_or_a_tool_error(name):
    tool = TOOLS.get(name)
    parameters = tool.definition.parameters

    async def called(arguments):
        return await tool.call(arguments, ToolContext(Everybody()))

    @settings(
        max_examples=500 if GAUNTLET else 25,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize=not GAUNTLET,
    )
    @given(arguments=values(parameters, parameters.get("$defs", {})))
    def check(arguments):
        LENT.workspace = MemoryWorkspace(FILES)
        try:
            answer = runner.run(called(arguments))
        except ToolError as error:
            assert str(error)  # noqa: PT017 - most arguments raise nothing
            return
        content = as_content(answer)
        assert sum(len(getattr(part, "text", "")) for part in content) < 100_000

    with asyncio.Runner() as runner:
        check()
