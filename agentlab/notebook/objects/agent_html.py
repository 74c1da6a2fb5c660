"""An agent at a glance: what it is told, what it may call, and every option that is not the default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

import msgspec

from agentlab.agent import Agent
from agentlab.agent.settings import AgentSettings
from agentlab.http import redact
from agentlab.messages import Document, TextSource
from agentlab.notebook.objects.panel import fact, facts, folded, one_line, panel, text_block
from agentlab.notebook.objects.tools_html import tool_rows
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join
from agentlab.short_repr import short_repr

__all__ = ["agent_html"]

_SHOWN_APART: Final = frozenset({"name", "description", "preamble", "context", "tools"})
_MOST_DOCUMENTS: Final = 20


def agent_html(agent: Agent) -> SafeHTML:
    """An agent.

    Args:
        agent: The agent; nothing is asked of its model.
    """
    settings = agent.settings
    definitions = settings.tools.definitions
    rows = [
        fact("model", element("code", one_line(agent.model.name))),
        fact("description", settings.description and one_line(settings.description, 200)),
        fact("preamble", _text(settings.preamble)),
        fact("context", _documents(settings.context)),
        fact("tools", tool_rows(definitions)),
        *(fact(name, element("code", value)) for name, value in _options(settings)),
    ]
    return panel("Agent", agent.name, facts(rows))


def _text(text: str | None) -> SafeHTML:
    if not text:
        return escape("")
    return escape(text) if len(text) <= 90 and "\n" not in text else folded(one_line(text), text_block(text))


def _documents(documents: tuple[Document, ...]) -> SafeHTML:
    rows = [_document(number, document) for number, document in enumerate(documents[:_MOST_DOCUMENTS])]
    left = len(documents) - _MOST_DOCUMENTS
    return join([*rows, element("div", f"and {left} more")] if left > 0 else rows)


def _document(number: int, document: Document) -> SafeHTML:
    text = document.source.text if isinstance(document.source, TextSource) else None
    name = one_line(document.id or f"document {number + 1}", 60)
    if text is None:
        return element("div", f"{name} ({document.media_type or 'file'})")
    return folded(f"{name}: {one_line(text, 60)} ({len(text):,} characters)", text_block(text))


def _options(settings: AgentSettings) -> Iterable[tuple[str, str]]:
    """The options that are not the default; a key in one is masked."""
    plain = AgentSettings()
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name in _SHOWN_APART or not _differs(value, getattr(plain, field.name)):
            continue
        yield field.name, one_line(redact(_written(value)), 300)


def _differs(value: Any, default: Any) -> bool:
    can_be_equal = any("__eq__" in each.__dict__ for each in type(value).__mro__[:-1])
    return can_be_equal and bool(value != default)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        try:
            return msgspec.json.encode(value).decode()
        except (TypeError, ValueError):
            return short_repr(value)
    return getattr(value, "name", None) or short_repr(value)
