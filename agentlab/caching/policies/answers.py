"""Answers as prompts of their own: what a machine computed for one request is read by the one that sends it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol, runtime_checkable

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import chain
from agentlab.caching.policies.policy import Prompt

__all__ = ["Answered", "KeepsAnswers", "SentBack", "sent_back"]

_ANSWERS: Final = frozenset(["assistant", "model", "function_call", "reasoning"])


@runtime_checkable
class KeepsAnswers(Protocol):
    """A policy that can be told of an answer."""

    def keep(self, prompt: Prompt, now: float) -> None:
        """Keep a prompt together with the answer to it.

        Args:
            prompt: Both.
            now: When it was answered, in seconds.
        """
        ...


class Answered(Struct, frozen=True):
    """A request that was answered.

    Attributes:
        blocks: Its prompt.
        tokens: Tokens of prompt and answer together, as the provider counted them.
        at: When it was sent, in seconds.
    """

    blocks: tuple[Block, ...]
    tokens: int
    at: float


class SentBack(Struct, frozen=True):
    """The start of a prompt that was there before: an earlier prompt and the answer to it.

    Attributes:
        count: Blocks of both.
        answered: The earlier request.
    """

    count: int
    answered: Answered

    @property
    def holds_answer(self) -> bool:
        """Whether the answer is in it, and not only the earlier prompt."""
        return self.count > len(self.answered.blocks)


def sent_back(blocks: Sequence[Block], before: Iterable[Answered]) -> SentBack | None:
    """Which earlier request, the latest first, a prompt continues; None where it continues none.

    Args:
        blocks: The prompt.
        before: Earlier requests, the latest first.
    """
    links = chain(blocks)
    for earlier in before:
        count = len(earlier.blocks)
        if not count or count > len(links) or links[:count] != chain(earlier.blocks):
            continue
        while count < len(blocks) and blocks[count].role in _ANSWERS:
            count += 1
        return SentBack(count, earlier)
    return None
