"""A reader before a chat of the workspace assistant: a simulated model, files in memory, sessions in a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from agentlab.chat import AgentConfig
from agentlab.chat import Chat as Assistant
from agentlab.messages import ToolResult
from agentlab.notebook.chat.chat import Chat
from agentlab.notebook.chat.waiting_line import Waiting
from agentlab.notebook.run.turn_parts import Prose, ToolCard
from agentlab.tools import tool
from tests.chat.desk import Desk

__all__ = ["asked", "assistant", "ended", "pictured", "send", "shown_texts", "until"]


@tool(approval="it sends", effect="network")
def send(text: str) -> str:
    """Send a text."""
    return f"sent {text}"


def assistant(desk: Desk, session: str = "one", **options: Any) -> Assistant:
    """An assistant on a session of the desk; its own or a new one."""
    config = AgentConfig(model="x:y", mode=options.pop("mode", "build"))
    return desk.chat(session, config=config, tools=[send], **options)


async def ended(*waiting: Waiting) -> None:
    """Wait until these are answered."""
    for each in waiting:
        await asyncio.wrap_future(each.result)


def pictured(chat: Chat) -> list[object]:
    """What a reader sees of each exchange: all but times and tries."""
    return [
        (
            one.text,
            one.lead,
            one.changes,
            one.state.status,
            one.state.detail,
            one.state.text,
            one.state.usage,
            one.state.cost_usd,
            [
                (
                    turn.number,
                    turn.model,
                    turn.status,
                    turn.usage,
                    turn.cost_usd,
                    list(map(_part, turn.parts)),
                )
                for turn in one.state.turns
                if turn.parts  # of a call that failed before a word, a session keeps how the run ended
            ],
        )
        for one in chat.conversation.path
    ]


def _part(part: object) -> object:
    if isinstance(part, Prose):
        return part.kind, part.text
    assert isinstance(part, ToolCard)
    return part.name, part.arguments, part.status, part.decision, part.note, part.result


def shown_texts(chat: Chat) -> list[str]:
    """Prompts and answers on the branch shown."""
    return [text for one in chat.conversation.path for text in (one.text, one.state.text)]


def results(chat: Chat) -> list[str]:
    """What tools answered, as the history has it."""
    parts = (part for message in chat.history for part in getattr(message, "content", ()))
    return [part.text for part in parts if isinstance(part, ToolResult)]


async def until(chat: Chat, is_so: Callable[[], bool]) -> None:
    """Wait until something is so; looked at whenever the conversation has changed."""
    loop, seen = asyncio.get_running_loop(), asyncio.Event()

    def look() -> None:
        if is_so():
            loop.call_soon_threadsafe(seen.set)

    stop = chat.conversation.listen(look)
    look()
    await asyncio.wait_for(seen.wait(), 20)
    stop()


async def asked(chat: Chat) -> None:
    """Wait until the newest answer asks whether a tool may run."""
    await until(chat, lambda: bool(chat.conversation.path and chat.conversation.path[-1].state.asking))
