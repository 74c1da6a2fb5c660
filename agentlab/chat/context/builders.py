"""Three ways to lay out a context: told once, told anew with every prompt, told first.

They differ in what they do to the cached prefix alone; `benchmarks/results/context_builder.md` has the figures.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from agentlab.caching.tokens import estimate_tokens
from agentlab.chat.context.attachments import Choice, notice_of
from agentlab.chat.context.builder import BuiltContext, ContextBuilder, ContextInput
from agentlab.chat.context.layout import Layout, attachment_row
from agentlab.chat.context.policies import attachment_policy, mode_policy
from agentlab.chat.context.report import ReportRow
from agentlab.chat.context.told import MODE
from agentlab.errors import UsageError
from agentlab.messages import Text, UserMessage

__all__ = ["BUILDERS", "AttachmentsFirst", "SeedOrdering", "Stable", "builder_of"]

_CHANGED: Final = "changed since it was shown; too large to be shown again"
_DETACHED: Final = "no longer attached"


@dataclass(frozen=True)
class Stable:
    """The default: what changes is told at the end, once, and stays in the history, so every request begins with the last.

    A file is told with the prompt at which it was attached or changed, a mode with the prompt at which it began; both are told
    again where the history was cut and says them no longer. A file that was told and does not fit the budget any more stays
    where it is: taking it out would move the prefix. That it changed or was detached is told in a line.
    """

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return "stable"

    def build(self, given: ContextInput) -> BuiltContext:
        """See `ContextBuilder.build`."""
        layout = Layout.of(given)
        told = layout.view.told
        new = [each for each in layout.kept if told.get(each.attachment.path) != each.attachment.rendered]
        notices = _notices(layout)
        mode = layout.untold_mode
        files = sum(each.attachment.tokens for each in new) + sum(map(estimate_tokens, notices))
        policies = (
            attachment_policy(
                layout.choices,
                layout.prices,
                told=files,
                why="told once, at the end, when attached or changed, and left in the history: the prefix stays",
            ),
            _mode_at_the_end(layout, mode),
        )
        return layout.built(
            preamble=given.preamble,
            told=(*([mode] if mode else ()), *(each.attachment.rendered for each in new), *notices),
            rows={
                "told": (
                    *layout.mode_row(mode, "told with this prompt, and left in the history"),
                    *(_told_once(each, told) for each in layout.choices),
                ),
                "policies": policies,
            },
        )


@dataclass(frozen=True)
class SeedOrdering:
    """As the chat layer did it that this one grew out of: the mode in the preamble, attachments anew with every prompt.

    A change of mode moves the whole prefix. Attachments stand in the prompt's message and not in the history, so every request
    differs from the last one from its prompt on.
    """

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return "seed_ordering"

    def build(self, given: ContextInput) -> BuiltContext:
        """See `ContextBuilder.build`."""
        layout = Layout.of(given)
        block = given.mode_block
        preamble = "\n\n".join(text for text in (given.preamble, block) if text)
        shown = [each.attachment for each in layout.kept]
        tokens = sum(each.tokens for each in shown)
        sizes = layout.view.exchanges.sizes
        moved = (layout.last_exchange, sizes[-1] + tokens) if shown and sizes else ("", 0)
        policies = (
            attachment_policy(
                layout.choices,
                layout.prices,
                told=tokens,
                moved=moved,
                why="told anew with every prompt and not kept: the last exchange cannot be read",
            ),
            self._mode(layout, preamble),
        )
        return layout.built(
            preamble=preamble,
            told=[each.rendered for each in shown],
            kept=(),
            rows={"told": [attachment_row(each) for each in layout.choices], "policies": policies},
        )

    def _mode(self, layout: Layout, preamble: str) -> ReportRow:
        block, last = layout.given.mode_block, layout.given.last
        if last is not None and last.request is not None:
            is_new = (last.request.preamble or "") != preamble
        else:
            is_new = layout.view.exchanges.mode_changed and len(layout.view.exchanges) > 0
        lost = estimate_tokens(preamble) + layout.view.tokens
        why = "in the preamble, where a change of mode moves everything behind it"
        return mode_policy(
            estimate_tokens(block) if block and is_new else 0,
            layout.prices,
            moved=("preamble", lost) if is_new else ("", 0),
            why=why,
        )


@dataclass(frozen=True)
class AttachmentsFirst:
    """Attachments as static context before the history; the mode as `Stable` tells it.

    Good for files that never change. One that does moves the whole history behind it.
    """

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return "attachments_first"

    def build(self, given: ContextInput) -> BuiltContext:
        """See `ContextBuilder.build`."""
        layout = Layout.of(given)
        shown = [each.attachment for each in layout.kept]
        first = UserMessage(tuple(Text(each.rendered) for each in shown)) if shown else None
        mode = layout.untold_mode
        tokens = sum(each.tokens for each in shown)
        moved = layout.files_changed() and len(layout.view.exchanges) > 0
        policies = (
            attachment_policy(
                layout.choices,
                layout.prices,
                told=tokens if moved else 0,
                moved=("attachments", tokens + layout.view.tokens) if moved else ("", 0),
                why="before the history, which every change of an attachment moves",
            ),
            _mode_at_the_end(layout, mode),
        )
        return layout.built(
            preamble=given.preamble,
            first=first,
            told=[mode] if mode else [],
            rows={
                "first": [attachment_row(each) for each in layout.choices],
                "told": layout.mode_row(mode, "told with this prompt, and left in the history"),
                "policies": policies,
            },
        )


BUILDERS: Final[Mapping[str, ContextBuilder]] = MappingProxyType(
    {builder.name: builder for builder in (Stable(), SeedOrdering(), AttachmentsFirst())}
)
"""The builders that come with the library, by name."""


def builder_of(given: str | ContextBuilder) -> ContextBuilder:
    """A builder from its name, or as it is.

    Raises:
        UsageError: None is called so.
    """
    if isinstance(given, ContextBuilder):
        return given
    found = BUILDERS.get(given)
    if found is None:
        near = difflib.get_close_matches(given, BUILDERS, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(BUILDERS)}"
        raise UsageError(f"no context builder is called {given!r}{hint}")
    return found


def _mode_at_the_end(layout: Layout, told: str | None) -> ReportRow:
    """What telling the mode with the prompt did."""
    elsewhere = estimate_tokens(layout.given.preamble) + layout.view.tokens
    if told is None:
        return mode_policy(
            0, layout.prices, why="the history says it already" if layout.given.mode_block else "none"
        )
    why = f"told with the prompt, where it moves nothing; in the preamble it would have moved {elsewhere:,} tokens"
    return mode_policy(estimate_tokens(told), layout.prices, why=why)


def _told_once(choice: Choice, told: Mapping[str, str]) -> ReportRow:
    """The row of an attachment that is told when it is new."""
    each = choice.attachment
    known = told.get(each.path)
    if known == each.rendered:
        why = "told earlier and unchanged: its tokens are counted with the history"
        if not choice.is_kept:
            why += "; over the budget, but taking it out would move the prefix"
        return attachment_row(choice, is_kept=True, why=why)
    if choice.is_kept:
        return attachment_row(
            choice, why=f"told with this prompt: {'new' if known is None else 'changed'}; {choice.why}"
        )
    if known is None:
        return attachment_row(choice)
    return attachment_row(
        choice, why=f"{choice.why}; an older version was told, and a line says that it changed"
    )


def _notices(layout: Layout) -> list[str]:
    """Lines on files of which the history holds a text that no longer holds."""
    told = layout.view.told
    attached = {each.attachment.path: each for each in layout.choices}
    found = []
    for path, text in told.items():
        if path == MODE:
            continue
        choice = attached.get(path)
        if choice is None:
            notice = notice_of(path, _DETACHED)
        elif choice.is_kept or text == choice.attachment.rendered:
            continue
        else:
            notice = notice_of(path, _CHANGED)
        if text != notice:
            found.append(notice)
    return found
