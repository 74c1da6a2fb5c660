"""A served agent and OpenAI's own SDK, unchanged, as its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI

from agentlab.agent import Agent
from agentlab.serving import AgentServer

__all__ = ["WEATHER", "asked", "client_of", "served"]

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def asked(*texts: str) -> list[dict[str, Any]]:
    """A conversation of plain texts, the user first."""
    return [
        {"role": "assistant" if place % 2 else "user", "content": text} for place, text in enumerate(texts)
    ]


@asynccontextmanager
async def served(agent: Agent, **options: Any) -> AsyncIterator[tuple[AgentServer, AsyncOpenAI]]:
    """A server and a client of it that does not retry."""
    async with AgentServer(agent, **options) as server, client_of(server) as client:
        yield server, client


def client_of(server: AgentServer, **options: Any) -> AsyncOpenAI:
    """A client of a server."""
    known = {"base_url": f"{server.url}/v1", "api_key": server.key, "max_retries": 0}
    return AsyncOpenAI(**{**known, **options})
