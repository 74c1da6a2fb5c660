"""What a lint found: one finding, and a list of them that shows itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from msgspec import Struct

from agentlab.caching.visible_text import visible
from agentlab.short_repr import ShortRepr, one_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Finding", "Findings", "Severity"]

Severity = Literal["error", "warning", "note"]
_RANK: Final = {"error": 0, "warning": 1, "note": 2}
_COLOURS: Final = {
    "error": "var(--jp-error-color1, #c0392b)",
    "warning": "var(--jp-warn-color1, #9a6700)",
    "note": "inherit",
}
"""The notebook's own, which follow its theme."""


class Finding(ShortRepr, Struct, frozen=True):
    """One thing that keeps a prompt from being read from the cache.

    Attributes:
        code: Name of the rule, such as `clock-in-prefix`.
        severity: `error`: the cache is missed for it; `warning`: it will be, or money is lost; `note`: worth knowing.
        place: Where: the part of the request, the turn, or the cell and line.
        sentence: What is wrong.
        advice: What to do.
    """

    code: str
    severity: Severity
    place: str
    sentence: str
    advice: str

    def __str__(self) -> str:
        return visible(f"{self.severity} {self.code} at {self.place}: {self.sentence} {self.advice}")


class Findings(Sequence[Finding]):
    """Findings, the worst first; empty where nothing is wrong.

    Args:
        found: The findings; equal ones are kept once.
    """

    def __init__(self, found: Iterable[Finding] = ()) -> None:
        self._found = tuple(sorted(dict.fromkeys(found), key=lambda finding: _RANK[finding.severity]))

    @property
    def codes(self) -> tuple[str, ...]:
        """The rules that found something, each once."""
        return tuple(dict.fromkeys(finding.code for finding in self._found))

    @property
    def frame(self) -> pd.DataFrame:
        """One row a finding."""
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        columns = list(Finding.__struct_fields__)
        rows = [[getattr(finding, name) for name in columns] for finding in self._found]
        return pd.DataFrame(rows, columns=columns)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Findings: ...
    def __getitem__(self, index: int | slice) -> Finding | Findings:
        return Findings(self._found[index]) if isinstance(index, slice) else self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Findings) and self._found == other._found

    def __hash__(self) -> int:
        return hash(self._found)

    def __str__(self) -> str:
        return "\n".join(map(str, self._found)) or "nothing found"

    def __repr__(self) -> str:
        codes = ", ".join(self.codes[:8])
        return one_line(f"Findings({len(self)}{f': {codes}' if codes else ''})")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's
        printer.text(str(self))

    def _repr_html_(self) -> str:
        if not self._found:
            return "<div>nothing found</div>"
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in Finding.__struct_fields__)
        rows = "".join(_row(finding) for finding in self._found)
        return (
            '<table class="mathjax_ignore tex2jax_ignore">'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


def _row(finding: Finding) -> str:
    values = (finding.code, finding.severity, finding.place, finding.sentence, finding.advice)
    colours = ("inherit", _COLOURS[finding.severity], "inherit", "inherit", "inherit")
    cells = "".join(
        f"<td style='text-align:left;color:{colour}'>{escape(visible(value))}</td>"
        for value, colour in zip(values, colours, strict=True)
    )
    return f"<tr>{cells}</tr>"
