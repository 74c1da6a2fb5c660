"""Where a run is shown: in a notebook, in a notebook whose outputs are compared, or outside of one."""

from __future__ import annotations

import os
import sys
from typing import Literal

__all__ = ["DisplayMode", "display_mode", "is_deterministic"]

DisplayMode = Literal["live", "static", "print"]


def display_mode() -> DisplayMode:
    """How a run is shown here: `live` in a notebook, `static` there with `AGENTLAB_DISPLAY=static`, else `print`."""
    if not in_kernel() and not in_marimo():
        return "print"
    return "static" if is_deterministic() else "live"


def is_deterministic() -> bool:
    """Whether `AGENTLAB_DISPLAY=static` asks for outputs without times and prices, the same in every run."""
    return os.environ.get("AGENTLAB_DISPLAY") == "static"


def in_kernel() -> bool:
    """Whether this process is the kernel of a notebook; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def in_marimo() -> bool:
    """Whether a cell of marimo runs here; marimo is not imported to find out."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())
