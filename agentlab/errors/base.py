"""What every error is, and the errors of calling something wrongly."""

from __future__ import annotations

from typing import Any

from agentlab.rich_display import traceback_of

__all__ = [
    "AgentlabError",
    "CredentialsUnusable",
    "InvalidHistory",
    "MissingExtra",
    "MissingKey",
    "UnsupportedCapability",
    "UsageError",
    "rebuilt",
]


class AgentlabError(Exception):
    """Base of all errors of this library; catch it to catch them all."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook prints for it: what was wrong, at which line of the user's, and what to do."""
        return traceback_of(self)


class UsageError(AgentlabError):
    """The library was called in a way it cannot serve; nothing was sent."""


class InvalidHistory(UsageError):
    """A list of messages breaks a rule that every provider enforces.

    `agentlab.repair(messages)` mends what can be mended.
    """


class UnsupportedCapability(UsageError):
    """The vendor or model is known not to do what the request needs; refused before any I/O."""


class MissingKey(UsageError):
    """No API key was given, and none was found in the environment, the keyring or the file of stored keys."""


class CredentialsUnusable(UsageError):
    """The file of stored keys was not read or written: others can read it, it is a link, damaged, in use.

    The message says which, and what to do; never what the file holds.
    """


class MissingExtra(UsageError):
    """An optional integration is not installed; the message names the extra to install."""


def rebuilt(kind: type[AgentlabError], args: tuple[Any, ...], state: dict[str, Any]) -> AgentlabError:
    """Rebuild an error from its pickle without calling its `__init__`, whose parameters differ."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
