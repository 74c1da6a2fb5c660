"""Sessions that cannot be opened, read or written as asked."""

from __future__ import annotations

from typing import Any

from agentlab.errors.base import AgentlabError, rebuilt

__all__ = [
    "SessionCorrupt",
    "SessionError",
    "SessionLocked",
    "SessionNotFound",
    "SessionUnusable",
    "SessionWriteFailed",
]


class SessionError(AgentlabError):
    """A session did not do what was asked. What was acknowledged before is unharmed."""


class SessionLocked(SessionError):
    """Another program, or another `Session` of this one, writes to the session; it can be read meanwhile.

    Attributes:
        pid: Process id of the writer; None where it is not known.
        host: Name of its machine; empty where it is not known.
        since: Unix time since which it writes; None where it is not known.
    """

    def __init__(
        self, message: str, *, pid: int | None = None, host: str = "", since: float | None = None
    ) -> None:
        super().__init__(message)
        self.pid = pid
        self.host = host
        self.since = since

    def __reduce__(self) -> tuple[Any, ...]:
        return (rebuilt, (type(self), self.args, self.__dict__))


class SessionCorrupt(SessionError):
    """The file is damaged, or is no session: its bytes, its tables or an entry are not what was written.

    Nothing of it was run or changed.
    """


class SessionUnusable(SessionError):
    """The session cannot be used the way it was asked to be: read-only, closed, of a newer agentlab, no permission."""


class SessionNotFound(SessionError):
    """There is no such session."""


class SessionWriteFailed(SessionError):
    """Entries could not be stored, and none of them was; every entry acknowledged before is safe."""
