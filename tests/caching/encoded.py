"""Made conversations as every wire sends them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import structs

from agentlab.caching.calls import RecordedCall
from agentlab.caching.orderings.arrangement import arrange
from agentlab.messages import CacheOptions
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor

__all__ = ["MODELS", "encoded"]

MODELS: Final = {
    "openai-chat": "openai-chat:gpt-5.2",
    "openai-responses": "openai:gpt-5.6",
    "anthropic-messages": "anthropic:claude-sonnet-4-5",
    "gemini": "gemini:gemini-2.5-flash",
    "ollama": "ollama:qwen3:4b",
    "cohere-chat": "cohere:command-a-reasoning-08-2025",
    "bedrock-converse": "bedrock:anthropic.claude-sonnet-4-6",
}
"""A model of each wire."""


def encoded(
    calls: Iterable[RecordedCall], name: str, cache: CacheOptions | None = None, *, keep_request: bool = False
) -> list[RecordedCall]:
    """The calls as a vendor would be sent them: with their bodies, and without their requests unless asked."""
    vendor_name, _, model = name.partition(":")
    row = vendor(vendor_name)
    wire = wire_for(row.wire)
    found = []
    for call in calls:
        assert call.request is not None
        request = structs.replace(call.request, model=model, cache=cache)
        body = wire.encode(arrange(request, wire=row.wire), row).body.decode()
        found.append(
            structs.replace(
                call,
                wire=row.wire,
                body=body,
                vendor=vendor_name,
                model=model,
                request=request if keep_request else None,
            )
        )
    return found
