"""HTML that is safe to show in a trusted notebook, and the only type that says so.

An executed cell is trusted: the front end runs what its output holds. So text of a model, a tool or a document becomes
HTML here or nowhere: escaped by `escape` and `element`, or sanitised by `sanitise` with an allow-list far narrower than a
browser's. Left out on purpose: `style`, `id` and `name` (overlays, DOM clobbering), `data-*` (CVE-2026-42557: a button in
an output could run commands of JupyterLab), forms, frames, SVG, MathML, media, and every image (a remote one is a
request that carries whatever its address says). Only `image` and `audio` make some, of bytes that are there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final

import nh3

from agentlab.notebook.safety.pictures import Picture
from agentlab.notebook.safety.sounds import Sound
from agentlab.plain_text import well_formed

__all__ = [
    "ALLOWED_ATTRIBUTES",
    "ALLOWED_TAGS",
    "CODE_CLASSES",
    "SafeHTML",
    "audio",
    "element",
    "escape",
    "image",
    "join",
    "sanitise",
]

ALLOWED_TAGS: Final = frozenset(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "span",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
ALLOWED_ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    "a": frozenset({"href"}),
    "code": frozenset({"class"}),
    "ol": frozenset({"start"}),
    "span": frozenset({"class"}),
    "td": frozenset({"align"}),
    "th": frozenset({"align"}),
}
CODE_CLASSES: Final = ("al-k", "al-s", "al-c", "al-n", "al-f", "al-t")
"""Keyword, string, comment, number, function, type: what code is coloured by."""
_ATTRIBUTE_VALUES: Final[dict[tuple[str, str], re.Pattern[str]]] = {
    ("a", "href"): re.compile(r"(?i)(?:https?://|mailto:)[^\s\x00-\x1f]+"),
    ("code", "class"): re.compile(r"language-[A-Za-z0-9+#_.-]{1,40}"),
    ("ol", "start"): re.compile(r"\d{1,9}"),
    ("span", "class"): re.compile("|".join(("al-image", *CODE_CLASSES))),
    ("td", "align"): re.compile(r"left|center|right"),
    ("th", "align"): re.compile(r"left|center|right"),
}
_MOST_READINGS: Final = 5
_MINT: Final = object()


class SafeHTML:
    """HTML made by this module; nothing else can make one, so whoever holds one may show it.

    It is no `str`: joined with one by mistake it raises, and does not become unsafe in silence.
    """

    __slots__ = ("_html",)

    def __init__(self, mint: object, markup: str) -> None:
        if mint is not _MINT:
            raise TypeError(
                "SafeHTML is made by escape(), element(), image(), audio(), join() and sanitise() alone"
            )
        self._html = markup

    @property
    def html(self) -> str:
        """The markup."""
        return self._html

    def __html__(self) -> str:
        return self._html

    def _repr_html_(self) -> str:
        # Alone in an output it would be typeset by MathJax, whose `\href` makes links that nobody has checked.
        return f'<div class="mathjax_ignore tex2jax_ignore">{self._html}</div>'

    def __repr__(self) -> str:
        return f"SafeHTML({self._html!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SafeHTML) and self._html == other._html

    def __hash__(self) -> int:
        return hash(self._html)

    def __bool__(self) -> bool:
        return bool(self._html)

    def __copy__(self) -> SafeHTML:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> SafeHTML:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # A pickle is anybody's bytes: what comes out of one is sanitised again.
        return (sanitise, (self._html,))


def escape(text: str) -> SafeHTML:
    """Text as HTML that shows exactly this text, in content and in quoted attributes."""
    return SafeHTML(_MINT, html.escape(well_formed(text).replace("\x00", "\ufffd")))


def join(pieces: Iterable[SafeHTML]) -> SafeHTML:
    """One piece after the other."""
    return SafeHTML(_MINT, "".join(piece.html for piece in pieces))


def element(tag: str, *children: SafeHTML | str, **attributes: str | None) -> SafeHTML:
    """An element of our own: tag and attribute names come from code, values and strings are escaped.

    Args:
        tag: Its name.
        *children: What it holds; strings are escaped.
        **attributes: Its attributes; a trailing underscore is dropped (`class_`), None leaves one out.
    """
    if _NAME.fullmatch(tag) is None:
        raise ValueError(f"{tag!r} is no tag for text")
    opening = [tag]
    for name, value in attributes.items():
        if value is not None:
            opening.append(f'{name.rstrip("_")}="{escape(value).html}"')
    inner = "".join(child.html if isinstance(child, SafeHTML) else escape(child).html for child in children)
    closing = "" if tag in _VOID else f"</{tag}>"
    return SafeHTML(_MINT, f"<{' '.join(opening)}>{inner}{closing}")


def image(picture: Picture, *, style: str | None = None) -> SafeHTML:
    """An image that is its own bytes.

    Args:
        picture: Bytes that were looked at, see `safety.pictures`.
        style: Its style, from code.
    """
    sized = f'width="{picture.width:d}" height="{picture.height:d}" style="{escape(style or "").html}"'
    source, named = escape(picture.address).html, escape(picture.caption).html
    return SafeHTML(_MINT, f'<img src="{source}" alt="{named}" {sized}>')


def audio(sound: Sound) -> SafeHTML:
    """A player for a sound that is its own bytes; they are not decoded before the reader starts it.

    Args:
        sound: Bytes that were looked at, see `safety.sounds`.
    """
    source, named = escape(sound.address).html, escape(sound.caption).html
    return SafeHTML(_MINT, f'<audio controls="" preload="none" aria-label="{named}" src="{source}"></audio>')


def sanitise(markup: str, *, inline_colors: bool = False) -> SafeHTML:
    """Keep of any HTML what is on the allow-list, and balance it.

    Links keep `http`, `https` and `mailto` targets alone, open in a new tab and tell it nothing of this one. Doing it twice
    changes nothing more: what a browser makes of the result is what was looked at here. HTML that reads as something else
    each time it is written and read again is shown as text.

    Args:
        markup: Any HTML, hostile or broken.
        inline_colors: Colour code and links by style, for a page without our style sheet; whatever surrounds them says
            what `--al-k` and its like are. Cleaned a second time, they are plain.
    """
    clean = well_formed(markup).replace("\x00", "\ufffd")
    for _ in range(_MOST_READINGS):
        clean, before = _cleaned(clean), clean
        if clean == before:
            break
    else:
        return escape(markup)
    # Set here and not by nh3, which writes them in random order. Text and attribute values hold no bare `<a href="`.
    clean = clean.replace('<a href="', '<a rel="noopener noreferrer" target="_blank" href="')
    if inline_colors:
        for name in CODE_CLASSES:
            clean = clean.replace(f'<span class="{name}">', f'<span style="color: var(--{name})">')
        clean = clean.replace('<a rel="', '<a style="color: var(--al-link)" rel="')
    return SafeHTML(_MINT, clean)


def _cleaned(markup: str) -> str:
    return nh3.clean(
        markup,
        tags=set(ALLOWED_TAGS),
        attributes={tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()},
        attribute_filter=_kept_value,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )


def _kept_value(tag: str, attribute: str, value: str) -> str | None:
    allowed = _ATTRIBUTE_VALUES.get((tag, attribute))
    return value if allowed is not None and allowed.fullmatch(value) else None


_NAME: Final = re.compile(
    r"(?!script|style|iframe|object|embed|svg|math|form|input|img|link|meta|base)[a-z][a-z0-9]*"
)
_VOID: Final = frozenset({"br", "hr"})
