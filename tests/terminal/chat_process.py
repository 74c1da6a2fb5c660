"""A chat for tests that type into it; it runs in a process of its own."""

from __future__ import annotations

from pathlib import Path

from agentlab.agent import Agent
from agentlab.chat import Chat
from agentlab.models import model
from agentlab.sessions import SessionStore
from agentlab.terminal import run_chat
from agentlab.tools import FunctionTool, tool


@tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


def buy(thing: str) -> str:
    """Buy a thing."""
    return f"bought {thing}"


def chat(url: str, token: str, history: str) -> int:
    """Talk with a simulated model at an address."""
    asked = model("anthropic:claude-sonnet-4-6", base_url=url, api_key=token)
    agent = Agent(asked, tools=[add, FunctionTool(buy, approval="it costs money")])
    return run_chat(agent, title="Test chat", history_file=history)


def assistant(url: str, token: str, history: str, folder: str, session: str) -> int:
    """Talk with an assistant on a session, over the files of a folder."""
    asked = model("anthropic:claude-sonnet-4-6", base_url=url, api_key=token)
    store = SessionStore(Path(folder) / "sessions")
    workspace = Path(folder) / "workspace"
    workspace.mkdir(exist_ok=True)
    known = session in {info.id for info in store.list()}
    opened = store.open(session) if known else store.new(id=session)
    with Chat(Agent(asked), workspace, opened, tools=[FunctionTool(buy, approval="it costs money")]) as chat:
        return run_chat(chat, title="Test assistant", history_file=history)
