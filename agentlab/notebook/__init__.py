"""Runs in a notebook: live while they happen, a still picture afterwards, and no text of a model ever run as HTML.

A name is loaded when it is first used: the live view needs widgets, a still picture does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from agentlab.notebook.cache.cache_view import CacheView, cache_view
    from agentlab.notebook.chat.chat import Chat
    from agentlab.notebook.chat.conversation import Conversation
    from agentlab.notebook.chat.sessions import InMemorySessions, Sessions
    from agentlab.notebook.comparison.compare_live import compare_live, compare_live_sync
    from agentlab.notebook.comparison.comparison import Comparison
    from agentlab.notebook.mode import display_mode, is_deterministic
    from agentlab.notebook.nested import allow_nested_asyncio
    from agentlab.notebook.run.show import Live, show_run
    from agentlab.notebook.run.state import RunState
    from agentlab.notebook.run.static_view import mimebundle, static_html, static_text
    from agentlab.notebook.safety.markdown import StreamingMarkdown, render_markdown
    from agentlab.notebook.safety.safe_html import SafeHTML, escape
    from agentlab.notebook.trace.timeline import Timeline, timeline

_HOMES: Final = {
    "CacheView": "cache.cache_view",
    "Chat": "chat.chat",
    "Comparison": "comparison.comparison",
    "Conversation": "chat.conversation",
    "InMemorySessions": "chat.sessions",
    "Live": "run.show",
    "RunState": "run.state",
    "SafeHTML": "safety.safe_html",
    "Sessions": "chat.sessions",
    "StreamingMarkdown": "safety.markdown",
    "Timeline": "trace.timeline",
    "allow_nested_asyncio": "nested",
    "cache_view": "cache.cache_view",
    "compare_live": "comparison.compare_live",
    "compare_live_sync": "comparison.compare_live",
    "display_mode": "mode",
    "escape": "safety.safe_html",
    "is_deterministic": "mode",
    "mimebundle": "run.static_view",
    "render_markdown": "safety.markdown",
    "show_run": "run.show",
    "static_html": "run.static_view",
    "static_text": "run.static_view",
    "timeline": "trace.timeline",
}

__all__ = [
    "CacheView",
    "Chat",
    "Comparison",
    "Conversation",
    "InMemorySessions",
    "Live",
    "RunState",
    "SafeHTML",
    "Sessions",
    "StreamingMarkdown",
    "Timeline",
    "allow_nested_asyncio",
    "cache_view",
    "compare_live",
    "compare_live_sync",
    "display_mode",
    "escape",
    "is_deterministic",
    "mimebundle",
    "render_markdown",
    "show_run",
    "static_html",
    "static_text",
    "timeline",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'agentlab.notebook' has no attribute {name!r}")
    value = getattr(import_module(f"agentlab.notebook.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
