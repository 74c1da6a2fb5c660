"""The picture of a moved prefix: two aligned bars of blocks, and the changed text opened.

Plain HTML with inline styles: no script, no address, no class but those that keep MathJax away, and every text of the requests escaped, so that it is
safe in a notebook that is saved, sent and opened elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from agentlab.caching.blocks.splitting import Block
from agentlab.caching.explaining.cause import Cause
from agentlab.caching.explaining.character_diff import Segment, character_diff
from agentlab.caching.visible_text import visible

__all__ = ["explanation_html"]

_KEPT, _FIRST, _LOST = "#2e7d5b", "#c0392b", "#b9b2a4"
_MARKS: Final = {
    "same": "",
    "gone": "background:#f8d7d3;color:#7a1d12;text-decoration:line-through",
    "new": "background:#d5ecdf;color:#10492f",
}
_NARROWEST: Final = 0.01
_CONTEXT: Final = 160
_MOST_CHANGED: Final = 4_000
_MOST_CAUSES: Final = 20


def explanation_html(
    title: str,
    cause: Cause,
    also: Sequence[Cause],
    requests: tuple[Sequence[Block], Sequence[Block]],
    cost: str,
) -> str:
    """An explanation as HTML.

    Args:
        title: Its first sentence.
        cause: The change that ended the prefix.
        also: The other changes.
        requests: The blocks of the earlier and the later request.
        cost: What was lost, in words.
    """
    widest = max(1, *(sum(block.tokens for block in blocks) for blocks in requests))
    rows = [
        _bar(name, blocks, cause.block, widest)
        for name, blocks in zip(("previous", "current"), requests, strict=True)
    ]
    return (
        '<div class="mathjax_ignore tex2jax_ignore" '
        'style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;max-width:60em">'
        f'<div style="font-weight:600">{_text(title)}</div><div>{_text(cost)}</div>'
        f"{''.join(rows)}{_legend()}{_opened(cause)}{_list(also)}</div>"
    )


def _bar(name: str, blocks: Sequence[Block], first: int, widest: int) -> str:
    coloured = (
        (_KEPT if index < first else _FIRST if index == first else _LOST, block)
        for index, block in enumerate(blocks)
    )
    pieces = "".join(_piece(colour, run, widest) for colour, run in _runs(coloured, widest))
    return (
        '<div style="display:flex;align-items:center;margin:4px 0">'
        f'<span style="width:5.5em;flex:none">{name}</span>'
        f'<span style="display:flex;flex:1;height:1.3em">{pieces}</span></div>'
    )


def _runs(coloured: Iterable[tuple[str, Block]], widest: int) -> Iterator[tuple[str, list[Block]]]:
    """Blocks of one colour that are too small to be seen, together; the others one by one."""
    run: list[Block] = []
    last, tokens = "", 0
    for colour, block in coloured:
        if run and (colour != last or tokens + block.tokens > _NARROWEST * widest):
            yield last, run
            run, tokens = [], 0
        run.append(block)
        last, tokens = colour, tokens + block.tokens
    if run:
        yield last, run


def _piece(colour: str, run: list[Block], widest: int) -> str:
    tokens = sum(block.tokens for block in run)
    name = run[0].label if len(run) == 1 else f"{run[0].label} … {run[-1].label} ({len(run)} blocks)"
    return (
        f'<span title="{_text(f"{name}: {tokens:,} tokens")}" '
        f'style="width:{100 * tokens / widest:.3f}%;min-width:1px;background:{colour};'
        'box-sizing:border-box;border-right:1px solid rgba(255,255,255,.6)"></span>'
    )


def _legend() -> str:
    entries = ((_KEPT, "shared prefix"), (_FIRST, "first change"), (_LOST, "after it"))
    return (
        '<div style="margin:2px 0 6px 5.5em;font-size:11px">'
        + " ".join(
            f'<span style="color:{colour}">\u25a0</span> {name}&nbsp;&nbsp;' for colour, name in entries
        )
        + "</div>"
    )


def _opened(cause: Cause) -> str:
    segments = character_diff(cause.before, cause.after)
    shown = "".join(_segment(segment, index, len(segments)) for index, segment in enumerate(segments))
    return (
        f'<details open=""><summary>{_text(cause.place)}</summary>'
        '<pre style="white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0;padding:6px 8px;'
        f'border:1px solid #d9d4c9;font-size:12px">{shown}</pre></details>'
    )


def _segment(segment: Segment, index: int, count: int) -> str:
    """A stretch of the texts; of long equal ones, what is next to a change."""
    text = segment.text
    if segment.kind == "same":
        head = "" if index == 0 else text[:_CONTEXT]
        tail = "" if index == count - 1 else text[-_CONTEXT:]
        if len(head) + len(tail) < len(text):
            text = f"{head} … {tail}" if head and tail else f"…{tail}" if tail else f"{head}…"
        return f"<span>{_text(text)}</span>"
    cut = "" if len(text) <= _MOST_CHANGED else f"… ({len(text) - _MOST_CHANGED:,} characters more)"
    tag = "del" if segment.kind == "gone" else "ins"
    return f'<{tag} style="{_MARKS[segment.kind]}">{_text(text[:_MOST_CHANGED] + cut)}</{tag}>'


def _list(causes: Iterable[Cause]) -> str:
    sentences = [cause.sentence for cause in causes]
    if not sentences:
        return ""
    rows = "".join(f"<li>{_text(sentence)}</li>" for sentence in sentences[:_MOST_CAUSES])
    more = len(sentences) - _MOST_CAUSES
    rest = f"<li>and {more} changes more</li>" if more > 0 else ""
    return f'<div>also changed:</div><ul style="margin:2px 0">{rows}{rest}</ul>'


def _text(text: str) -> str:
    return escape(visible(text), quote=True)
