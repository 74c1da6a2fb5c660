"""The parts of a request, one by one: what they are, and about how long."""

from __future__ import annotations

from typing import Any

import msgspec

from agentlab.caching.orderings.arrangement import prompt_place
from agentlab.caching.tokens import estimate_tokens
from agentlab.messages import Request

__all__ = ["part_tokens", "part_values"]


def part_values(request: Request) -> dict[str, Any]:
    """Each part as it is in the request; empty ones are falsy. What followed the prompt in its run belongs to none."""
    place = prompt_place(request)
    end = len(request.messages) if place is None else place
    return {
        "tools": request.tools,
        "preamble": request.preamble or "",
        "documents": request.context,
        "few_shots": request.few_shots,
        "history": request.messages[:end],
        "retrieved": request.retrieved,
        "volatile": request.volatile,
        "prompt": request.messages[end : end + 1],
    }


def part_tokens(request: Request) -> dict[str, int]:
    """Estimated tokens of each part."""
    return {
        part: estimate_tokens(value if isinstance(value, str) else msgspec.json.encode(value).decode())
        if value
        else 0
        for part, value in part_values(request).items()
    }
