"""What taints a run: words in its conversation that anybody may have written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from agentlab.agent.retrieving.retrieved import is_documents
from agentlab.messages import Message, Text, UserMessage
from agentlab.plain_text import one_line

__all__ = ["named", "taints_of"]

_MOST_NAMES: Final = 50
_LONGEST_NAME: Final = 200
_DOCUMENTS: Final = "documents found for a prompt"


def taints_of(messages: Iterable[Message]) -> tuple[str, ...]:
    """What in messages may be anybody's words: results that say so, and documents that were told with a prompt.

    Documents that the user attached are not known by their look; whoever starts the run names them.
    """
    found: list[str] = []
    for message in messages:
        if not isinstance(message, UserMessage):
            continue
        found += [f"`{result.name}`" for result in message.tool_results if result.untrusted]
        if any(isinstance(part, Text) and is_documents(part.text) for part in message.content):
            found.append(_DOCUMENTS)
    return tuple(dict.fromkeys(found))


def named(*sources: Iterable[str]) -> list[str]:
    """Names of what tainted a run, each once and of bounded length; the first ones where there are very many."""
    names: Sequence[str] = [one_line(name, _LONGEST_NAME) for some in sources for name in some if name]
    return list(dict.fromkeys(names))[:_MOST_NAMES]
