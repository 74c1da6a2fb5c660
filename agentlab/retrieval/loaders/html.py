"""HTML: the text that a reader would see.

Tags are read by `nh3`, the parser of browsers in Rust; what Python's own parser then sees is well formed, which keeps it
from the inputs that take it minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

from agentlab.errors import LoadFailed
from agentlab.retrieval.documents import Document
from agentlab.retrieval.loaders.source import Limits, SourceFile, decoded

__all__ = ["HtmlText", "html_text", "read_html"]

_DEEPEST: Final = 256
_BLOCKS: Final = frozenset(
    (  # noqa: SIM905 - a name a line would say no more
        "address article aside blockquote caption dd details div dl dt fieldset figcaption figure footer form "
        "h1 h2 h3 h4 h5 h6 header hr legend li main nav ol p pre section summary table tbody tfoot thead "
        "title tr ul"
    ).split()
)
_KEPT: Final = _BLOCKS | {"br", "td", "th"}
_DROPPED: Final = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg", "math"})
_CLOSED_BY_OTHERS: Final = frozenset(
    (  # noqa: SIM905 - a name a line would say no more
        "area base br col dd dt embed hr img input li link meta option p param source td th tr track wbr"
    ).split()
)
_TAG: Final = re.compile(r"<(?:!--|(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]{0,200}/>)?)")
_COMMENT_END: Final = re.compile("-->")
_RAW: Final = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_FORMATTING: Final = re.compile(
    r"<(/?)(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE
)
_CHARSET: Final = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([A-Za-z0-9_\-]{1,40})""", re.IGNORECASE
)


class HtmlText(HTMLParser):
    """Collects the text of clean HTML.

    Attributes:
        title: Text of the first title, or else heading.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._heading = ""
        self._within: list[str] = []
        self._lines: list[str] = [""]

    @property
    def text(self) -> str:
        """The text: a line for each block, no more than one empty line between two, cells parted by tabs."""
        lines = [line if line.startswith("\0") else line.strip(" ") for line in self._lines]
        text = "\n".join(line.removeprefix("\0").rstrip() for line in lines)
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's form
        """A tag opens."""
        if tag == "br":
            self._lines.append("")
            return
        self._within.append(tag)
        if tag in {"td", "th"}:
            self._lines[-1] += "\t" if self._lines[-1] else ""
        elif tag in _BLOCKS:
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        """A tag closes."""
        if self._within and self._within[-1] == tag:
            self._within.pop()
        if tag in _BLOCKS:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        """Text stands here."""
        innermost = self._within[-1] if self._within else ""
        if innermost == "title":
            self.title = self.title or " ".join(data.split())
            return
        if "pre" in self._within:
            first, *more = data.split("\n")
            self._lines[-1] = (self._lines[-1] or "\0") + first
            self._lines += [f"\0{line}" for line in more]
            return
        words = re.sub(r"[ \t\r\n\f\v\xa0]+", " ", data)
        if innermost in {"h1", "h2", "h3"}:
            self._heading = self._heading or words.strip()
        line = self._lines[-1]
        self._lines[-1] += words.lstrip(" ") if not line or line[-1] in " \t" else words

    def end(self) -> None:
        """All is fed."""
        self.close()
        self.title = self.title or self._heading

    def _break(self, tag: str) -> None:
        if self._lines[-1]:
            self._lines.append("")
        if tag in {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "ul", "ol"}:
            self._lines.append("")


def html_text(html: str, name: str = "the HTML") -> tuple[str, str]:
    """The text of HTML, and its title or first heading, empty where there is none.

    Raises:
        LoadFailed: Its elements are nested deeper than any page's.
    """
    import nh3  # noqa: PLC0415 - only this reader needs it

    # Unclosed formatting elements are opened anew in every paragraph that follows; text needs none of them, and `wbr`,
    # which holds nothing, can stand for them all.
    plain = _FORMATTING.sub(r"<\1wbr", html)
    if _depth(plain) > _DEEPEST:
        raise LoadFailed(f"{name} has elements more than {_DEEPEST} deep in each other", path=name)
    clean = nh3.clean(
        plain,
        tags=set(_KEPT),
        attributes={},
        clean_content_tags=set(_DROPPED),
        link_rel=None,
        strip_comments=True,
    )
    parser = HtmlText()
    parser.feed(clean)
    parser.end()
    return parser.text, parser.title


def _depth(html: str) -> int:
    """How deep elements stand in each other, about; the parser's time grows with its square."""
    depth = deepest = 0
    place = 0
    while found := _TAG.search(html, place):
        place = found.end()
        tag = (found[2] or "").lower()
        if not tag or tag in _RAW:
            end = _RAW.get(tag, _COMMENT_END).search(html, place)
            if end is None:
                break
            place = end.end()
        elif tag not in _CLOSED_BY_OTHERS and not found[3]:
            depth = max(0, depth - 1) if found[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest


def html_of(source: SourceFile) -> str:
    """The file's characters: by its byte order mark, else its `<meta charset>`, else UTF-8, else Windows-1252."""
    charset = _CHARSET.search(source.data[:4096])
    for encoding in (charset[1].decode() if charset else "utf-8", "utf-8"):
        try:
            return decoded(source, encoding)
        except LoadFailed:
            continue
    return source.data.decode("windows-1252", "replace")


def read_html(source: SourceFile, limits: Limits) -> Iterator[Document]:  # noqa: ARG001 - a reader's form
    """The page as one document, with its `title`.

    Raises:
        LoadFailed: It has no text, or is nested without end.
    """
    text, title = html_text(html_of(source), source.name)
    if not text.strip():
        raise source.failure("holds no text")
    yield source.document(text, title=title or None)
