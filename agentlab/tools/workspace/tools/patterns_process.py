"""Python's `re` in a process of its own, which is ended when its time is over: nothing else ends a search that hangs."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agentlab.errors import ToolError
from agentlab.tools.workspace.tools.limits import Deadline

__all__ = ["ProcessOfPatterns", "TimeIsUp"]

_PROGRAM: Final = Path(__file__).with_name("patterns_program.py")
_KEPT_VARIABLES: Final = ("SYSTEMROOT", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class TimeIsUp(Exception):
    """The deadline of a search has passed."""


class ProcessOfPatterns:
    """A process that searches files for one pattern; close it.

    Args:
        pattern: The regular expression.
        case_sensitive: Whether case counts.
        most_hits: Matching lines of a file that are told; all are counted.
        deadline: When the process is ended.

    Raises:
        ToolError: The pattern is none; the text says why and where. Or no process can be started.
        TimeIsUp: The deadline passed.
    """

    def __init__(self, pattern: str, case_sensitive: bool, most_hits: int, deadline: Deadline) -> None:
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        self._deadline = deadline
        seconds = deadline.left
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, and no argument is the model's
                [sys.executable, "-I", "-S", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise ToolError(f"no process for the search could be started: {error}") from None
        self._timer = threading.Timer(seconds, self._process.kill)
        self._timer.daemon = True
        self._timer.start()
        start = {
            "pattern": pattern,
            "case_sensitive": case_sensitive,
            "most_hits": most_hits,
            "seconds": seconds,
        }
        try:
            problem = self._asked(json.dumps(start).encode())["error"]
        except BaseException:
            self.close()
            raise
        if problem is not None:
            self.close()
            raise ToolError(f"the pattern is not understood: {problem}")

    def search(self, data: bytes) -> tuple[list[tuple[int, int]], int]:
        """The matching lines of a file, as line and character, and how many they are.

        Raises:
            TimeIsUp: The deadline passed.
        ToolError: The process ended before it.
        """
        answer = self._asked(data)
        return [(line, start) for line, start in answer["hits"]], answer["count"]

    def close(self) -> None:
        """End the process."""
        self._timer.cancel()
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent stays unsent
                    pipe.close()
        self._process.wait()

    def _asked(self, data: bytes) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(struct.pack(">Q", len(data)))
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._ended()
        return json.loads(line)

    def _ended(self) -> Exception:
        if self._deadline.has_passed:
            return TimeIsUp()
        return ToolError("the process that searches with this pattern ended early; use a simpler pattern")
