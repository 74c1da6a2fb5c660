"""The parts of a turn as they stay in the notebook: HTML without script or style sheet, and text."""

from __future__ import annotations

from typing import Final, assert_never

from agentlab.notebook.run.bounded_text import beginning, shortened
from agentlab.notebook.run.inline_styles import BAD, CARD, GOOD, MUTED, PICTURE, PRE, WARN
from agentlab.notebook.run.media_card import MediaCard
from agentlab.notebook.run.retrieval_card import HitLine, RetrievalCard
from agentlab.notebook.run.token_bar import seconds
from agentlab.notebook.run.turn import TurnView
from agentlab.notebook.run.turn_parts import Part, Prose, ToolCard
from agentlab.notebook.safety.markdown import render_markdown
from agentlab.notebook.safety.pictures import Picture
from agentlab.notebook.safety.safe_html import SafeHTML, audio, element, escape, image, join
from agentlab.plain_text import one_line

__all__ = ["part_html", "part_text"]

TEXT_RESULT_LIMIT: Final = 4_000
_WORDS: Final = {"success": "ok", "called": "not run", "writing": "not complete", "asking": "needs approval"}


def part_html(part: Part, turn: TurnView, *, deterministic: bool) -> SafeHTML:
    """A part of a turn as HTML.

    Args:
        part: The part.
        turn: The turn it is in.
        deterministic: Leave out times.
    """
    match part:
        case Prose(kind="text"):
            return element("div", render_markdown(part.text, inline_colors=True), style="margin: 6px 0")
        case Prose(kind="reasoning"):
            inner = element(
                "div", part.text, style=f"{MUTED}; white-space: pre-wrap; overflow-wrap: anywhere"
            )
            counted = element("span", _reasoning_tokens(part, turn), style=MUTED)
            return _folded(join([element("em", "reasoning"), counted]), inner)
        case Prose():
            return element("div", part.text, style=MUTED)
        case ToolCard():
            return _card(part, deterministic=deterministic)
        case RetrievalCard():
            return _retrieval(part, deterministic=deterministic)
        case MediaCard():
            shown = part.shown
            made = image(shown, style=PICTURE) if isinstance(shown, Picture) else audio(shown)
            return element("div", made, style="margin: 6px 0")
        case _:
            assert_never(part)


def part_text(part: Part, *, deterministic: bool) -> str:
    """A part of a turn as text; see `part_html`."""
    match part:
        case Prose(kind="text"):
            return part.text
        case Prose(kind="reasoning"):
            return f"[reasoning] {part.text}"
        case Prose():
            return part.text
        case ToolCard():
            call = f"[tool {part.name}: {_status(part, deterministic=deterministic)}] {part.arguments}"
            lines = [call, *_question(part)]
            if part.result:
                lines.append(f"-> {shortened(part.result, TEXT_RESULT_LIMIT)}")
            return "\n".join([*lines, *(f"-> [{picture.caption}]" for picture in part.pictures)])
        case RetrievalCard():
            return "\n".join(
                [
                    f"[{part.headline}: {_search_words(part, deterministic=deterministic)}]",
                    *(f"-> {_hit_words(line)}" for line in part.lines),
                    *_more_hits(part),
                ]
            )
        case MediaCard():
            return f"[{part.shown.caption}]"
        case _:
            assert_never(part)


def _reasoning_tokens(part: Prose, turn: TurnView) -> str:
    tokens, estimated = turn.reasoning_tokens(part)
    return "" if tokens is None else f" · {'~' if estimated else ''}{tokens:,} tokens"


def _card(card: ToolCard, *, deterministic: bool) -> SafeHTML:
    color = BAD if card.is_error else GOOD if card.status == "success" else WARN
    status = element(
        "span", _status(card, deterministic=deterministic), style=f"color: {color}; font-size: 12px"
    )
    preview = element("span", f" {one_line(card.arguments)} ", style=MUTED)
    pieces = [_bounded("arguments", card.arguments)] if card.arguments else []
    pieces += [element("div", line, style=f"color: {WARN}") for line in _question(card)]
    if card.result:
        pieces.append(_bounded("error" if card.is_error else "result", card.result))
    pieces += [element("div", image(picture, style=PICTURE)) for picture in card.pictures]
    is_open = card.is_error or card.status == "asking" or bool(card.pictures)
    return _folded(join([element("code", card.name), preview, status]), join(pieces), is_open=is_open)


def _retrieval(card: RetrievalCard, *, deterministic: bool) -> SafeHTML:
    words = element("span", f" {_search_words(card, deterministic=deterministic)}", style=MUTED)
    pieces = [_bounded("asked for", card.query)]
    pieces += [element("div", _hit_words(line), style=MUTED) for line in card.lines]
    pieces += [element("div", line, style=MUTED) for line in _more_hits(card)]
    return _folded(join([element("em", card.headline), words]), join(pieces))


def _search_words(card: RetrievalCard, *, deterministic: bool) -> str:
    time = "" if deterministic or card.duration_s is None else seconds(card.duration_s)
    status = card.status if card.status == "interrupted" else ""
    return " · ".join(filter(None, (card.index, status, time)))


def _hit_words(line: HitLine) -> str:
    score = f"score {line.score}" if line.score else ""
    facts = " · ".join(filter(None, (score, line.size, line.note)))
    return f"{one_line(line.id)} ({facts}) {line.preview}"


def _more_hits(card: RetrievalCard) -> list[str]:
    return [f"and {card.more:,} more"] if card.more else []


def _status(card: ToolCard, *, deterministic: bool) -> str:
    time = "" if deterministic or card.duration_s is None else seconds(card.duration_s)
    words = (card.decision, _WORDS.get(card.status, card.status), time)
    return " · ".join(filter(None, words))


def _question(card: ToolCard) -> list[str]:
    """What was asked of a person and answered, in words."""
    if card.status == "asking":
        return [f"May this run? {card.reason}".strip()]
    if card.decision is None:
        return []
    said = f"{card.decision} by a person"
    return [
        said
        + (f", asked because: {card.reason}" if card.reason else "")
        + (f"; {card.note}" if card.note else "")
    ]


def _bounded(label: str, text: str) -> SafeHTML:
    """A text under its name; what a reader is not shown at first is folded."""
    known = shortened(text)
    first = beginning(known)
    rest = known[len(first) :].removeprefix("\n")
    pieces = [element("div", label, style=MUTED), element("pre", first, style=PRE)]
    if rest:
        more = f"{rest.count(chr(10)) + 1:,} more lines" if "\n" in rest else f"{len(rest):,} more characters"
        summary = element("summary", more, style=f"cursor: pointer; {MUTED}")
        pieces.append(element("details", summary, element("pre", rest, style=PRE)))
    return join(pieces)


def _folded(summary: SafeHTML, body: SafeHTML, *, is_open: bool = False) -> SafeHTML:
    head = element("summary", summary, style="cursor: pointer")
    return element("details", head, body or escape(""), open="" if is_open else None, style=CARD)
