"""Markdown of a model to safe HTML: whole texts, and texts that are still growing.

CommonMark with tables and strikethrough, raw HTML off (it is shown as text), then the sanitiser of `safe_html`. An image is
shown as its text and address and never fetched: an address is enough to carry a secret out of the notebook.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from itertools import pairwise
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from agentlab.notebook.safety.highlighting import highlighted
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join, sanitise
from agentlab.plain_text import well_formed

__all__ = ["SafeHTML", "StreamingMarkdown", "escape", "render_markdown"]

FREE_TAIL: Final = 2_000
GROWTH: Final = 1 / 16
_NEWLINES: Final = re.compile(r"\r\n?")


def render_markdown(text: str, *, inline_colors: bool = False) -> SafeHTML:
    """Render a whole Markdown text.

    Args:
        text: Markdown, from anywhere.
        inline_colors: Colour code and links by style; see `safe_html.sanitise`.

    Returns:
        HTML of the allow-list only. A text nested too deep to parse is shown as it stands.
    """
    return _rendered(text, {}, inline_colors=inline_colors)


class StreamingMarkdown:
    """Markdown that grows: finished blocks are rendered once, and only the open block at the end again.

    A block is finished when a later one has begun: CommonMark never reopens it. One thing reaches back, a link definition
    after its use; `finish` renders the whole text once more where there are definitions. Up to `FREE_TAIL` characters of
    open block are rendered at each reading; a longer one when it has grown by a sixteenth, with the newest text shown
    plain until then. So the cost of a text grows with its length, however it is cut.

    Attributes:
        blocks: HTML of the finished blocks, in order; only ever appended to before `finish`.
    """

    def __init__(self) -> None:
        self.blocks: list[SafeHTML] = []
        self._done: list[str] = []
        self._tail = ""
        self._pending: list[str] = []
        self._pending_size = 0
        self._env: dict[str, Any] = {}
        self._trial: dict[str, Any] = {"references": {}}
        self._tail_html = escape("")
        self._fence: str | None = None
        self._language = ""

    @property
    def tail(self) -> SafeHTML:
        """HTML of the open block, brought up to date."""
        self._advance()
        if not self._pending:
            return self._tail_html
        pending = "".join(self._pending)
        if self._fence is None:
            return join([self._tail_html, element("span", pending)])
        return _with_newest_code(self._tail_html, pending, self._language)

    def feed(self, text: str) -> None:
        """Take more text; renders nothing yet."""
        if text:
            self._pending.append(well_formed(text))
            self._pending_size += len(text)

    def finish(self) -> None:
        """The text is complete: the open block is finished too."""
        self._advance(whatever=True)
        if self._trial["references"]:
            self.blocks[:] = [render_markdown("".join([*self._done, self._tail]))]
        elif self._tail_html:
            self.blocks.append(self._tail_html)
        self._done, self._tail, self._tail_html = [], "", escape("")

    def _advance(self, *, whatever: bool = False) -> None:
        if not self._pending:
            return
        due = self._pending_size >= len(self._tail) * GROWTH or len(self._tail) < FREE_TAIL
        if not due and not whatever and not self._fence_may_close():
            return
        new = "".join(self._pending)
        self._tail += new
        self._pending, self._pending_size = [], 0
        if "\n" in new:
            self._split()
        self._tail_html = _rendered(self._tail, self._trial_env())

    def _trial_env(self) -> dict[str, Any]:
        """The definitions of the finished blocks, to be added to by an open block without effect: it may yet change."""
        self._trial = {"references": dict(self._env.get("references", {}))}
        return self._trial

    def _fence_may_close(self) -> bool:
        return self._fence is not None and self._fence in "".join(self._pending)

    def _split(self) -> None:
        """Move the finished blocks of the tail to `blocks`; look at whole lines only, the last may still change."""
        end = self._tail.rfind("\n") + 1
        lines = _NEWLINES.sub("\n", self._tail[:end])
        tops = _top_blocks(lines, self._trial_env())
        is_fence = bool(tops) and tops[-1].type == "fence"
        self._fence = tops[-1].markup if is_fence else None
        self._language = _language(tops[-1].info) if is_fence else ""
        if len(tops) < 2 or tops[-1].map is None:
            return
        rows = [row + "\n" for row in lines.split("\n")[:-1]]
        cuts = [0, *(block.map[0] for block in tops[1:] if block.map is not None)]
        for start, stop in pairwise(cuts):
            source = "".join(rows[start:stop])
            self._done.append(source)
            block = _rendered(source, self._env)
            if block:
                self.blocks.append(block)
        self._tail = "".join(rows[cuts[-1] :]) + self._tail[end:]


def _top_blocks(text: str, env: MutableMapping[str, Any]) -> list[Token]:
    """The top-level blocks of a text, by their opening tokens; inline content is not looked at."""
    try:
        tokens = _BLOCKS.parse(text, env)
    except RecursionError:
        return []
    return [token for token in tokens if token.level == 0 and token.nesting >= 0]


def _rendered(text: str, env: MutableMapping[str, Any], *, inline_colors: bool = False) -> SafeHTML:
    try:
        markup = str(_MARKDOWN.render(well_formed(text), env))
    except RecursionError:
        return element("pre", text)
    return sanitise(markup, inline_colors=inline_colors)


def _with_newest_code(rendered: SafeHTML, pending: str, language: str) -> SafeHTML:
    """An open fence with its newest code, not rendered yet, at its end: coloured from the next line on."""
    closing = "</code></pre>"
    opened = rendered.html.rstrip()
    if not opened.endswith(closing):
        return join([rendered, element("span", pending)])
    line, end, rest = pending.partition("\n")
    added = escape(line + end).html + highlighted(rest, language)
    return sanitise(opened.removesuffix(closing) + added + closing)


def _language(info: str) -> str:
    """The language a fence names: its first word."""
    return next(iter(info.split()), "")


def _colored(code: str, name: str, _attributes: str) -> str:
    return highlighted(code, name)


def _image(
    _renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[index]
    named = f"image: {token.content}" if token.content else "image"
    return element("span", f"[{named} ({token.attrGet('src') or ''})]", class_="al-image").html


def _cell(
    _renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[index]
    aligned = re.fullmatch(r"text-align:(left|center|right)", str(token.attrGet("style") or ""))
    return f'<{token.tag} align="{aligned[1]}">' if aligned else f"<{token.tag}>"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _colored}).enable(
        ["table", "strikethrough"]
    )
    parser.add_render_rule("image", _image)
    parser.add_render_rule("th_open", _cell)
    parser.add_render_rule("td_open", _cell)
    return parser


_MARKDOWN: Final = _parser()
_BLOCKS: Final = _parser().disable(["inline", "text_join"])
