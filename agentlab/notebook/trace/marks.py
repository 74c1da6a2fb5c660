"""How each kind of span is drawn: told apart by pattern and letter, and never by colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agentlab.agent.spans import Span, SpanKind

__all__ = ["FAILED_LETTER", "MARKS", "Mark", "box_style", "letter"]

FAILED_LETTER: Final = "X"
_FAILED: Final = "#d55e00"


@dataclass(frozen=True, slots=True)
class Mark:
    """The look of a kind of span.

    Attributes:
        kind: The kind.
        label: What a reader calls it.
        letter: What it is drawn with in plain text.
        style: CSS of its box; each colour has a contrast of at least 3:1 on white and on JupyterLab's dark ground
            (Okabe-Ito hues, which colour-blind readers can tell apart), and each kind a pattern of its own.
    """

    kind: SpanKind
    label: str
    letter: str
    style: str


_MARKS: Final = (
    Mark(
        "retrieval",
        "retrieval",
        "o",
        "background: repeating-linear-gradient(0deg, #a8578a 0 2px, transparent 2px 4px); border: 1px solid #a8578a",
    ),
    Mark(
        "queue",
        "waiting to be sent",
        ".",
        "background: repeating-linear-gradient(45deg, #808080 0 2px, transparent 2px 5px); border: 1px solid #808080",
    ),
    Mark(
        "attempt",
        "failed attempt",
        "x",
        f"background: repeating-linear-gradient(-45deg, #fff 0 1px, {_FAILED} 1px 4px); border: 1px solid {_FAILED}",
    ),
    Mark("retry_wait", "pause before a retry", "~", f"border: 1px dashed {_FAILED}"),
    Mark(
        "first_token",
        "waiting for the first token",
        "-",
        "background: rgba(0, 114, 178, 0.2); border: 1px solid #2a86c4",
    ),
    Mark("stream", "answer", "=", "background: #2a86c4; border: 1px solid #2a86c4"),
    Mark(
        "approval",
        "waiting for approval",
        "?",
        "background: repeating-linear-gradient(90deg, #b07800 0 2px, transparent 2px 5px); border: 1px solid #b07800",
    ),
    Mark("tool", "tool", "#", "background: #009e73; border: 1px solid #009e73"),
)
MARKS: Final[dict[SpanKind, Mark]] = {mark.kind: mark for mark in _MARKS}


def box_style(span: Span) -> str:
    """CSS of the box of a span."""
    style = MARKS[span.kind].style
    return f"{style}; outline: 2px solid {_FAILED}; outline-offset: -2px" if _is_broken_tool(span) else style


def letter(span: Span) -> str:
    """What a span is drawn with in plain text."""
    return FAILED_LETTER if _is_broken_tool(span) else MARKS[span.kind].letter


def _is_broken_tool(span: Span) -> bool:
    return span.kind == "tool" and span.status in {"failed", "interrupted"}
