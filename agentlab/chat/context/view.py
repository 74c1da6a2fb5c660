"""What is sent of a history: its exchanges after shortening and cutting, and what is told again in front of them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.exchanges import Exchanges, exchanges_of
from agentlab.chat.context.pruning import Cut, cut_of
from agentlab.chat.context.report import ReportRow
from agentlab.chat.context.told import last_told
from agentlab.chat.context.told_again import told_again
from agentlab.messages import Message, Text, UserMessage
from agentlab.sessions.entries import Stored, UserSaid
from agentlab.sessions.tokens import tokens_of
from agentlab.short_repr import ShortRepr

__all__ = ["View", "view_of"]


class View(ShortRepr, Struct, frozen=True):
    """What is sent of a history.

    Attributes:
        exchanges: All of it.
        cut: What of it is sent.
        front: The message that stands for what is left out; None where nothing is.
        messages: All messages that are sent, `front` among them; valid with a prompt behind them.
        told: What they told last, by key; see `agentlab.chat.context.told`.
        front_tokens: Estimated tokens of `front`.
    """

    exchanges: Exchanges
    cut: Cut
    front: UserMessage | None
    messages: tuple[Message, ...]
    told: dict[str, str]
    front_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Estimated tokens of all messages."""
        return self.cut.tokens + self.front_tokens

    @property
    def is_crossed_now(self) -> bool:
        """Whether the newest exchange crossed the budget, so that the last request still had the cut before."""
        return self.cut.crossed_at is not None and self.cut.crossed_at == len(self.exchanges) - 1

    def sent_tokens(self, first: int, end: int) -> int:
        """Estimated tokens of the exchanges from `first` to `end` as they are sent: shortened, or in full."""
        middle = min(max(first, self.cut.shortened), end)
        return sum(self.exchanges.briefs[first:middle]) + sum(self.exchanges.sizes[middle:end])

    def rows(self) -> list[ReportRow]:
        """The parts of the history, in the order they are sent."""
        cut, count = self.cut, len(self.exchanges)
        found = []
        if cut.dropped:
            left_out = sum(self.exchanges.sizes[: cut.dropped])
            why = f"left out: over the budget of the history, which was crossed {cut.crossings} times so far"
            found.append(ReportRow(named(0, cut.dropped), "history", tokens=left_out, is_kept=False, why=why))
        if self.front is not None:
            why = (
                "what was told with the exchanges left out and still holds: mode, plan, essential attachments"
            )
            found.append(ReportRow("told again", "told again", tokens=self.front_tokens, why=why))
        if cut.shortened > cut.dropped:
            tokens = self.sent_tokens(cut.dropped, cut.shortened)
            why = "shortened: tool results and inputs as their summaries"
            found.append(ReportRow(named(cut.dropped, cut.shortened), "history", tokens=tokens, why=why))
        if count > cut.shortened:
            tokens = self.sent_tokens(cut.shortened, count)
            found.append(ReportRow(named(cut.shortened, count), "history", tokens=tokens, why="in full"))
        return found


def view_of(entries: Sequence[Stored], budgets: Budgets) -> View:
    """What is sent of a log.

    Args:
        entries: A branch's entries, all of them.
        budgets: The limits.
    """
    exchanges = exchanges_of(entries)
    cut = cut_of(exchanges.sizes, exchanges.briefs, budgets)
    front = _front(exchanges, cut)
    messages: list[Message] = [front] if front is not None else []
    for place in range(cut.dropped, len(exchanges)):
        messages += exchanges.messages(place, brief=place < cut.shortened)
    front_tokens = tokens_of(UserSaid(front)) if front is not None else 0
    return View(exchanges, cut, front, tuple(messages), last_told(messages), front_tokens)


def named(first: int, end: int) -> str:
    """What a reader calls a stretch of exchanges, counted from 1."""
    return f"exchange {end}" if end - first == 1 else f"exchanges {first + 1} to {end}"


def _front(exchanges: Exchanges, cut: Cut) -> UserMessage | None:
    """What stands for the exchanges that are left out."""
    if not cut.dropped:
        return None
    are = "exchange of this conversation is" if cut.dropped == 1 else "exchanges of this conversation are"
    count = "The first" if cut.dropped == 1 else f"The first {cut.dropped}"
    again = told_again(exchanges, cut)
    still = " What was told with them and still holds follows." if again else ""
    note = Text(f"<left_out>{count} {are} left out.{still}</left_out>")
    return UserMessage((note, *(Text(told.text) for told in again)))
