"""The quickstart, in the terminal: an agent with two tools, its answer and its tokens turn by turn."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from agentlab.agent import Agent
from agentlab.errors import MissingExtra, UsageError
from agentlab.messages import CacheOptions
from agentlab.tools import tool

__all__ = ["DEMO_TAG", "demo_agent", "run_demo", "run_notebook"]

DEMO_TAG = "demo"
QUESTION = "What is 1234 + 5678, and what is the weather in Paris?"

# A preamble of the length agents have in use: a provider caches nothing much shorter than a thousand tokens.
_CITIES = """Amsterdam Athens Auckland Bangkok Barcelona Beijing Berlin Bogota Boston Brussels Budapest Cairo Chicago
Copenhagen Dakar Delhi Dublin Geneva Hanoi Havana Helsinki Istanbul Jakarta Kyiv Kyoto Lagos Lima Lisbon London Madrid
Manila Melbourne Miami Milan Montreal Mumbai Munich Nairobi Naples Osaka Oslo Paris Porto Prague Quito Reykjavik Riga
Rome Seoul Shanghai Singapore Sofia Stockholm Sydney Tallinn Tokyo Toronto Vienna Warsaw Zurich"""
_STYLE = "give degrees Celsius, rounded to whole degrees, and name the country once"
_GUIDE = "\n".join(f"- {city}: {_STYLE}." for city in _CITIES.split())


@tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@tool
def weather(city: str) -> str:
    """Get the weather in a city.

    Args:
        city: Name of the city.
    """
    return f"21 degrees and sunny in {city}"


def demo_agent(model: str) -> Agent:
    """The agent of the quickstart."""
    return Agent(
        model,
        name="quickstart",
        preamble=f"You are a careful assistant. Use the tools, and answer in one sentence.\n{_GUIDE}",
        tools=[add, weather],
        cache=CacheOptions(breakpoints=("preamble", "last")),
    )


def run_demo(model: str) -> int:
    """Ask the quickstart's question and print answer and usage; gives the exit status."""
    result = demo_agent(model).prompt_sync(QUESTION)
    print(result.text)
    print()
    print(result.turns.drop(columns=["ttft_s", "duration_s"]).T.to_string())
    return 0


def run_notebook(notebook: Path, html: Path | None) -> int:
    """Execute a notebook, print the outputs of its cells tagged `demo`, and write it as HTML.

    Args:
        notebook: The notebook; it is not changed.
        html: Where the executed notebook goes, or None.

    Raises:
        UsageError: There is no such notebook.
        MissingExtra: The packages that execute notebooks are not installed.
    """
    if not notebook.is_file():
        raise UsageError(f"there is no notebook {notebook}; run this in a checkout of the project")
    try:
        nbformat, nbclient, nbconvert = (
            import_module(name) for name in ("nbformat", "nbclient", "nbconvert")
        )
    except ImportError as error:
        raise MissingExtra(f"executing notebooks needs `{error.name}`: pip install 'agentlab[lab]'") from None
    environment = {"AGENTLAB_DISPLAY": "static", **os.environ}
    executed = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(
        executed,
        timeout=120,
        resources={"metadata": {"path": str(notebook.parent)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    ).execute(env=environment)
    for cell in executed.cells:
        if DEMO_TAG in cell.metadata.get("tags", ()):
            print(*map(_text, cell.outputs), sep="\n", end="\n\n")
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        page, _ = nbconvert.HTMLExporter().from_notebook_node(executed)
        html.write_text(page, encoding="utf-8")
        print(f"written: {html}")
    return 0


def _text(output: Any) -> str:
    """The plain text of a notebook output."""
    text: str = output.get("text") or output.get("data", {}).get("text/plain", "")
    return text.rstrip()
