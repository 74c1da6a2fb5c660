"""A simulated provider, a workspace and chats: what the tests of the chat stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentlab.agent import Agent
from agentlab.chat import AgentConfig, Chat, ChatEvent
from agentlab.models import model
from agentlab.sessions import Session
from agentlab.simulator import Function, SimRequest, Simulator, Turn, call, reply, serve
from agentlab.tools.workspace.memory import MemoryWorkspace

__all__ = ["LOOK", "Desk", "desk_of", "events_of", "kinds_of"]

MODEL = "anthropic:claude-sonnet-4-6"

LOOK = reply("I look.", reasoning="Where is it?", calls=[call("read", path="notes.txt")])
"""A turn that reads the desk's `notes.txt`."""


class Desk:
    """Chats with a simulated model over files in memory and a session on the disk.

    Args:
        sim: The simulator.
        folder: Where sessions are.
    """

    def __init__(self, sim: Simulator, folder: Path) -> None:
        self.sim = sim
        self.folder = folder
        self.files = MemoryWorkspace({"notes.txt": "buy milk\n", "src/main.py": "print('hello')\n"})

    def agent(self, name: str = MODEL, **options: Any) -> Agent:
        """An agent of a simulated model."""
        vendor = name.partition(":")[0]
        asked = model(name, base_url=self.sim.base_url(vendor), api_key=self.sim.token)
        return Agent(asked, **options)

    def chat(self, session: str = "one", *, config: AgentConfig | None = None, **options: Any) -> Chat:
        """A chat on a session of the folder; a new one where there is none."""
        path = self.folder / f"{session}.sqlite"
        plain = config.to_plain() if config is not None else {"model": MODEL}
        opened = Session(path) if path.exists() else Session.create(path, config=plain)
        options.setdefault("workspace", self.files)
        return Chat(options.pop("agent", None) or self.agent(), session=opened, **options)

    def says(self, turns: Iterable[Turn] | Callable[[SimRequest], Turn]) -> None:
        """What the model says from now on, turn by turn."""
        if callable(turns):
            self.sim.behaviour = Function(turns)
        else:
            self.sim.script(turns)


@contextmanager
def desk_of(folder: Path, **options: Any) -> Iterator[Desk]:
    """A desk with a simulator of its own; options are those of `serve`."""
    with serve(**options) as sim:
        yield Desk(sim, folder)


async def events_of(chat: Chat, prompt: str) -> list[ChatEvent]:
    """All events of the answer to a prompt."""
    return [event async for event in chat.stream(prompt)]


def kinds_of(session: Session) -> list[str]:
    """The kinds of a session's entries, in order, without its settings."""
    return [stored.kind for stored in session.entries() if stored.kind not in {"configured", "titled"}]
