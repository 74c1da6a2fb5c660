"""A key to look for, and everything that shows an error, for the search of a key in it."""

from __future__ import annotations

import pickle
import traceback
from typing import Final

__all__ = ["CANARY", "NEEDLE", "shown_of"]

CANARY: Final = "sk-CANARY-0123456789abcdef"
NEEDLE: Final = CANARY[:9]
"""As much of it as shows that it leaked, whatever was cut off or written after it."""


def shown_of(error: BaseException, *, locals_of_tests: bool = False) -> str:
    """What error reporters, loggers and debuggers show of an error, the locals of the frames it went through among it.

    Args:
        error: The error.
        locals_of_tests: Whether the frames of the tests count too: where these hold the key only in a `Secret`.
    """
    pieces = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    if locals_of_tests:
        pieces += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    todo: list[BaseException | None] = [error]
    while todo:  # also what `from None` only hides
        inner = todo.pop()
        if inner is not None:
            pieces += [str(inner), repr(inner), repr(vars(inner))]
            frame = inner.__traceback__
            while frame is not None:
                if locals_of_tests or not frame.tb_frame.f_globals.get("__name__", "").startswith("tests."):
                    pieces.append(repr(frame.tb_frame.f_locals))
                frame = frame.tb_next
            todo += [inner.__cause__, inner.__context__]
    pieces.append(pickle.dumps(error).decode("latin-1"))
    return "\n".join(pieces)
