"""The bytes of whole stretches of a conversation: sending a long one again costs its stretches and not its messages.

A conversation is cut before turns of the model, where what a message becomes on a wire hangs on nothing before the cut. A
stretch is known by its first message and found again by the identity of all of them: what a conversation shares with an
earlier one is found wherever it was edited, shortened or branched.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from operator import is_
from typing import Final

from msgspec import Struct, field

from agentlab.messages import AssistantMessage, Message, SystemMessage
from agentlab.messages.known import ByMessage

__all__ = ["SHORTEST", "Said", "StretchBytes"]

SHORTEST: Final = 128
"""Messages in a stretch, at least: less costs more stretches a call, more leaves a longer end outside of them."""


class Said(Struct):
    """The bytes of a conversation, or of the part of it that is in stretches.

    Attributes:
        items: The items it becomes, each a JSON value, stretch by stretch.
        runs: The same with the items of a stretch joined by commas.
        length: How many messages that is.
    """

    items: list[tuple[bytes, ...]] = field(default_factory=list)
    runs: list[bytes] = field(default_factory=list)
    length: int = 0


class _Stretch(Struct):
    """What follows the first message of a stretch, and the items of all of them with their run, by variant."""

    rest: tuple[Message, ...]
    forms: dict[Hashable, tuple[tuple[bytes, ...], bytes]]


class StretchBytes:
    """Remembers the bytes of stretches, each for as long as its first message lives.

    One instance belongs to one wire of one model.
    """

    def __init__(self, shortest: int = SHORTEST) -> None:
        self._shortest = shortest
        self._known: ByMessage[_Stretch] = ByMessage()

    def of(
        self,
        messages: tuple[Message, ...],
        build: Callable[[tuple[Message, ...]], Iterable[bytes]],
        variant: Hashable = None,
    ) -> Said:
        """The bytes of a conversation but for its last messages, which are too few for a stretch; never of all of it.

        Args:
            messages: The conversation.
            build: Gives the items of a stretch; called once for a stretch and variant.
            variant: Tells apart what `build` makes of the same messages.
        """
        said = Said()
        while (stretch := self._next(messages, said.length)) is not None:
            end = said.length + 1 + len(stretch.rest)
            form = stretch.forms.get(variant)
            if form is None:
                items = tuple(build(messages[said.length : end]))
                form = stretch.forms[variant] = (items, b",".join(items))
            said.items.append(form[0])
            if form[0]:
                said.runs.append(form[1])
            said.length = end
        return said

    def __len__(self) -> int:
        """How many stretches are known."""
        return len(self._known)

    def _next(self, messages: tuple[Message, ...], start: int) -> _Stretch | None:
        if start + self._shortest >= len(messages):
            return None
        known = self._known.get(messages[start])
        if known is not None:
            end = start + 1 + len(known.rest)
            if _may_cut(messages, end) and all(map(is_, known.rest, messages[start + 1 : end])):
                return known
        for end in range(start + self._shortest, len(messages)):
            if _may_cut(messages, end):
                stretch = _Stretch(messages[start + 1 : end], {})
                self._known.put(messages[start], stretch)
                return stretch
        return None


def _may_cut(messages: tuple[Message, ...], place: int) -> bool:
    """Whether on no wire what stands before a place has a say in what stands behind it, nor the other way round."""
    return (
        place < len(messages)
        and isinstance(messages[place], AssistantMessage)
        and not isinstance(messages[place - 1], SystemMessage)
    )
