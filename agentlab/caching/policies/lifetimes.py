"""The lifetime a request asks for, where all it writes has one: OpenAI from GPT-5.6, Kimi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentlab.caching.blocks.block import Block
from agentlab.caching.policies.profile import Profile

__all__ = ["asked_lifetime"]


def asked_lifetime(profile: Profile, blocks: Sequence[Block], body: Mapping[str, Any]) -> str:
    """The name of the lifetime of everything a request writes: of its settings, of its last marker, or the default.

    Args:
        profile: The provider's cache.
        blocks: The request, with its markers.
        body: Its settings; `prompt_cache_options.ttl` is read.
    """
    options = body.get("prompt_cache_options")
    named = options.get("ttl") if isinstance(options, Mapping) else None
    marked = next((block.marker for block in reversed(blocks) if block.marker), None)
    asked = (name for name in (named, marked) if isinstance(name, str) and name in profile.ttl)
    return next(asked, profile.default_ttl)
