"""The program of the process that searches with `re`: frames in, one line of JSON out for each.

A frame is its length (8 bytes, big endian) and its bytes. The first is the pattern as JSON, the others are files. It imports
nothing of this package, so that it starts in milliseconds.
"""

from __future__ import annotations

import json
import re
import signal
import struct
import sys
from typing import Any, BinaryIO


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer frames until there are no more."""
    start = json.loads(_frame(source) or b"{}")
    if hasattr(signal, "setitimer"):
        # The last resort, should the process that would end this one be gone: the signal's default ends it in mid-search.
        signal.setitimer(signal.ITIMER_REAL, start["seconds"] + 1)
    try:
        pattern = re.compile(start["pattern"], 0 if start["case_sensitive"] else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        _say(sink, {"error": str(error) or type(error).__name__})
        return
    _say(sink, {"error": None})
    while (data := _frame(source)) is not None:
        _say(sink, _found(pattern, data, start["most_hits"]))


def _found(pattern: re.Pattern[str], data: bytes, most_hits: int) -> dict[str, Any]:
    hits: list[tuple[int, int]] = []
    count = 0
    lines = data.decode(errors="ignore").replace("\r\n", "\n").removesuffix("\n").split("\n") if data else []
    for number, line in enumerate(lines):
        found = pattern.search(line)
        if found is not None:
            count += 1
            if len(hits) < most_hits:
                hits.append((number, found.start()))
    return {"hits": hits, "count": count}


def _frame(source: BinaryIO) -> bytes | None:
    head = source.read(8)
    return source.read(struct.unpack(">Q", head)[0]) if len(head) == 8 else None


def _say(sink: BinaryIO, answer: dict[str, Any]) -> None:
    sink.write(json.dumps(answer).encode() + b"\n")
    sink.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
