"""What the tests of the command line serve: named as `tests.serving.offered:...`."""

from __future__ import annotations

from agentlab.agent import Agent
from agentlab.messages import Image
from agentlab.tools import Toolset, tool

__all__ = ["PIXEL", "agents", "calculator", "toolset"]

PIXEL = b"\x89PNG\r\n\x1a\n"


@tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    print("adding")  # what a tool prints must not break the protocol on standard output
    return a + b


@tool
def person() -> dict[str, str]:
    """Tell who is there."""
    return {"name": "Ada"}


@tool
def greeting(name: str) -> str:
    """Greet."""
    return f"Hello, {name}!"


@tool
def picture() -> Image:
    """Draw."""
    return Image.from_bytes(PIXEL)


@tool
def broken() -> str:
    """Fail."""
    raise RuntimeError("out of order")


@tool(approval=True)
def risky() -> str:
    """Do it."""
    return "done"


toolset = Toolset([add, person, greeting, picture, broken, risky])
calculator = Agent(
    "sim:openai/gpt-5.6", name="calculator", preamble="Secret words.", description="Adds.", tools=[add]
)
agents = {"first": calculator, "second": calculator.with_(name="other")}
