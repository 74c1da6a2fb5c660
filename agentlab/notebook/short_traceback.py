"""An error of this library as a notebook prints it: what was wrong, at which line of the user's, what to do.

IPython asks an error for its lines (`_render_traceback_`). Frames of libraries are left out; `%tb` and `%xmode Verbose` give
the whole traceback. Nothing here is known to be a secret, so whatever looks like a key is masked, in the user's line too.
"""

from __future__ import annotations

import linecache
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

from agentlab import errors
from agentlab.http import redact
from agentlab.plain_text import terminal_safe

__all__ = ["short_traceback"]

_OURS: Final = str(Path(__file__).resolve().parents[1])
_LIBRARIES: Final = tuple(
    {_OURS, *(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))}
)
_GIVEN_KEY: Final = re.compile(r"""(?i)(\w*(?:key|token|secret|password)\w*\s*[=:]\s*)("[^"]*"|'[^']*')""")
_MOST_LETTERS: Final = 2_000
_MOST_LINES: Final = 3
_MOST_CAUSES: Final = 3
_ADVICE: Final[tuple[tuple[type[errors.AgentlabError], str], ...]] = (
    (
        errors.AuthenticationFailed,
        "Check the key; `al.vendors()` says in which environment variable it is looked for.",
    ),
    (errors.ContextTooLong, "Shorten the prompt, or take a model with a larger window."),
    (errors.NotFound, "Check the name of the model, and `base_url` where one is given."),
    (errors.RateLimited, "Wait and try again, or ask for less at a time."),
    (errors.ServerError, "It is the provider's failure: try again later."),
    (errors.ConnectionFailed, "Check the network, and `base_url` where one is given."),
    (errors.ResponseTimeout, "Try again, or allow more time with `Timeouts`."),
    (errors.StreamInterrupted, "Try again; what had arrived is kept."),
    (errors.ToolTimeout, "Raise `timeout_s` of the tool, or make it faster."),
)


def short_traceback(error: BaseException) -> list[str]:
    """The lines IPython prints for an error.

    Args:
        error: The error, as it was caught.

    Returns:
        A few lines; the whole traceback where the user asked for that.
    """
    if _wants_all():
        return _whole(error)
    lines = [f"{_bold(type(error).__name__)}: {_cleaned(str(error))}"]
    lines += [f"  at {place}" for place in _places(error)]
    lines += [f"  caused by {cause}" for cause in _causes(error)]
    facts = _facts(error)
    lines += [f"  {facts}"] if facts else []
    advice = next((said for kind, said in _ADVICE if isinstance(error, kind)), "")
    lines += [f"  {advice}"] if advice else []
    kept = _kept(error)
    holds = f", which holds {kept}" if kept else ""
    lines.append(f"  (`%tb` shows the whole traceback; the error is `sys.last_value`{holds})")
    return lines


def _places(error: BaseException) -> list[str]:
    """The lines of the user's own code that the error came through, the innermost last."""
    found: list[str] = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        if not frame.f_code.co_filename.startswith(_LIBRARIES) and not _is_machinery(frame):
            found.append(_place(frame, number))
    return found[-_MOST_LINES:]


def _is_machinery(frame: FrameType) -> bool:
    """Whether a frame is generated or frozen code, which has no line to show."""
    name = frame.f_code.co_filename
    return name.startswith("<") and not name.startswith("<ipython-input")


def _place(frame: FrameType, number: int) -> str:
    name = frame.f_code.co_filename
    line = linecache.getline(name, number, frame.f_globals).strip()
    shown = f":  {_cleaned(_GIVEN_KEY.sub(_masked, line))[:200]}" if line else ""
    return f"{_named(name)}, line {number}{shown}"


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}'…'"


def _named(filename: str) -> str:
    """What a reader calls the code of a file: `cell [4]`, or the file's own name."""
    shell = _shell()
    label = shell.compile.format_code_name(filename) if shell is not None else None
    if label is not None:
        return f"cell {str(label[1]).removeprefix('In')}"
    return Path(filename).name


def _causes(error: BaseException) -> Iterator[str]:
    """What the error came from, the nearest first."""
    known = {id(error)}
    for _ in range(_MOST_CAUSES):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in known:
            return
        known.add(id(cause))
        places = _places(cause)
        where = f" at {places[-1]}" if places else ""
        if places or error.__cause__ is not None:
            yield f"{type(cause).__name__}: {' '.join(_cleaned(str(cause))[:300].split())}{where}"
        error = cause


def _facts(error: BaseException) -> str:
    """The numbers of a failed call that a reader may be asked for."""
    if not isinstance(error, errors.ModelError):
        return ""
    named = (
        ("HTTP status", error.status),
        ("code", error.code),
        ("request id", error.request_id),
        ("retry after", None if error.retry_after is None else f"{error.retry_after:g} s"),
        ("attempts", error.attempts if error.attempts > 1 else None),
    )
    return _cleaned(", ".join(f"{name} {value}" for name, value in named if value is not None))


def _kept(error: BaseException) -> str:
    """What the error carries for the user, by name."""
    named = ("partial", "history", "calls", "missing")
    return ", ".join(f"`{name}`" for name in named if getattr(error, name, None))


def _cleaned(text: str) -> str:
    shown = terminal_safe(redact(text))
    return shown if len(shown) <= _MOST_LETTERS else f"{shown[:_MOST_LETTERS]}…"


def _bold(text: str) -> str:
    shell = _shell()
    plain = shell is None or str(getattr(shell, "colors", "nocolor")).lower() == "nocolor"
    return text if plain else f"\x1b[1m{text}\x1b[0m"


def _wants_all() -> bool:
    """Whether the user asked for the whole traceback, by `%tb` now or by `%xmode Verbose` before."""
    shell = _shell()
    if shell is not None and shell.InteractiveTB.mode == "Verbose":
        return True
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - only the stack tells `%tb` from the first showing
    while frame is not None:
        if frame.f_code.co_name == "tb" and frame.f_globals.get("__name__", "").startswith(
            "IPython.core.magics"
        ):
            return True
        frame = frame.f_back
    return False


def _whole(error: BaseException) -> list[str]:
    shell = _shell()
    if shell is None:
        return traceback.format_exception(error)
    lines: list[str] = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
    return lines


def _shell() -> Any:
    """The running IPython, which is not imported to find out; None where there is none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
