"""A real pseudo-terminal with a process in it, and an emulator that shows what a user would see."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pyte

__all__ = ["Starts", "Terminal", "terminals"]

_PATIENCE_S = 30.0


# Its processes are forked from one that has imported what a chat needs: a second saved with each.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["tests.terminal.chat_process", "prompt_toolkit.shortcuts", "rich.markdown"]
)


class Terminal:
    """A process that believes it talks to a user.

    Args:
        target: What the process runs; gives its exit status.
        arguments: Its arguments.
        rows: Of the screen.
        columns: Of the screen.
    """

    def __init__(
        self, target: Callable[..., int], *arguments: str, rows: int = 40, columns: int = 90
    ) -> None:
        self._main, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen = pyte.HistoryScreen(columns, rows, history=2_000, ratio=1.0)
        self.screen.write_process_input = lambda data: os.write(self._main, data.encode())
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.process = _PROCESSES.Process(target=_inside, args=(os.ttyname(terminal), target, arguments))
        self.process.start()
        self._terminal = terminal  # held open, so that the process finds it

    @property
    def text(self) -> str:
        """All lines, those that scrolled away too."""
        above = [
            "".join(row[at].data for at in range(self.screen.columns)) for row in self.screen.history.top
        ]
        return "\n".join(line.rstrip() for line in [*above, *self.screen.display]).rstrip()

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._main, keys.encode())

    def until(self, pattern: str, count: int = 1) -> str:
        """Wait until the screen shows this so often; gives the screen."""
        deadline = time.monotonic() + _PATIENCE_S
        while len(re.findall(pattern, self.text)) < count:
            assert time.monotonic() < deadline, f"{pattern!r} never came; the screen shows\n{self.text}"
            if not self._read():
                assert len(re.findall(pattern, self.text)) >= count, f"it ended with\n{self.text}"
        return self.text

    def ended(self) -> int:
        """Wait until the process has ended; gives its status."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._read():
            assert time.monotonic() < deadline, f"it did not end; the screen shows\n{self.text}"
        self.process.join(_PATIENCE_S)
        assert self.process.exitcode is not None
        return self.process.exitcode

    def close(self) -> None:
        """End the process, however it stands."""
        self.process.kill()
        self.process.join(_PATIENCE_S)
        self.process.close()
        os.close(self._terminal)
        os.close(self._main)

    def _read(self) -> bool:
        """Take what the process writes; whether it may write more."""
        if not select.select([self._main], [], [], 0.2)[0]:
            return self.process.is_alive()
        try:
            data = os.read(self._main, 65_536)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)


Starts = Callable[[], Terminal]
"""Starts one more terminal."""


@contextmanager
def terminals(target: Callable[..., int], *arguments: str, shows: str) -> Iterator[Starts]:
    """Terminals that run the same, until the end of the block.

    Args:
        target: What each one's process runs.
        arguments: Its arguments.
        shows: What the screen shows once a user can type; a pattern.
    """
    with ExitStack() as opened:

        def starts() -> Terminal:
            terminal = Terminal(target, *arguments)
            opened.callback(terminal.close)
            terminal.until(shows)
            return terminal

        yield starts


def _inside(name: str, target: Callable[..., int], arguments: tuple[str, ...]) -> None:
    """Take a terminal as one's own, and run there."""
    os.setsid()
    terminal = os.open(name, os.O_RDWR)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(terminal, number)
    os.environ["TERM"] = "xterm-256color"
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", buffering=1, closefd=False)
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    sys.exit(target(*arguments))
