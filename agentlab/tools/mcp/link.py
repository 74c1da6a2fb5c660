"""From what a user names a server by to the process or address that is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentlab.errors import UsageError
from agentlab.http import Secret
from agentlab.tools.mcp.endpoint import ServerEndpoint
from agentlab.tools.mcp.stdio import ServerProcess

__all__ = ["Link"]


class Link:
    """A server as named, checked, and ready to be started or reached any number of times.

    Args:
        server: Program and arguments, or an address.
        headers: For an address.
        auth: For an address.
        env: For a program.
        cwd: For a program.
        timeout_s: Seconds to connect to an address; None for no limit.
        max_message_bytes: Longest message it may send.
        grace_s: Seconds a program is given to end.

    Raises:
        UsageError: The arguments do not fit each other.

    Attributes:
        name: The program, or the host of the address.
        secrets: The secrets among the arguments.
    """

    def __init__(
        self,
        server: str | Sequence[str],
        *,
        headers: Mapping[str, str | Secret] | None,
        auth: Any,
        env: Mapping[str, str | Secret] | None,
        cwd: str | Path | None,
        timeout_s: float | None,
        max_message_bytes: int,
        grace_s: float,
    ) -> None:
        self._headers, self._auth = dict(headers or {}), auth
        self._env, self._cwd = dict(env or {}), cwd
        self._timeout_s = timeout_s
        self._max_message_bytes, self._grace_s = max_message_bytes, grace_s
        self._server = self._checked(server)
        self.secrets = tuple(
            value for value in (*self._headers.values(), *self._env.values()) if isinstance(value, Secret)
        )
        address = self._server if isinstance(self._server, str) else None
        self.name = (
            Path(self._server[0]).name if address is None else address.split("/")[2].rpartition("@")[2]
        )

    def made(self) -> ServerProcess | ServerEndpoint:
        """The process, not yet started, or the address, not yet reached."""
        if isinstance(self._server, str):
            return ServerEndpoint(
                self._server,
                self._headers,
                auth=self._auth,
                timeout_s=self._timeout_s,
                max_message_bytes=self._max_message_bytes,
            )
        return ServerProcess(
            self._server,
            env={
                name: value.reveal() if isinstance(value, Secret) else value
                for name, value in self._env.items()
            },
            cwd=self._cwd,
            max_message_bytes=self._max_message_bytes,
            grace_s=self._grace_s,
        )

    def _checked(self, server: str | Sequence[str]) -> str | list[str]:
        if isinstance(server, str):
            if not server.startswith(("http://", "https://")):
                raise UsageError(
                    f"{server!r} is no address of an MCP server; pass one with `https://`, or a program as a list: "
                    '["npx", "-y", "..."]'
                )
            if self._env or self._cwd:
                raise UsageError(
                    "`env` and `cwd` are for a server that is started here; this one has an address"
                )
            return server
        command = [str(part) for part in server]
        if not command:
            raise UsageError(
                'the program of the MCP server is missing; pass it as a list: ["npx", "-y", "..."]'
            )
        if self._headers or self._auth is not None:
            raise UsageError(
                "`headers` and `auth` are for a server with an address; this one is started here"
            )
        return command
