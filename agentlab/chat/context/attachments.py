"""Files of the workspace that are told to the model with a prompt, and which of them fit a budget.

The rules are those of the chat layer the project grew out of: what is essential is never left out, the highest priority
number goes first, and what stays keeps its place.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final, Literal, get_args

from msgspec import Struct

from agentlab.caching.tokens import estimate_tokens
from agentlab.errors import UsageError
from agentlab.messages import Text
from agentlab.sessions.entries import digest_of
from agentlab.short_repr import ShortRepr

__all__ = [
    "ESSENTIAL",
    "Attachment",
    "Choice",
    "PriorityName",
    "choose",
    "file_context_path",
    "is_notice",
    "notice_of",
    "priority_number",
]

PriorityName = Literal["essential", "high", "medium", "low"]

ESSENTIAL: Final = 0
_NUMBERS: Final[dict[str, int]] = {"essential": ESSENTIAL, "high": 3, "medium": 5, "low": 10}
_OPENING: Final = re.compile(r'<file_context path="([^"]*)"')
_NOTICE: Final = re.compile(r'<file_context path="[^"]*" status="[^"]*" />')
_CLOSING: Final = "</file_context"


class Attachment(ShortRepr, Struct, frozen=True):
    """A file that is told to the model, as it was when it was read.

    Attributes:
        path: Its path in the workspace.
        text: What stands in it.
        priority: The higher the number, the sooner it is left out; `ESSENTIAL` (0) never is.
        digest: `agentlab.sessions.entries.digest_of` its text: which version this is.
        tokens: Estimated tokens of what the model is told of it.
    """

    path: str
    text: str
    priority: int
    digest: str
    tokens: int

    @classmethod
    def of(cls, path: str, text: str, priority: PriorityName | int = "medium") -> Attachment:
        """An attachment of a text.

        Args:
            path: Its path in the workspace.
            text: What stands in the file.
            priority: `essential` (0), `high` (3), `medium` (5), `low` (10), or a number of your own.

        Raises:
            UsageError: There is no such priority.
        """
        number = priority_number(priority)
        return cls(path, text, number, digest_of(text), estimate_tokens(_rendered(path, text)))

    @property
    def is_essential(self) -> bool:
        """Whether it is never left out."""
        return self.priority <= ESSENTIAL

    @property
    def rendered(self) -> str:
        """What the model is told. A closing tag in the text is broken, so that no file can end its own quotation."""
        return _rendered(self.path, self.text)

    @property
    def part(self) -> Text:
        """What the model is told, as a part of a user message."""
        return Text(self.rendered)


class Choice(ShortRepr, Struct, frozen=True):
    """Whether an attachment fits the budget.

    Attributes:
        attachment: The attachment.
        is_kept: Whether it does.
        why: Why, in words.
    """

    attachment: Attachment
    is_kept: bool
    why: str


def choose(attachments: Sequence[Attachment], budget: int) -> tuple[Choice, ...]:
    """Which attachments are told: all of them, less those with the highest priority numbers until the rest fits.

    Of equal priorities the later one goes first. What is essential stays, even where it is more than the budget alone.

    Args:
        attachments: The attachments, in the order they are told in.
        budget: Estimated tokens they may have together.

    Returns:
        One choice each, in the order given.
    """
    total = sum(each.tokens for each in attachments)
    places = sorted(range(len(attachments)), key=lambda place: (-attachments[place].priority, -place))
    pruned: dict[int, str] = {}
    for place in places:
        each = attachments[place]
        if total <= budget or each.is_essential:
            break
        pruned[place] = (
            f"left out: with its {each.tokens:,} tokens it does not fit the {budget:,} tokens of all attachments by itself"
            if each.tokens > budget
            else f"left out: {total:,} tokens are attached, {budget:,} fit, and its priority is {each.priority}"
        )
        total -= each.tokens
    over = f", though {total:,} tokens of essential attachments are over the {budget:,} that fit"
    kept = {
        place: "essential, so it is never left out" + (over if total > budget else "")
        if each.is_essential
        else f"fits the {budget:,} tokens of all attachments"
        for place, each in enumerate(attachments)
        if place not in pruned
    }
    return tuple(
        Choice(each, place in kept, kept.get(place) or pruned[place])
        for place, each in enumerate(attachments)
    )


def priority_number(priority: PriorityName | int) -> int:
    """The number of a priority.

    Raises:
        UsageError: There is no such priority.
    """
    given: object = priority
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    if isinstance(given, str) and given in _NUMBERS:
        return _NUMBERS[given]
    raise UsageError(
        f"a priority is {', '.join(get_args(PriorityName))}, or a number from 0 (never left out) up, not {given!r}"
    )


def file_context_path(text: str) -> str | None:
    """The path of a rendered attachment; None where a text is none."""
    found = _OPENING.match(text)
    return html.unescape(found[1]) if found else None


def notice_of(path: str, said: str) -> str:
    """What the model is told of a file whose text it is not shown, in one line.

    Args:
        path: Its path in the workspace.
        said: What is to be said of it.
    """
    return f'<file_context path="{html.escape(path)}" status="{html.escape(said)}" />'


def is_notice(text: str) -> bool:
    """Whether a text is what `notice_of` made."""
    return _NOTICE.fullmatch(text) is not None


def _rendered(path: str, text: str) -> str:
    inside = text.replace(_CLOSING, _CLOSING.replace("/", "\\/"))
    return f'<file_context path="{html.escape(path)}">\n{inside}\n</file_context>'
