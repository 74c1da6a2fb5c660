"""What listings of a workspace have in common: how an entry is written, and a walk that does not go on for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlab.tools.workspace.paths import components, joined
from agentlab.tools.workspace.tools.limits import Deadline
from agentlab.tools.workspace.workspace import FileInfo, Workspace

__all__ = ["BoundedWalk", "canonical", "kept", "relative_to", "written"]

_SHOWN_SKIPS = 3


class BoundedWalk:
    """All that is below a folder, until a deadline; iterate once.

    Args:
        workspace: Where the folder is.
        base: The folder.
        deadline: When to give up.

    Raises:
        WorkspaceError: It is not there, or not a folder.
    """

    def __init__(self, workspace: Workspace, base: str, deadline: Deadline) -> None:
        self.base = canonical(base)
        self._deadline = deadline
        self._walk = workspace.walk(self.base)
        self._stopped_at: str | None = None
        self._seen = 0

    def __iter__(self) -> Iterator[FileInfo]:
        for info in self._walk:
            if self._deadline.has_passed:
                self._stopped_at = info.path
                return
            self._seen += 1
            yield info

    @property
    def not_searched(self) -> list[str]:
        """What was not looked at, each a clause; empty when all was."""
        said = [f"{skip.path or '/'}: {skip.why}" for skip in self._walk.skipped[:_SHOWN_SKIPS]]
        if len(self._walk.skipped) > _SHOWN_SKIPS:
            said.append(f"{len(self._walk.skipped) - _SHOWN_SKIPS} more folders")
        if self._stopped_at is not None:
            said.append(
                f"everything from {self._stopped_at} on (the time was up after {self._seen} entries; name a smaller folder)"
            )
        return said


def canonical(path: str) -> str:
    """The one spelling of a path: names with "/" between them, "" for the root.

    Raises:
        WorkspaceError: It is no path of a workspace.
    """
    return joined(*components(path))


def relative_to(base: str, path: str) -> str:
    """A path below a folder, as it is from there."""
    return path.removeprefix(f"{base}/") if base else path


def written(info: FileInfo, path: str, *, with_size: bool = False) -> Any:
    """An entry of a listing: "name/" for a folder, "name" for a file, with its size where it is asked for.

    What is neither is an object that says its kind.
    """
    if info.kind == "folder":
        return f"{path}/"
    if info.kind == "file":
        return [path, info.size] if with_size else path
    return {"path": path, "kind": info.kind}


def kept(limit: int, most: int) -> int:
    """How many entries a limit allows; 0 asks for all."""
    return min(limit, most) if limit else most
