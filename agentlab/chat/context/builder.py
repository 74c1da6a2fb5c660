"""What a context is built from, what is built, and what a builder is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from msgspec import Struct

from agentlab.caching.calls import RecordedCall
from agentlab.chat.context.attachments import Attachment
from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.report import ReportRow, report_frame
from agentlab.messages import Message, UserMessage, UserPart
from agentlab.sessions.entries import Stored
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Budgets", "BuiltContext", "ContextBuilder", "ContextInput"]


class ContextInput(ShortRepr, Struct, frozen=True, kw_only=True):
    """What a context is built from.

    Attributes:
        entries: The branch's entries as stored (`Session.entries()`), all of them, without the coming prompt.
        prompt: What the user says now.
        preamble: The persona, the same in all modes.
        mode_block: What the model is told of the mode it is in, with the approved plan (`mode_text`); None for nothing. Give
            it with every prompt: it is told where the history does not say it already.
        attachments: What is attached now, as it stands now, in the order it is told in. Their `Attached` entries belong into
            the session before the prompt's.
        budgets: How many tokens there may be.
        last: The last request of the session as it was sent (`stream.trace.calls[-1]`); None where it is not known. Only the
            report reads it.
        model: `"vendor:model"` that is asked, for prices; the last request's where empty.
        at: Unix time in seconds, for prices; now where None.
    """

    entries: Sequence[Stored]
    prompt: tuple[UserPart, ...]
    preamble: str = ""
    mode_block: str | None = None
    attachments: tuple[Attachment, ...] = ()
    budgets: Budgets = Budgets()
    last: RecordedCall | None = None
    model: str = ""
    at: float | None = None


class BuiltContext(ShortRepr, Struct, frozen=True):
    """What is sent, and what of it is kept.

        stream = agent.with_(preamble=built.preamble).stream_prompt(built.prompt, history=built.history)
        session.append(UserSaid(built.kept_prompt, text, ...))

    Attributes:
        preamble: The system prompt.
        history: The messages before the prompt.
        prompt: The prompt's message as it is sent.
        kept_prompt: The same as it belongs into the session; what it lacks is told anew with the next prompt.
        parts: What it is made of and why, in the order it is sent, then what each policy did.
    """

    preamble: str
    history: tuple[Message, ...]
    prompt: UserMessage
    kept_prompt: UserMessage
    parts: tuple[ReportRow, ...] = ()

    @property
    def df(self) -> pd.DataFrame:
        """`parts` as a frame: part, tokens, kept or not, why, and what that does to the cached prefix."""
        return report_frame(self.parts)


@runtime_checkable
class ContextBuilder(Protocol):
    """Lays out what a model is told. Pure: the same input gives the same context."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    def build(self, given: ContextInput) -> BuiltContext:
        """The context of a prompt.

        Args:
            given: What there is.

        Returns:
            What to send: a valid history and prompt, in the sense of `agentlab.messages.validate`.
        """
        ...
