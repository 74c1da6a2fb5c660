"""How two texts are made comparable before a rule looks at them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

__all__ = ["Normal"]

_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class Normal:
    """What of a text does not count.

    Texts are always brought to one Unicode form (NFKC), so that a composed and a decomposed accent are equal.

    Attributes:
        ignore_case: Whether `Paris` and `paris` are equal.
        ignore_space: Whether runs of white space count as one space, and none at the ends.
        ignore_punctuation: Whether everything but letters, digits and white space is left out.
    """

    ignore_case: bool = False
    ignore_space: bool = True
    ignore_punctuation: bool = False

    def __call__(self, text: object) -> str:
        """The text as it is compared."""
        normal = unicodedata.normalize("NFKC", str(text))
        if self.ignore_case:
            normal = normal.casefold()
        if self.ignore_punctuation:
            normal = "".join(mark for mark in normal if not unicodedata.category(mark).startswith(("P", "S")))
        return _SPACE.sub(" ", normal).strip() if self.ignore_space else normal
