"""Text of a request with every character visible that could act on a terminal or turn the reading direction."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["visible"]

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""The text with controls (but `\n` and `\t`), direction marks and lone surrogates as `\u001b`.

    Nothing is dropped: where two prompts differ in an unseen character, that is what a reader looks for.
    """
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
