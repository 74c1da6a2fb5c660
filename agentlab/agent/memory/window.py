"""The newest exchanges alone: by number, by tokens, or none at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from agentlab.agent.memory.remembered import Remembered, exchange_starts, leading
from agentlab.agent.memory.trimming import check_sizes, first_kept
from agentlab.caching.blocks.splitting import blocks_of
from agentlab.messages import Message, Request, UserMessage

__all__ = ["NoMemory", "TokenWindow", "Window", "tokens_of"]


@dataclass(frozen=True)
class NoMemory:
    """Sends nothing of the history: every prompt stands alone. Of the prefix, tools, preamble and context stay cached."""

    @property
    def name(self) -> str:
        """What it is called in a trace."""
        return "no memory"

    def dropped(self, history: Sequence[Message]) -> int:
        """All messages but the system messages at the start."""
        return len(history) - leading(history)

    def foreseen(self, history: Sequence[Message]) -> Remembered:
        """What `remember` gives."""
        return Remembered(self.name, self.dropped(history))

    async def remember(self, history: Sequence[Message], prompt: UserMessage) -> Remembered:  # noqa: ARG002 - a memory's
        """Everything left out."""
        return self.foreseen(history)


@dataclass(frozen=True)
class Window:
    """Sends the newest exchanges: a prompt with all that followed it until the next.

    A cut moves everything behind it, so the provider can read nothing of the conversation from its cache. Hence it is made
    rarely: not one exchange at a time, but down to `keep` whenever there are more than `turns`.

    Args:
        turns: How many exchanges at most, beside the coming prompt.
        keep: How many are left after a cut; half of `turns` where None. At `turns` the window slides with every prompt,
            which reads the least from the cache there is.

    Raises:
        UsageError: `turns` is not positive, or `keep` not from 1 to `turns`.
    """

    turns: int
    keep: int | None = None

    def __post_init__(self) -> None:
        check_sizes("turns", self.turns, self.keep)

    @property
    def name(self) -> str:
        """What it is called in a trace."""
        return f"window of {self.turns} turns"

    def dropped(self, history: Sequence[Message]) -> int:
        """See `Trimming.dropped`."""
        starts = exchange_starts(history)
        keep = check_sizes("turns", self.turns, self.keep)
        return _messages_before(history, starts, first_kept([1] * len(starts), self.turns, keep))

    def foreseen(self, history: Sequence[Message]) -> Remembered:
        """What `remember` gives."""
        return Remembered(self.name, self.dropped(history))

    async def remember(self, history: Sequence[Message], prompt: UserMessage) -> Remembered:  # noqa: ARG002 - a memory's
        """The newest exchanges."""
        return self.foreseen(history)


@dataclass(frozen=True)
class TokenWindow:
    """Sends the newest exchanges that fit a number of tokens; cut rarely, as `Window` says.

    Tokens are estimates, see `agentlab.caching.estimate_tokens`. An exchange larger than the whole window is left out; what
    stands before the first exchange is not counted.

    Args:
        tokens: Estimated tokens of history at most; tools, preamble, context and the coming prompt are not counted.
        keep: How many are left after a cut, at most; half of `tokens` where None.

    Raises:
        UsageError: `tokens` is not positive, or `keep` not from 1 to `tokens`.
    """

    tokens: int
    keep: int | None = None

    def __post_init__(self) -> None:
        check_sizes("tokens", self.tokens, self.keep)

    @property
    def name(self) -> str:
        """What it is called in a trace."""
        return f"window of {self.tokens:,} tokens"

    def dropped(self, history: Sequence[Message]) -> int:
        """See `Trimming.dropped`."""
        starts = exchange_starts(history)
        sizes = [tokens_of(history[begin:end]) for begin, end in pairwise((*starts, len(history)))]
        keep = check_sizes("tokens", self.tokens, self.keep)
        return _messages_before(history, starts, first_kept(sizes, self.tokens, keep))

    def foreseen(self, history: Sequence[Message]) -> Remembered:
        """What `remember` gives."""
        return Remembered(self.name, self.dropped(history))

    async def remember(self, history: Sequence[Message], prompt: UserMessage) -> Remembered:  # noqa: ARG002 - a memory's
        """The newest exchanges that fit."""
        return self.foreseen(history)


def tokens_of(messages: Sequence[Message]) -> int:
    """Estimated tokens of messages, apart from any wire."""
    return sum(block.tokens for block in blocks_of(Request(model="", messages=tuple(messages))))


def _messages_before(history: Sequence[Message], starts: Sequence[int], exchange: int) -> int:
    """How many messages stand before an exchange, the system messages at the start left out."""
    if exchange == 0:
        return 0
    end = starts[exchange] if exchange < len(starts) else len(history)
    return end - leading(history)
