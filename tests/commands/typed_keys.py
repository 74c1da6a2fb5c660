"""Keys that come from a terminal or a pipe that a test plays."""

from __future__ import annotations

import getpass
import io
import sys

import pytest

__all__ = ["pipes", "types"]


class Pipe(io.TextIOWrapper):
    """Standard input from a pipe."""

    def __init__(self, data: bytes, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data))
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def types(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Whoever is asked for a key types this one."""
    monkeypatch.setattr(getpass, "getpass", lambda _: key)


def pipes(monkeypatch: pytest.MonkeyPatch, data: bytes, *, terminal: bool = False) -> None:
    """Standard input gives these bytes."""
    monkeypatch.setattr(sys, "stdin", Pipe(data, terminal=terminal))
