"""A keyring in memory, in the place of the operating system's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keyring
import keyring.backend
import keyring.errors

__all__ = ["MemoryKeyring", "keyring_in_memory"]


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring in memory; `locked` refuses everything."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self, *, locked: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values: dict[tuple[str, str], str] = {}
        self.locked = locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked
        return self.values.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked
        self.values[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.locked or (service, username) not in self.values:
            raise keyring.errors.PasswordDeleteError
        del self.values[service, username]


@contextmanager
def keyring_in_memory() -> Iterator[MemoryKeyring]:
    """The keyring of the process, until the end of the block."""
    before = keyring.get_keyring()
    made = MemoryKeyring()
    keyring.set_keyring(made)
    try:
        yield made
    finally:
        keyring.set_keyring(before)
