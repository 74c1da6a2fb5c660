"""What all builders share: the history as it is sent, the attachments that fit, and the rows of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from agentlab.caching.tokens import estimate_tokens
from agentlab.chat.context.attachments import Choice, choose
from agentlab.chat.context.builder import BuiltContext, ContextInput
from agentlab.chat.context.policies import cutting_policy, shortening_policy
from agentlab.chat.context.prefix_cost import Prices, prices_of, request_row
from agentlab.chat.context.report import ReportRow
from agentlab.chat.context.told import MODE
from agentlab.chat.context.view import View, view_of
from agentlab.errors import UsageError
from agentlab.messages import Message, Text, UserMessage
from agentlab.sessions.entries import UserSaid
from agentlab.sessions.tokens import tokens_of

__all__ = ["Layout", "attachment_row"]


@dataclass(frozen=True)
class Layout:
    """A context before its parts are put in place.

    Attributes:
        given: What it is built from.
        view: What is sent of the history.
        choices: Which attachments fit their budget.
        prices: The model's prices.
    """

    given: ContextInput
    view: View
    choices: tuple[Choice, ...]
    prices: Prices

    @classmethod
    def of(cls, given: ContextInput) -> Self:
        """Work out what a builder puts in place.

        Raises:
            UsageError: The prompt is empty.
        """
        if not given.prompt:
            raise UsageError("there is nothing to ask: `prompt` has no parts")
        return cls(
            given,
            view_of(given.entries, given.budgets),
            choose(given.attachments, given.budgets.attachments),
            prices_of(given.model, given.last, given.at),
        )

    @property
    def kept(self) -> list[Choice]:
        """The attachments that fit."""
        return [choice for choice in self.choices if choice.is_kept]

    @property
    def untold_mode(self) -> str | None:
        """The mode, where the history does not say that it holds; None where it does, or there is none."""
        block = self.given.mode_block
        return block if block and self.view.told.get(MODE) != block else None

    @property
    def last_exchange(self) -> str:
        """What a reader calls the newest exchange."""
        return f"exchange {len(self.view.exchanges)}"

    def built(
        self,
        *,
        preamble: str,
        first: UserMessage | None = None,
        told: Sequence[str] = (),
        kept: Sequence[str] | None = None,
        rows: Mapping[str, Sequence[ReportRow]],
    ) -> BuiltContext:
        """The context.

        Args:
            preamble: The system prompt.
            first: A message before the history.
            told: What the prompt's message tells behind the user's words, which an index that is asked for documents reads first.
            kept: What of that stays in the history; all where None.
            rows: The builder's own rows: `first` before the history, `told` before the prompt, `policies` behind it.
        """
        history: tuple[Message, ...] = (*((first,) if first is not None else ()), *self.view.messages)
        prompt = UserMessage((*self.given.prompt, *map(Text, told)))
        kept_prompt = prompt if kept is None else UserMessage((*self.given.prompt, *map(Text, kept)))
        preamble_tokens, prompt_tokens = estimate_tokens(preamble), tokens_of(UserSaid(prompt))
        first_tokens = tokens_of(UserSaid(first)) if first is not None else 0
        total = preamble_tokens + first_tokens + self.view.tokens + prompt_tokens
        parts = (
            ReportRow(
                "preamble", "preamble", tokens=preamble_tokens, why="the persona; tools are not counted"
            ),
            *rows.get("first", ()),
            *self.view.rows(),
            *rows.get("told", ()),
            ReportRow("prompt", "prompt", tokens=tokens_of(UserSaid(UserMessage(self.given.prompt)))),
            *rows.get("policies", ()),
            shortening_policy(self.view, self.prices),
            cutting_policy(self.view, self.prices),
            request_row(
                self.given.last, preamble, (*history, prompt), total, self.prices, model=self.given.model
            ),
        )
        return BuiltContext(preamble, history, prompt, kept_prompt, parts)

    def mode_row(self, told: str | None, why: str) -> list[ReportRow]:
        """The row of what is told of the mode."""
        return [] if told is None else [ReportRow("mode", "mode", tokens=estimate_tokens(told), why=why)]

    def files_changed(self) -> bool:
        """Whether something was attached, changed or detached since the last prompt."""
        begun = len(self.view.exchanges)
        return any(exchange == begun for exchange, _ in self.view.exchanges.files[-1:])


def attachment_row(choice: Choice, *, is_kept: bool | None = None, why: str = "") -> ReportRow:
    """The row of an attachment.

    Args:
        choice: Whether it fits the budget.
        is_kept: Whether the model has it; as the choice says where None.
        why: What to say of it; the choice's reason where empty.
    """
    each = choice.attachment
    shown = choice.is_kept if is_kept is None else is_kept
    return ReportRow(
        each.path,
        "attachment",
        priority=each.priority,
        tokens=each.tokens,
        is_kept=shown,
        why=why or choice.why,
        saved_tokens=0 if shown else each.tokens,
    )
