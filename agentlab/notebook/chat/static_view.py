"""A conversation as a still picture: HTML and text that need no kernel, no script and no style sheet."""

from __future__ import annotations

from agentlab.notebook.chat.chat_document import totals
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.exchange import Exchange
from agentlab.notebook.run import static_view
from agentlab.notebook.run.token_bar import SEGMENTS, count
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join
from agentlab.plain_text import terminal_safe

__all__ = ["mimebundle", "static_html", "static_text"]

_ROOT = "max-width: 100%; margin: 4px 0"
_PROMPT = (
    "border-left: 3px solid var(--jp-brand-color1, var(--vscode-focusBorder, #0969da)); margin: 12px 0 6px;"
    " padding: 4px 12px; overflow-wrap: anywhere; color: inherit"
)
_MUTED = "color: var(--jp-ui-font-color2, var(--vscode-descriptionForeground, #6a737d)); font-size: 0.9em"


def mimebundle(conversation: Conversation, *, deterministic: bool = False) -> dict[str, str]:
    """The path shown, as HTML and text by MIME type.

    Args:
        conversation: The conversation.
        deterministic: Leave out what differs from one run to the next: times and prices.
    """
    return {
        "text/html": static_html(conversation, deterministic=deterministic).html,
        "text/plain": static_text(conversation, deterministic=deterministic),
    }


def static_html(conversation: Conversation, *, deterministic: bool = False) -> SafeHTML:
    """The path shown as one `<div>`; see `mimebundle`."""
    with conversation.lock:
        path = conversation.path
        pieces = [element("div", element("strong", conversation.title))]
        for one in path:
            branch = _branch(conversation, one)
            label = element("div", f"{one.id} · you{branch}", style=_MUTED)
            pieces += [
                *(element("div", _lines(line), style=_MUTED) for line in one.lead),
                element("blockquote", label, _lines(one.text), style=_PROMPT),
                static_view.static_html(one.state, deterministic=deterministic, bounded=False),
                *(element("div", _lines(line), style=_MUTED) for line in one.changes),
            ]
        pieces.append(element("div", _summary(conversation, deterministic=deterministic), style=_MUTED))
    return element("div", join(pieces), class_="agentlab-chat mathjax_ignore tex2jax_ignore", style=_ROOT)


def static_text(conversation: Conversation, *, deterministic: bool = False) -> str:
    """The path shown as plain text, safe to print to a terminal; see `mimebundle`."""
    with conversation.lock:
        lines = [f"== {conversation.title}"]
        for one in conversation.path:
            lines += [
                *(f"\n* {line}" for line in one.lead),
                f"\n> you{_branch(conversation, one)}",
                *(f"> {line}" for line in one.text.splitlines()),
                static_view.static_text(one.state, deterministic=deterministic),
                *(f"* {line}" for line in one.changes),
            ]
        lines.append(f"\n{_summary(conversation, deterministic=deterministic)}")
    return terminal_safe("\n".join(lines))


def _branch(conversation: Conversation, exchange: Exchange) -> str:
    beside = conversation.branches(exchange.id)
    return f" · branch {beside.index(exchange.id) + 1} of {len(beside)}" if len(beside) > 1 else ""


def _lines(text: str) -> SafeHTML:
    """Text whose line ends stay, even where styles are dropped."""
    first, *rest = text.split("\n")
    return join([escape(first), *(join([element("br"), escape(line)]) for line in rest)])


def _summary(conversation: Conversation, *, deterministic: bool) -> str:
    made = len(conversation.exchanges)
    if not made:
        return "No messages yet."
    spent = totals(conversation.exchanges)
    named = [
        f"{segment.label} {count(spent['tokens'][segment.name])}"
        for segment in SEGMENTS
        if segment.name in spent["tokens"]
    ]
    counted = f"{made} message{'s' if made > 1 else ''}"
    beside = made - len(conversation.path)
    counted += f", {beside} of them on other branches" if beside else ""
    cost = [] if deterministic else [f"cost {spent['cost']}"]
    return " | ".join([counted, f"tokens: {', '.join(named) or 'not reported'}", *cost])
