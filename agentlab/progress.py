"""The one way in which a long job says how far it is: a bar, where somebody watches, and only once it takes a while."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable, Sized
from typing import Final, Literal, TypeVar

__all__ = ["ProgressOption", "has_reader", "is_shown", "tracked"]

Item = TypeVar("Item")
ProgressOption = bool | Literal["auto"]
"""Whether a bar is shown; `auto`: where somebody watches."""

_SILENT_S: Final = 1.0
"""Jobs that end before show nothing."""


def tracked(
    items: Iterable[Item],
    what: str,
    *,
    unit: str,
    total: int | None = None,
    progress: ProgressOption = "auto",
) -> Generator[Item, None, None]:
    """Go through items, with a bar that shows itself after a second: a widget in a notebook, a line in a terminal.

    Args:
        items: The items.
        what: What is done, in a word or two.
        unit: What an item is called.
        total: How many there are; their number where None and they have one.
        progress: Whether a bar is shown.
    """
    if not is_shown(progress):
        yield from items
        return
    from tqdm.auto import tqdm  # noqa: PLC0415 - looks at the front end when it is imported

    count = len(items) if total is None and isinstance(items, Sized) else total
    with tqdm(
        total=count,
        desc=what,
        unit=unit,
        file=sys.stderr,
        delay=_SILENT_S,
        dynamic_ncols=True,
        mininterval=0.2,
        leave=False,
    ) as bar:
        for item in items:
            yield item
            bar.update()


def is_shown(progress: ProgressOption) -> bool:
    """Whether a bar is shown here."""
    return progress is True or (progress == "auto" and has_reader())


def has_reader() -> bool:
    """Whether somebody watches: not where a notebook's outputs are compared, nor where errors go to a file."""
    if os.environ.get("AGENTLAB_DISPLAY") == "static":
        return False
    return "ipykernel" in sys.modules or sys.stderr.isatty()
