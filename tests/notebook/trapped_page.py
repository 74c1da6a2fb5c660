"""A page that shows HTML the way notebooks do, touches all of it as a reader might, and notices what runs and what leaves.

JupyterLab sets a trusted output's HTML and then evaluates its script tags; nbconvert writes it into a page. Both are done
here. Nothing is reachable: each request is noted and refused. Nothing is laid out either, for that takes most of the time
and only what CSS would fetch hangs on it: a style that fetches is found where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, Request, Route

TRAP = (Path(__file__).parent / "trap.js").read_text(encoding="utf-8")
ADDRESS = "http://trap.invalid/"
BLANK = "<!doctype html><html><head><title>trap</title></head><body><main hidden></main></body></html>"


class Caught(NamedTuple):
    """What happened while something was shown.

    Attributes:
        executions: What ran: the call, and the payload's place among those exposed where that is known.
        requests: Addresses asked for.
        foreign: Elements and attributes that no view of ours makes.
        characters: Length of the text on the page, so that a page with nothing on it proves nothing.
    """

    executions: tuple[tuple[str, int | None], ...]
    requests: tuple[str, ...]
    foreign: tuple[str, ...]
    characters: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing ran, nothing left, and nothing foreign stood there."""
        return not (self.executions or self.requests or self.foreign)


class TrappedPage:
    """One page of a browser.

    Args:
        chromium: The browser.
    """

    def __init__(self, chromium: Browser) -> None:
        self._context = chromium.new_context(service_workers="block")
        self._context.add_init_script(TRAP)
        self._requests: list[str] = []
        self._context.route("**/*", self._answer)
        self._context.on("page", self._noticed)
        self._page = self._opened()

    def show(self, pieces: Sequence[str], rest_ms: int = 20) -> Caught:
        """Show pieces of HTML, each as an output of its own and all as one page."""
        return self._caught("([pieces, ms]) => __show(pieces, ms)", [list(pieces), rest_ms])

    def paint(self, painting: dict[str, Any], rest_ms: int = 20) -> Caught:
        """Paint a widget from its `module`, its `state` and the `messages` it is sent."""
        return self._caught("([painting, ms]) => __paint(painting, ms)", [painting, rest_ms])

    def expose(self, payloads: Sequence[str], rest_ms: int = 150) -> Caught:
        """Show payloads as they stand, each in frames of its own: what the trap must catch."""
        caught = self._caught("([payloads, ms]) => __expose(payloads, ms)", [list(payloads), rest_ms])
        self._page.close()
        self._page = self._opened()  # what a payload has left behind must not count for the next
        return caught

    def close(self) -> None:
        """Close it."""
        self._context.close()

    def _caught(self, call: str, values: list[Any]) -> Caught:
        self._requests.clear()
        answer = self._page.evaluate(call, values) or {}
        hits = self._page.evaluate("() => __hits.splice(0)")
        return Caught(
            tuple((hit["how"], hit["index"]) for hit in hits),
            tuple(self._requests),
            tuple(answer.get("foreign", ())),
            answer.get("text", 0),
        )

    def _opened(self) -> Page:
        page = self._context.new_page()
        page.goto(ADDRESS)
        self._requests.clear()
        return page

    def _answer(self, route: Route, request: Request) -> None:
        if request.url == ADDRESS and request.is_navigation_request() and request.frame.parent_frame is None:
            route.fulfill(body=BLANK, content_type="text/html")
            return
        self._requests.append(request.url)
        route.abort()

    def _noticed(self, page: Page) -> None:
        page.on("dialog", lambda dialog: dialog.dismiss())
