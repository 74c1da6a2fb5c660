"""A run by its state: what was asked, where it stands, what it took so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentlab.agent import Run
from agentlab.messages import AssistantMessage, Message, Usage, UserMessage, last_user_text
from agentlab.notebook.objects.panel import fact, facts, folded, grid, one_line, panel, text_block
from agentlab.notebook.objects.usage_html import usage_bar
from agentlab.notebook.run.usage_table import numbers_text
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join

__all__ = ["run_html"]

_MOST_MESSAGES: Final = 50


def run_html(run: Run) -> SafeHTML:
    """A run, finished or not.

    Args:
        run: The run; it is not changed.
    """
    said = dict.fromkeys([run.status.replace("_", " "), run.stop_reason or "", run.detail or ""])
    status = " · ".join(filter(None, said))
    waiting = ", ".join(call.name for call in run.pending_calls)
    rows = [
        fact("prompt", one_line(last_user_text(run.messages) or "", 200)),
        fact("answer", _answer(run.text)),
        fact("model calls", f"{run.turns_made} of at most {run.max_turns}"),
        fact("waits for", one_line(waiting, 200)),
        fact("tokens", numbers_text(run.usage) if run.usage != Usage() else None),
    ]
    return panel("Run", status, facts(rows), usage_bar(run.usage), _messages(run.messages))


def _answer(text: str) -> SafeHTML:
    if not text:
        return escape("")
    return escape(text) if len(text) <= 90 and "\n" not in text else folded(one_line(text), text_block(text))


def _messages(messages: Sequence[Message]) -> SafeHTML:
    rows = [(str(number), *_said(message)) for number, message in enumerate(messages[:_MOST_MESSAGES])]
    left = len(messages) - _MOST_MESSAGES
    more = element("div", f"and {left:,} more") if left > 0 else escape("")
    count = f"{len(messages):,} message{'s' * (len(messages) != 1)}"
    return folded(count, join([grid(("", "role", "says"), rows), more]))


def _said(message: Message) -> tuple[str, str]:
    """Who speaks, and the beginning of what is said."""
    match message:
        case UserMessage():
            results = [f"result of {result.name}: {result.text}" for result in message.tool_results]
            return "tool" if results else "user", one_line(" ".join([message.text, *results]), 160)
        case AssistantMessage():
            calls = [f"calls {call.name}({call.arguments_json})" for call in message.tool_calls]
            return "assistant", one_line(" ".join([message.text, *calls]), 160)
        case _:
            return "system", one_line(message.content, 160)
