"""Who may stop a tool from writing."""

from __future__ import annotations

from collections.abc import Callable

from agentlab.errors import ToolError
from agentlab.tools.workspace.tools.entries import canonical

__all__ = ["Guard", "writable"]

Guard = Callable[[str], str | None]
"""Says of a path (canonical: `plans/a.plan`) why it may not be written now, or None."""


def writable(path: str, guard: Guard | None) -> str:
    """The path in its one spelling, if it may be written now.

    Raises:
        WorkspaceError: It is no path of a workspace.
        ToolError: The guard's reason.
    """
    plain = canonical(path)
    reason = None if guard is None else guard(plain)
    if reason is not None:
        raise ToolError(reason)
    return plain
