"""What the server remembers of conversations: what the client does not see of them, and runs that wait for it.

OpenAI's chat interface keeps no state: the client sends the conversation again with every request. It has seen the text
of an answer, but not the tool calls the agent made on the server, their results, or signed reasoning. Sent to a provider
without those, the conversation would be another one: its cached prefix is lost, and so is what the tools said. So the
server keeps the whole history, by a digest of what the client saw, and uses it where the client sends just that again.
Where it does not (another server, an edited message, too long ago) the client's messages are taken as they are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from agentlab.messages import AssistantMessage, Message, Text, ToolCall

__all__ = ["ConversationMemory", "Remembered", "digests"]


class Remembered(Struct, frozen=True):
    """A conversation as it really was.

    Attributes:
        history: Every message.
        paused: The run, as `Run.from_json` reads it, where it waits for results of the client's tools.
    """

    history: tuple[Message, ...]
    paused: str | None = None


class ConversationMemory:
    """The conversations of late, the oldest forgotten first.

    Args:
        size: How many; 0 remembers none.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[str, Remembered] = OrderedDict()

    def keep(self, key: str, remembered: Remembered) -> None:
        """Remember what a conversation was, under the digest of what the client saw of it."""
        self._kept[key] = remembered
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def longest(self, seen: Sequence[Message], keys: Sequence[str]) -> tuple[int, Remembered] | None:
        """The longest beginning of a conversation that is remembered.

        Args:
            seen: The client's messages.
            keys: Their `digests`.

        Returns:
            How many messages it spans, and what it really was; None where nothing is known.
        """
        for count in range(len(seen), 0, -1):
            found = self._kept.get(keys[count - 1])
            if found is not None:
                self._kept.move_to_end(keys[count - 1])
                return count, found
        return None


def digests(scope: Iterable[str], messages: Iterable[Message]) -> list[str]:
    """A digest of every beginning of a conversation; each counts all that stands before it.

    Front ends trim what they show, so white space around an answer does not count.

    Args:
        scope: What a conversation belongs to: the served name, the client's system prompt.
        messages: The conversation as the client sees it.
    """
    running = sha256(msgspec.json.encode(tuple(scope))).digest()
    found = []
    for message in messages:
        running = sha256(running + _plain(message)).digest()
        found.append(running.hex())
    return found


def _plain(message: Message) -> bytes:
    """What a client keeps of a message, whatever it did with the rest."""
    if not isinstance(message, AssistantMessage):
        return msgspec.json.encode(message, order="deterministic")
    text = "".join(part.text for part in message.content if isinstance(part, Text)).strip()
    calls = [
        (part.id, part.name, part.arguments_json) for part in message.content if isinstance(part, ToolCall)
    ]
    return msgspec.json.encode(("assistant", text, calls))
