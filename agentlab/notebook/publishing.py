"""Where output goes: to the notebook that runs this kernel, or to the terminal."""

from __future__ import annotations

import sys
from typing import Any, Final

from agentlab.notebook.mode import in_marimo

__all__ = ["WIDGET_MIME", "print_text", "publish", "widget_bundle"]

WIDGET_MIME: Final = "application/vnd.jupyter.widget-view+json"


def publish(
    bundle: dict[str, Any], *, display_id: str | None = None, update: bool = False, widget: Any = None
) -> None:
    """Put output into the notebook.

    In marimo an output has no name: the newest one stands in its cell, in place of any before it.

    Args:
        bundle: MIME type to content.
        display_id: Names the output, so that it can be replaced.
        update: Replace every output of that name instead of adding one.
        widget: The widget that the bundle names, where it names one.
    """
    if in_marimo():
        _publish_in_marimo(bundle, widget)
        return
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415 - heavy, and loaded in any kernel

    transient = {} if display_id is None else {"display_id": display_id}
    InteractiveShell.instance().display_pub.publish(
        data=bundle, metadata={}, transient=transient, update=update
    )


def _publish_in_marimo(bundle: dict[str, Any], widget: Any) -> None:
    import marimo  # noqa: PLC0415 - not a dependency; it is there, for a cell of it is running

    if widget is not None:
        marimo.output.replace(marimo.ui.anywidget(widget))
    elif "text/html" in bundle:
        marimo.output.replace(marimo.Html(bundle["text/html"]))
    else:
        marimo.output.replace(marimo.plain_text(bundle.get("text/plain", "")))


def widget_bundle(model_id: str, text: str) -> dict[str, Any]:
    """A widget as output.

    Args:
        model_id: The widget's model.
        text: What stands in its place where there are no widgets.
    """
    reference = {"version_major": 2, "version_minor": 0, "model_id": model_id}
    return {"text/plain": text, WIDGET_MIME: reference}


def print_text(text: str) -> None:
    """Print, with `?` for what the terminal's encoding lacks: a run must not fail because its text cannot be shown."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
