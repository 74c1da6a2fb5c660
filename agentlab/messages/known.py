"""What is known of conversations that were seen before, so that one which grew costs only what is new in it.

A chat sends its history again with every call, as a new tuple of the same messages. Messages are frozen: what was found in
one stays true. All is kept under a message and lives only as long as that one does.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from agentlab.common_length import common_length
from agentlab.errors import InvalidHistory
from agentlab.messages.message import AssistantMessage, Message, UserMessage
from agentlab.messages.validity import repair, validate

__all__ = ["ByMessage", "Findings", "GoodHistories"]

Value = TypeVar("Value")
Found = TypeVar("Found")


class ByMessage(Generic[Value]):
    """Values by message, each for as long as its message lives. Two equal messages are two keys.

    A value must not hold its own message, or neither would ever go. Copies and pickles of it are empty.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Message], Value]] = {}

    def get(self, message: Message) -> Value | None:
        """The value of a message, or None."""
        entry = self._entries.get(id(message))
        return entry[1] if entry is not None and entry[0]() is message else None

    def put(self, message: Message, value: Value) -> None:
        """Keep a value, in place of the one before."""
        key, entries = id(message), self._entries
        entries[key] = (weakref.ref(message, lambda _: entries.pop(key, None)), value)

    def __len__(self) -> int:
        """How many messages have a value."""
        return len(self._entries)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class Findings(Generic[Found]):
    """Looks for something in each message of a conversation, and at each message once.

    Args:
        find: Gives what is found in a message; the same for equal messages.
    """

    def __init__(self, find: Callable[[Message], Iterable[Found]]) -> None:
        self._find = find
        self._known: ByMessage[tuple[tuple[Message, ...], tuple[tuple[int, Found], ...]]] = ByMessage()

    def of(self, messages: Sequence[Message]) -> list[Found]:
        """What is found in a conversation, in its order."""
        if not messages:
            return []
        said = tuple(messages)
        first, rest = said[0], said[1:]
        known = self._known.get(first)
        seen = 0 if known is None else 1 + common_length(known[0], rest)
        kept = () if known is None else (each for each in known[1] if each[0] < seen)
        new = ((place, found) for place in range(seen, len(said)) for found in self._find(said[place]))
        found_at = (*kept, *new)
        if seen < len(said):
            self._known.put(first, (rest, found_at))
        return [found for _, found in found_at]


class GoodHistories:
    """Mends and checks histories as `repair` and `validate` do, and looks only at what it has not seen to be good.

    Calls are answered before the model's next turn. So what stands before a turn in a good history, and all of it at its
    end, has no say in whether what follows is good.
    """

    def __init__(self) -> None:
        self._good: ByMessage[tuple[Message, ...]] = ByMessage()

    def mended(self, history: Iterable[Message], prompt: UserMessage) -> list[Message]:
        """The history, mended.

        Args:
            history: Any history.
            prompt: What is said next; not part of what is given back.

        Raises:
            InvalidHistory: As `validate`, of both together.
        """
        messages = tuple(history)
        settled = self._settled(messages)
        tail = repair(messages[settled:])
        mended = [*messages[:settled], *tail]
        try:
            validate([*tail, prompt])
        except InvalidHistory:
            validate([*mended, prompt])  # names the place in the whole
            raise
        if tail:
            self._good.put(mended[0], tuple(mended[1:]))
        return mended

    def _settled(self, messages: tuple[Message, ...]) -> int:
        """How many messages need no second look."""
        known = self._good.get(messages[0]) if messages else None
        if known is None:
            return 0
        same = common_length(known, messages[1:])
        if same == len(known):
            return same + 1
        while same >= 0 and not isinstance(known[same], AssistantMessage):
            same -= 1
        return same + 1
