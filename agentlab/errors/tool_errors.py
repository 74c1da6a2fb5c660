"""A tool, or a server of tools, failed."""

from __future__ import annotations

from typing import Any

from agentlab.errors.base import AgentlabError, rebuilt

__all__ = [
    "InvalidToolArguments",
    "LostUpdate",
    "ToolError",
    "ToolInterrupted",
    "ToolServerFailed",
    "ToolTimeout",
    "UnknownTool",
    "WorkspaceError",
]


class ToolError(AgentlabError):
    """A tool call failed. Raise it in a tool to give the model exactly this text."""


class InvalidToolArguments(ToolError):
    """The arguments are not a JSON object or do not fit the tool's schema."""


class UnknownTool(ToolError):
    """The model called a tool that was not offered to it."""


class ToolTimeout(ToolError):
    """The tool took longer than its timeout."""


class ToolInterrupted(ToolError):
    """The tool was ended before it was done, by a stop or its timeout; the text is what it had by then.

    A tool that is cancelled may raise it in place of the cancellation, which keeps the text in the history.
    """


class WorkspaceError(ToolError):
    """A file of the workspace could not be read, written or moved as asked; what is there is unharmed."""


class LostUpdate(WorkspaceError):
    """The file changed since it was read, so writing it would undo what another wrote; nothing was written."""


class ToolServerFailed(AgentlabError):
    """An MCP server could not be reached, did not answer in time, broke its protocol, or went away.

    A tool call that meets such a server is a `ToolError`: the model is told and the run goes on.

    Attributes:
        server: The name it was given.
        stderr: The end of what the server's process wrote to its standard error, secrets masked; empty over HTTP.
    """

    def __init__(self, message: str, *, server: str = "", stderr: str = "") -> None:
        super().__init__(message)
        self.server = server
        self.stderr = stderr

    def __reduce__(self) -> tuple[Any, ...]:
        return (rebuilt, (type(self), self.args, self.__dict__))
