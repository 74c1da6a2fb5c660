"""Runs in a notebook: live while they happen, a still picture afterwards, and no text of a model ever run as HTML.

A name is loaded when it is first used: the live view needs widgets, a still picture does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from agentlab.notebook.markdown import StreamingMarkdown, render_markdown
    from agentlab.notebook.mode import display_mode, is_deterministic
    from agentlab.notebook.nested import allow_nested_asyncio
    from agentlab.notebook.safe_html import SafeHTML, escape
    from agentlab.notebook.show import Live, show_run
    from agentlab.notebook.state import RunState
    from agentlab.notebook.static_view import mimebundle, static_html, static_text

_HOMES: Final = {
    "Live": "show",
    "RunState": "state",
    "SafeHTML": "safe_html",
    "StreamingMarkdown": "markdown",
    "allow_nested_asyncio": "nested",
    "display_mode": "mode",
    "escape": "safe_html",
    "is_deterministic": "mode",
    "mimebundle": "static_view",
    "render_markdown": "markdown",
    "show_run": "show",
    "static_html": "static_view",
    "static_text": "static_view",
}

__all__ = [
    "Live",
    "RunState",
    "SafeHTML",
    "StreamingMarkdown",
    "allow_nested_asyncio",
    "display_mode",
    "escape",
    "is_deterministic",
    "mimebundle",
    "render_markdown",
    "show_run",
    "static_html",
    "static_text",
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
