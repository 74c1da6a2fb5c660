"""The seam to the notebook for objects of every floor: what shows itself there is drawn there.

The notebook stands above all that it shows; an object that is asked for its picture loads the notebook here, late.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["html_of", "traceback_of"]


def html_of(shown: object) -> str:
    """An object as HTML, every text in it escaped.

    Args:
        shown: One that `agentlab.notebook.objects` draws.
    """
    html: str = import_module("agentlab.notebook.objects.object_html").object_html(shown).html
    return html


def traceback_of(error: BaseException) -> list[str]:
    """The lines a notebook prints for an error of this library."""
    lines: list[str] = import_module("agentlab.notebook.short_traceback").short_traceback(error)
    return lines
