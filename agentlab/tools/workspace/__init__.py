"""A folder an assistant may work in: the backends that hold it, and the tools that a model uses on it."""

from agentlab.tools.workspace.disk import DiskWorkspace
from agentlab.tools.workspace.memory import MemoryWorkspace
from agentlab.tools.workspace.workspace import (
    FileContent,
    FileInfo,
    FileKind,
    Listing,
    Removed,
    Skipped,
    Walk,
    Workspace,
)

__all__ = [
    "DiskWorkspace",
    "FileContent",
    "FileInfo",
    "FileKind",
    "Listing",
    "MemoryWorkspace",
    "Removed",
    "Skipped",
    "Walk",
    "Workspace",
]
