"""Lists that come in pages, from a server that may have no last page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

__all__ = ["all_pages"]

_MOST_PAGES: Final = 100


async def all_pages(
    page_at: Callable[[str | None], Awaitable[Any]], items: str, kind: str, most: int
) -> tuple[list[Any], str]:
    """The items of all pages, and a note of what was left out.

    Args:
        page_at: Asks for the page at a cursor, None for the first.
        items: The attribute of a page that holds its items; its `next_cursor` names the page that follows.
        kind: What is listed, for the note.
        most: Items that are taken.

    Returns:
        The items, and why there may be more; empty where these are all.
    """
    found: list[Any] = []
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        page = await page_at(cursor)
        found += getattr(page, items)
        cursor = page.next_cursor
        if len(found) > most:
            more = f"{len(found) - most:,} more" + (" and further pages" if cursor else "")
            return found[:most], f"it lists more than {most:,} {kind}; {more} are left out"
        if not cursor:
            return found, ""
        if cursor in seen:
            return found, f"its list of {kind} comes back to where it was; what came before is taken"
        seen.add(cursor)
    return found, f"its list of {kind} has more than {_MOST_PAGES} pages; what came before is taken"
