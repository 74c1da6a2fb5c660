"""What taints a run: words in its conversation that anybody may have written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from agentlab.agent.retrieving.retrieved import is_documents
from agentlab.messages import Message, Text, ToolResult, UserMessage
from agentlab.plain_text import one_line

__all__ = ["named", "taints_in", "taints_of"]

_MOST_NAMES: Final = 50
_LONGEST_NAME: Final = 200
_DOCUMENTS: Final = "documents found for a prompt"


def taints_of(messages: Iterable[Message]) -> tuple[str, ...]:
    """What in messages may be anybody's words: results that say so, and documents that were told with a prompt.

    Documents that the user attached are not known by their look; whoever starts the run names them.
    """
    return tuple(dict.fromkeys(name for message in messages for name in taints_in(message)))


def taints_in(message: Message) -> Iterator[str]:
    """What one message brings; a name may come twice."""
    if not isinstance(message, UserMessage):
        return
    for part in message.content:
        if isinstance(part, ToolResult) and part.untrusted:
            yield f"`{part.name}`"
    if any(isinstance(part, Text) and is_documents(part.text) for part in message.content):
        yield _DOCUMENTS


def named(*sources: Iterable[str]) -> list[str]:
    """Names of what tainted a run, each once and of bounded length; the first ones where there are very many."""
    names: Sequence[str] = [one_line(name, _LONGEST_NAME) for some in sources for name in some if name]
    return list(dict.fromkeys(names))[:_MOST_NAMES]
