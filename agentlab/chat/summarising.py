"""Long results of tools: what the model is shown of them, and what a reader is.

A result is shortened before the model sees it and not afterwards: what was sent is what stays in the history, so the cached
prefix never moves for it. The whole text is kept in the session.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from agentlab.agent.hooks import Hook, HookContext, RewriteResult
from agentlab.messages import Image, Json, Text, ToolCall, ToolResult
from agentlab.tools.workspace.summaries import summary_of_result

__all__ = ["Shortening", "observed", "plain_text_of"]

LONGEST_OBSERVATION: Final = 600


def plain_text_of(result: ToolResult) -> str:
    """A result as one text: texts as they are, JSON as JSON, a word for a picture."""
    pieces = []
    for part in result.content:
        if isinstance(part, Text):
            pieces.append(part.text)
        elif isinstance(part, Json):
            pieces.append(msgspec.json.encode(part.value).decode())
        elif isinstance(part, Image):
            pieces.append(f"[image {part.media_type or ''}]")
    return "\n".join(pieces)


def observed(result: ToolResult, most_chars: int = LONGEST_OBSERVATION) -> str:
    """A result for a reader: shortened where its kind allows, at matches, entries or lines."""
    return summary_of_result(result.name, plain_text_of(result), most_chars)


class Shortening(Hook):
    """Shortens what tools answer where it is too long, and keeps the whole of it until it is stored.

    Args:
        most_chars: Characters of a result that the model is shown.

    Attributes:
        whole: Call id to the whole text of results that were shortened.
    """

    def __init__(self, most_chars: int) -> None:
        self._most_chars = most_chars
        self.whole: dict[str, str] = {}

    def on_tool_result(self, context: HookContext, call: ToolCall, result: ToolResult) -> Any:  # noqa: ARG002 - a hook's
        """Give the model the shortened text; see `Hook.on_tool_result`."""
        if any(isinstance(part, Image) for part in result.content):
            return None
        text = plain_text_of(result)
        if len(text) <= self._most_chars:
            return None
        self.whole[call.id] = text
        return RewriteResult((Text(summary_of_result(call.name, text, self._most_chars)),))
