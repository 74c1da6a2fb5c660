"""The cache view: requests compared with the ones before them, as a notebook and a terminal show it."""

from __future__ import annotations

from typing import Any, Final

from agentlab.caching.explaining.compared_request import Explainable
from agentlab.notebook.cache.pair_html import dollars, heading, pair_html
from agentlab.notebook.cache.pair_text import pair_text
from agentlab.notebook.cache.request_pair import Comparable, RequestPair, pairs_of
from agentlab.notebook.mode import is_deterministic
from agentlab.notebook.run.inline_styles import ROOT
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join

__all__ = ["CacheView", "cache_view"]

_MOST_OPENED: Final = 30
_MOST_DETAILED: Final = 8
_FOLD: Final = "border-top: 1px solid rgba(128, 128, 128, 0.35); padding: 4px 0"
_NOTHING: Final = "one request: there is none before it to compare it with"


def cache_view(
    previous: Comparable | Explainable,
    current: Explainable | None = None,
    *,
    provider: str | None = None,
    model: str | None = None,
) -> CacheView:
    """Look at what a prompt cache can read again from one request to the next, and what stopped it.

        al.notebook.cache_view(run)                              # every request of a run with the one before it
        al.notebook.cache_view(first.calls[0], second.calls[0])  # any two requests

    Compares what was sent, not what a provider did: an entry may also be gone because it expired. End a cell with it.

    Args:
        previous: The earlier request: a recorded call, blocks, or wire and JSON body. Alone: a run, its trace, recorded
            calls in the order they were made, or what `explain` gave.
        current: The later request.
        provider: Vendor, for its words and prices; what the requests say where None.
        model: Model, for prices; what the requests say where None.

    Returns:
        The view, shown by a notebook as a picture and printed by `print` as text.

    Raises:
        UsageError: These are no requests, or their wire is not known.
    """
    return CacheView(pairs_of(previous, current, provider=provider, model=model))


class CacheView:
    """Requests compared in pairs; made by `cache_view`.

    Args:
        pairs: The pairs, in the order of the later requests.
    """

    def __init__(self, pairs: tuple[RequestPair, ...]) -> None:
        self.pairs = pairs

    def html(self, *, deterministic: bool = False) -> SafeHTML:
        """The picture, without any script.

        Args:
            deterministic: Leave out prices.
        """
        if not self.pairs:
            return element("div", _NOTHING, style=ROOT)
        alone = len(self.pairs) == 1
        shown = self._opened()
        first = sorted(shown, key=lambda pair: not pair.has_moved)[:_MOST_DETAILED]
        detailed = set(map(id, first))
        pieces = [
            _pair(pair, alone=alone, is_detailed=id(pair) in detailed, deterministic=deterministic)
            for pair in shown
        ]
        left = len(self.pairs) - len(pieces)
        rest = (
            element("div", f"{left:,} pairs more, all of them in `pairs`", style=_FOLD)
            if left
            else escape("")
        )
        # MathJax would typeset what the requests hold.
        return element(
            "div",
            element("div", element("strong", self._title(deterministic=deterministic))),
            join(pieces),
            rest,
            class_="agentlab-cache mathjax_ignore tex2jax_ignore",
            style=ROOT,
        )

    def text(self, *, deterministic: bool = False) -> str:
        """The view as plain text, safe to print to a terminal; arguments as in `html`."""
        if not self.pairs:
            return _NOTHING
        opened = self._opened()
        pieces = [pair_text(pair, deterministic=deterministic) for pair in opened]
        left = len(self.pairs) - len(opened)
        pieces += [f"{left:,} pairs more, all of them in `pairs`"] if left else []
        title = [self._title(deterministic=deterministic)] if len(self.pairs) > 1 else []
        return "\n".join([*title, *pieces])

    def __str__(self) -> str:
        return self.text(deterministic=is_deterministic())

    def __repr__(self) -> str:
        return f"CacheView(pairs={len(self.pairs)}, moved={self._moved})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        plain = is_deterministic()
        return {
            "text/html": self.html(deterministic=plain).html,
            "text/plain": self.text(deterministic=plain),
        }

    def _opened(self) -> tuple[RequestPair, ...]:
        """The pairs that are shown: those that moved first where there are too many, in their order."""
        if len(self.pairs) <= _MOST_OPENED:
            return self.pairs
        moved = [pair for pair in self.pairs if pair.has_moved]
        held = [pair for pair in self.pairs if not pair.has_moved]
        chosen = set(map(id, [*moved, *held][:_MOST_OPENED]))
        return tuple(pair for pair in self.pairs if id(pair) in chosen)

    @property
    def _moved(self) -> int:
        return sum(pair.has_moved for pair in self.pairs)

    def _title(self, *, deterministic: bool) -> str:
        if len(self.pairs) == 1:
            pair = self.pairs[0]
            return f"{pair.earlier} → {pair.later}"
        lost = sum(pair.lost_tokens for pair in self.pairs)
        known = [pair.lost_usd for pair in self.pairs if pair.lost_usd is not None]
        cost = f", {dollars(sum(known))}" if known and not deterministic else ""
        moved = f"{self._moved} of {len(self.pairs)} requests moved the prefix"
        return f"{moved}: {lost:,} tokens paid again{cost}" if self._moved else f"{moved}: all only appended"


def _pair(pair: RequestPair, *, alone: bool, is_detailed: bool, deterministic: bool) -> SafeHTML:
    line = heading(pair, deterministic=deterministic)
    if not is_detailed:
        return element("div", f"{pair.earlier} → {pair.later}: ", line, style=_FOLD)
    body = pair_html(pair, deterministic=deterministic)
    if alone:
        return join([element("div", line), body])
    summary = element("summary", f"{pair.earlier} → {pair.later}: ", line, style="cursor: pointer")
    return element("details", summary, body, open="" if pair.has_moved else None, style=_FOLD)
