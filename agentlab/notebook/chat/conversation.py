"""A conversation as a tree: every prompt that was edited and sent again is a branch, and one path through it is shown."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.messages import Message, UserMessage, repair
from agentlab.notebook.chat.exchange import Exchange, SavedExchange, encoded, shortened_line
from agentlab.notebook.chat.waiting_line import WaitingLine

__all__ = ["Conversation"]

UNTITLED: Final = "New chat"


class _Saved(Struct, frozen=True):
    """A conversation as plain data; `shown` pairs an exchange with the one shown after it."""

    id: str
    title: str
    shown: list[tuple[int | None, int]]
    exchanges: list[SavedExchange]


class Conversation:
    """Prompts and answers, with branches. All methods may be called from any thread.

    Args:
        conversation_id: Its name among sessions; a random one where None.
        title: What it is called; where it is empty, the first prompt is.

    Attributes:
        id: Its name among sessions.
        lock: Held while it, an exchange of it or its line is read or changed.
        line: The prompts that are being answered and that wait.
    """

    def __init__(self, conversation_id: str | None = None, *, title: str = "") -> None:
        self.id = conversation_id or secrets.token_hex(8)
        self.lock = threading.RLock()
        self.line = WaitingLine()
        self._title = title
        self._exchanges: dict[int, Exchange] = {}
        self._following: dict[int | None, list[int]] = {}
        self._shown: dict[int | None, int] = {}
        self._listeners: list[Callable[[], None]] = []

    # ------------------------------------------------------------- reading

    @property
    def title(self) -> str:
        """What it is called."""
        with self.lock:
            first = self._shown.get(None)
            return self._title or (shortened_line(self._exchanges[first].text) if first else "") or UNTITLED

    @title.setter
    def title(self, title: str) -> None:
        with self.lock:
            self._title = title
        self.tell()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All of it, other branches too, in the order they were begun."""
        with self.lock:
            return tuple(self._exchanges.values())

    @property
    def path(self) -> tuple[Exchange, ...]:
        """The exchanges shown, from the first to the newest."""
        with self.lock:
            return tuple(self._after(None))

    def exchange(self, exchange_id: int) -> Exchange:
        """An exchange by its id.

        Raises:
            UsageError: There is none of that id.
        """
        found = self._exchanges.get(exchange_id)
        if found is None:
            known = f"1 to {len(self._exchanges)}" if self._exchanges else "none"
            raise UsageError(f"the conversation has no exchange {exchange_id!r}; it has {known}")
        return found

    def branches(self, at: int) -> tuple[int, ...]:
        """The ids of an exchange and of all that stand in its place, in the order they were begun."""
        with self.lock:
            return tuple(self._following[self.exchange(at).parent])

    def history(self, before: int | None = None) -> list[Message]:
        """What was said on the way to an exchange: a list any provider takes, to be sent in front of a prompt.

        Exchanges that failed before the model said anything are left out; the run under way gives only its prompt.

        Args:
            before: The exchange; where None, the whole path.
        """
        with self.lock:
            said = self.path if before is None else self._ancestors(self.exchange(before))
            return repair(message for one in said if not one.is_left_out for message in one.messages)

    def end_of(self, exchange_id: int | None) -> int | None:
        """The last exchange shown on from this one; from the beginning where None."""
        with self.lock:
            later = list(self._after(exchange_id))
            return later[-1].id if later else exchange_id

    # ------------------------------------------------------------ changing

    def add(self, prompt: UserMessage, after: int | None) -> Exchange:
        """Begin an exchange after another, beside those that may be there, and show it in their place.

        Args:
            prompt: What the user says.
            after: The exchange before it; None opens the conversation.
        """
        with self.lock:
            if after is not None:
                self.exchange(after)
            added = Exchange(self.next_id, after, prompt)
            self._keep(added)
            self._shown[after] = added.id
        self.tell()
        return added

    def put_back(self, exchange: Exchange) -> None:
        """Take an exchange that is kept elsewhere; it is shown where nothing is in its place.

        Raises:
            UsageError: Its id is not the next, or it follows none that is here.
        """
        with self.lock:
            if exchange.parent is not None:
                self.exchange(exchange.parent)
            if exchange.id != self.next_id:
                raise UsageError(
                    f"the next exchange of the conversation is {self.next_id}, not {exchange.id}"
                )
            self._keep(exchange)
            self._shown.setdefault(exchange.parent, exchange.id)
        self.tell()

    @property
    def next_id(self) -> int:
        """The id that the next exchange gets."""
        return len(self._exchanges) + 1

    def branch(self, at: int, prompt: UserMessage) -> Exchange:
        """Begin an exchange in the place of another, which stays: a prompt edited and sent again."""
        return self.add(prompt, self.exchange(at).parent)

    def select(self, exchange_id: int | None) -> None:
        """Show the branch an exchange is on; None shows nothing, and the next prompt opens the conversation anew.

        Raises:
            UsageError: There is none of that id.
        """
        with self.lock:
            if exchange_id is None:
                self._shown.pop(None, None)
            else:
                chosen = self.exchange(exchange_id)
                for one in [*self._ancestors(chosen), chosen]:
                    self._shown[one.parent] = one.id
        self.tell()

    # ----------------------------------------------------------- listening

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Hear of every change.

        Args:
            listener: Called after a change, on any thread; it must only make a note of it.

        Returns:
            Ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def tell(self) -> None:
        """It has changed."""
        for listener in tuple(self._listeners):
            listener()

    # --------------------------------------------------------- persistence

    def to_json(self) -> str:
        """All branches as JSON. Prompts that wait in line are not in it."""
        with self.lock:
            exchanges = [one.saved() for one in self._exchanges.values()]
            return encoded(_Saved(self.id, self._title, list(self._shown.items()), exchanges))

    @classmethod
    def from_json(cls, text: str | bytes) -> Conversation:
        """Read a conversation back; it shows what it showed.

        Raises:
            UsageError: The text is no conversation; the message says where.
        """
        try:
            saved = msgspec.json.decode(text, type=_Saved)
        except msgspec.DecodeError as error:
            raise UsageError(f"this is no saved conversation: {error}") from error
        conversation = cls(saved.id, title=saved.title)
        for one in saved.exchanges:
            if one.id != len(conversation._exchanges) + 1 or (
                one.parent is not None and not 0 < one.parent < one.id
            ):
                raise UsageError(
                    f"this is no saved conversation: exchange {one.id} after {one.parent} is out of order"
                )
            conversation._keep(Exchange.restored(one))
        for parent, child in saved.shown:
            if child not in conversation._exchanges or conversation._exchanges[child].parent != parent:
                raise UsageError(f"this is no saved conversation: exchange {child} does not follow {parent}")
            conversation._shown[parent] = child
        return conversation

    def __repr__(self) -> str:
        shown, made = len(self.path), len(self._exchanges)
        beside = f", {made - shown} on other branches" if made > shown else ""
        return f"Conversation({self.title!r}, exchanges={shown}{beside})"

    # ------------------------------------------------------------ internal

    def _keep(self, exchange: Exchange) -> None:
        self._exchanges[exchange.id] = exchange
        self._following.setdefault(exchange.parent, []).append(exchange.id)

    def _after(self, exchange_id: int | None) -> Iterator[Exchange]:
        following = self._shown.get(exchange_id)
        while following is not None:
            yield self._exchanges[following]
            following = self._shown.get(following)

    def _ancestors(self, exchange: Exchange) -> list[Exchange]:
        """What came before, from the first."""
        found: list[Exchange] = []
        while exchange.parent is not None:
            exchange = self._exchanges[exchange.parent]
            found.append(exchange)
        return found[::-1]
