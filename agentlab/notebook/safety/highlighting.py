"""Code in colours: the words of a language, its strings, comments and numbers as spans of six classes.

The cut is a single pass over the text with one pattern, in a time that grows with its length. A general highlighter's
lexers do not promise that: text made for it keeps them busy for minutes, and this runs on text of models while it streams.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Final

from agentlab.notebook.safety.code_languages import Language, language_named

__all__ = ["highlighted"]

COLORED_UP_TO: Final = 20_000
_CLASSES: Final = {"c": "al-c", "s": "al-s", "n": "al-n", "t": "al-t"}


def highlighted(code: str, language: str) -> str:
    """Code as markup, with spans around what stands out; to be sanitised with the text it stands in.

    Args:
        code: The code, complete or not.
        language: What its fence calls it; code of an unknown language, and very long code, stays plain.
    """
    known = language_named(language)
    if known is None or len(code) > COLORED_UP_TO:
        return html.escape(code)
    markup: list[str] = []
    before = ""
    for name, text in _tokens(code, known):
        if name != before:
            markup.append(("</span>" if before else "") + (f'<span class="{name}">' if name else ""))
            before = name
        markup.append(html.escape(text))
    return "".join(markup) + ("</span>" if before else "")


def _tokens(code: str, language: Language) -> Iterator[tuple[str, str]]:
    """Pieces of the code with the class each is shown in, none where it is plain; together they are the code."""
    place = 0
    for match in language.pattern.finditer(code):
        if match.start() > place:
            yield "", code[place : match.start()]
        place = match.end()
        text = match.group()
        yield _CLASSES.get(match.lastgroup or "") or _word(text, language, code[place : place + 1]), text
    if place < len(code):
        yield "", code[place:]


def _word(word: str, language: Language, following: str) -> str:
    if (word.lower() if language.folded else word) in language.keywords:
        return "al-k"
    if word in language.constants:
        return "al-n"
    if following == "(":
        return "al-f"
    return "al-t" if word[:1].isupper() and not word.isupper() else ""
