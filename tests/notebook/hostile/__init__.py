"""Text that tries to become more than text, made up for these tests, and a reader that says what HTML holds."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final

from tests.notebook.hostile.markup import MARKUP
from tests.notebook.hostile.plain import PLAIN
from tests.notebook.hostile.reaching_out import REACHING_OUT

__all__ = ["BY_CLASS", "EXECUTING", "HOSTILE", "NASTIEST", "Contents"]

BY_CLASS: Final[Mapping[str, tuple[str, ...]]] = {**MARKUP, **REACHING_OUT, **PLAIN}
HOSTILE: Final = tuple(text for texts in BY_CLASS.values() for text in texts)
NASTIEST: Final = tuple(
    text
    for name, most in {
        "script": 8, "handler": 14, "svg": 10, "mutation": 14, "breaking out": 6, "frame": 8, "request": 8, "style": 5,
        "page": 2, "form": 2, "clobbering": 3, "front end": 6, "address": 6, "image": 4, "mathematics": 10, "terminal": 2,
        "direction": 1,
    }.items()
    for text in BY_CLASS[name][:most]
)  # fmt: skip
"""What is shown in a live JupyterLab: the first of the classes that a front end itself could fall for."""
EXECUTING: Final = (
    "<script>window.__ran += 1</script>",
    "<img src=x onerror='window.__ran += 1'>",
)


class Contents(HTMLParser):
    """The tags and attributes of some HTML, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str, str]] = set()
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name, value or "") for name, value in attrs}

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.add("!comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.add("!declaration")

    def unknown_decl(self, data: str) -> None:
        self.tags.add("!declaration")

    def handle_pi(self, data: str) -> None:
        self.tags.add("?instruction")
