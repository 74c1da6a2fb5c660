"""How many tokens a context may have."""

from __future__ import annotations

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["Budgets"]


class Budgets(ShortRepr, Struct, frozen=True):
    """How many estimated tokens a context may have.

    Attributes:
        attachments: Of all attachments together; essential ones are told whatever it is.
        history: Of what is sent of the history; None for no limit. What is told again in front of it is not counted.
        keep: Of the history after a cut; half of `history` where None. The larger the cut, the rarer: each one moves the
            prefix, so that everything behind it must be written to the cache anew.
        in_full: How many of the newest exchanges keep their tool results in full when older ones are summarised.

    Raises:
        UsageError: One is not positive, or more should be kept than the history may have.
    """

    attachments: int = 4_000
    history: int | None = 120_000
    keep: int | None = None
    in_full: int = 2

    def __post_init__(self) -> None:
        if self.attachments < 0 or self.in_full < 0:
            raise UsageError("the tokens of attachments, and the exchanges in full, are 0 or more")
        if self.history is None:
            return
        if self.history < 1:
            raise UsageError(f"a history of {self.history} tokens keeps nothing; give 1 or more, or None")
        if self.keep is not None and not 1 <= self.keep <= self.history:
            raise UsageError(
                f"`keep` is what is left of the history after a cut, from 1 to {self.history}, not {self.keep}"
            )

    @property
    def kept_history(self) -> int:
        """Tokens of the history that are left after a cut, at most; 0 where there is no limit."""
        if self.history is None:
            return 0
        return max(1, self.history // 2) if self.keep is None else self.keep
