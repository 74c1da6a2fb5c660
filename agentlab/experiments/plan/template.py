"""How a sample becomes a prompt."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

from agentlab.errors import UsageError
from agentlab.experiments.sample import Sample

__all__ = ["Template"]

_PLACE: Final = re.compile(r"\{([A-Za-z_]\w*)\}")


class Template:
    """Text with places for a row's columns: `"Answer in one word: {input}"`.

    Only names in single braces are places; all other braces, such as JSON in the text, stay as they are.

    Args:
        text: The text.
    """

    def __init__(self, text: str = "{input}") -> None:
        self.text = text
        self.places: tuple[str, ...] = tuple(dict.fromkeys(_PLACE.findall(text)))

    def fill(self, sample: Sample) -> str:
        """The prompt of a sample.

        Raises:
            UsageError: The sample lacks a column; the message says which there are.
        """
        self.check(sample.columns)
        values = {**sample.columns, "input": sample.input}
        return _PLACE.sub(lambda place: str(values[place.group(1)]), self.text)

    def check(self, columns: Iterable[str]) -> None:
        """Refuse a dataset that lacks a column the template names.

        Raises:
            UsageError: It does.
        """
        known = sorted({"input", *columns})
        for place in self.places:
            if place not in known:
                near = difflib.get_close_matches(place, known, n=1)
                hint = f"; did you mean {{{near[0]}}}?" if near else f"; there are {', '.join(known)}"
                raise UsageError(
                    f"the prompt template names {{{place}}}, and the dataset has no such column{hint}"
                )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Template({self.text!r})"
