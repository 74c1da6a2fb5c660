"""What keys do while no prompt is being typed: Ctrl+C stops the answer, all others wait for the next prompt."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interrupt_calls", "keys_wait"]


@contextmanager
def interrupt_calls(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl+C call a function, so that it cannot tear a line of the screen; a second one is raised.

    Only the main thread can have it so; elsewhere nothing changes.

    Args:
        stop: Called from a signal's handler: it must do next to nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    was_stopped = False

    def interrupted(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        nonlocal was_stopped
        if was_stopped:
            raise KeyboardInterrupt
        was_stopped = True
        stop()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def keys_wait() -> Iterator[None]:
    """Keep what is typed while an answer comes off the screen, for the next prompt; where the system has terminals so."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    import termios  # noqa: PLC0415 - not there on Windows

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = termios.tcgetattr(terminal)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(terminal, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
