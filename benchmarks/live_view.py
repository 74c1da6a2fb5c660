"""The live view beside the two ways a user would otherwise show a stream, in a real JupyterLab and a real browser.

    python -m benchmarks.live_view [--small] [--ours] [--rounds 3] [--write benchmarks/results]

One row a way and a load, the ways taking turns: messages a second and bytes that the page received over its sockets,
milliseconds from the last token to the page, whether every token stands there in the end, processor seconds of the kernel, and how long the page's main
thread was blocked by tasks of 50 ms and more. `agentlab, 5 % lost` is the live view on a channel that drops every twentieth
message. Each measurement has a page and a kernel of its own. A way that has not shown the last token `PATIENCE_S` after it
was made counts as never.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import median
from typing import Final

from msgspec import Struct
from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

from benchmarks.peers import script
from benchmarks.peers.figure import Panel, drawn
from benchmarks.peers.report import machine
from benchmarks.peers.results import Figures, keep_figures
from tests.notebook.jupyter_lab import Lab, Notebook, browser, serve

__all__ = ["BARS", "LOADS", "WAYS", "Load", "Row", "measure", "table"]

PATIENCE_S: Final = 45.0
KERNEL: Final = (Path(__file__).parent / "live_view_kernel.py").read_text(encoding="utf-8")
PROBE: Final = (Path(__file__).parent / "live_view_probe.js").read_text(encoding="utf-8")
WAYS: Final = {
    "agentlab": "agentlab_view",
    "agentlab, 5 % lost": "lossy_view",
    "update_display(Markdown)": "markdown_display",
    "ipywidgets.HTML": "html_widget",
}
SHOWN_BY: Final = {
    "agentlab_view": ".al-text, .agentlab-run",
    "lossy_view": ".al-text",
    "markdown_display": ".jp-RenderedMarkdown",
    "html_widget": ".widget-html-content",
}
COUNT_MESSAGES: Final = """
window.__messages = 0;
const Bare = window.WebSocket;
window.WebSocket = class extends Bare {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", () => { window.__messages += 1; });
  }
};
"""
"""Run in the page before its own scripts."""


class Load(Struct, frozen=True):
    """A stream.

    Attributes:
        tokens: How many tokens.
        per_second: How fast they come; infinite: all at once.
    """

    tokens: int
    per_second: float

    @property
    def name(self) -> str:
        """What a reader calls it."""
        pace = "burst" if math.isinf(self.per_second) else f"{self.per_second:,.0f}/s"
        return f"{self.tokens:,} tokens, {pace}"


class Row(Struct, frozen=True):
    """What one way did with one load; the median of its repeats.

    Attributes:
        way: How it was shown.
        load: What was shown.
        messages_per_s: Received by the page over its sockets, from the first token until it stood still.
        megabytes: Received by the page over its sockets, in 10^6 bytes.
        last_ms: Milliseconds from the last token to the page; None: never.
        shown: How many of the tokens stood on the page in the end, in order.
        kernel_s: Processor seconds of the kernel.
        blocked_s: Seconds in which the page's main thread was busy with one task of 50 ms or more.
    """

    way: str
    load: Load
    messages_per_s: float
    megabytes: float
    last_ms: float | None
    shown: int
    kernel_s: float
    blocked_s: float


class Bar(Struct, frozen=True):
    """What the live view must keep.

    Attributes:
        megabytes: At most so much over the socket; None: whatever it takes.
        last_ms: At most so long from the last token to the page.
    """

    megabytes: float | None
    last_ms: float | None


LOADS: Final = (Load(2_000, 500), Load(2_000, math.inf), Load(20_000, 800), Load(20_000, math.inf))
BARS: Final = {
    LOADS[0]: Bar(0.15, 100),
    LOADS[1]: Bar(None, None),
    LOADS[2]: Bar(1, 200),
    LOADS[3]: Bar(None, None),
}


def measure(chromium: Browser, lab: Lab, way: str, load: Load) -> Row:
    """Show a load in one way, once, in a page and a kernel of its own.

    Args:
        chromium: A running browser.
        lab: A running server.
        way: One of `WAYS`.
        load: What to show.
    """
    function = WAYS[way]
    pace = "float('inf')" if math.isinf(load.per_second) else str(load.per_second)
    cells = (KERNEL, f"await measured({function}, {load.tokens}, {pace})", "print(figures())")
    page = chromium.new_page(viewport={"width": 1000, "height": 900})
    page.add_init_script(COUNT_MESSAGES)
    notebook = Notebook.open_in(page, lab, lab.write("measured.ipynb", *cells))
    page.on("dialog", lambda dialog: dialog.accept())
    try:
        notebook.run(0)
        page.evaluate(PROBE)
        page.evaluate(
            "([selector, last]) => window.__probe.watch(selector, last)",
            [SHOWN_BY[function], _token(load.tokens - 1)],
        )
        before, messages = notebook.received(), page.evaluate("window.__messages")
        notebook.start(1)
        _await_last(notebook, load)
        arrived_at = page.evaluate("window.__probe.arrivedAt")
        received = notebook.received() - before
        messages = page.evaluate("window.__messages") - messages
        ended_at = page.evaluate("Date.now()") if arrived_at is None else arrived_at
        shown = page.evaluate("(selector) => window.__probe.tokens(selector)", SHOWN_BY[function])
        blocked = page.evaluate("window.__probe.blockedMs")
        if arrived_at is None:
            page.evaluate("() => { jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
            notebook.wait_idle(180)
        notebook.run_after_an_error(2, 180)
        figures = json.loads(notebook.output(2).strip().splitlines()[-1])
    finally:
        notebook.close()
    return Row(
        way,
        load,
        messages / max(ended_at / 1000 - figures["began_at"], 0.001),
        received / 1e6,
        None if arrived_at is None else arrived_at - 1000 * figures["last_at"],
        _in_order(shown),
        figures["kernel_s"],
        blocked / 1000,
    )


def _await_last(notebook: Notebook, load: Load) -> None:
    """Until the last token is shown and the page has rested, or for as long as anybody would wait."""
    lasts = 0 if math.isinf(load.per_second) else load.tokens / load.per_second
    try:
        notebook.page.wait_for_function(
            "window.__probe.arrivedAt !== null", timeout=1000 * (lasts + PATIENCE_S)
        )
    except NotInTime:
        return
    notebook.page.wait_for_timeout(1500)


def _token(number: int) -> str:
    return f"w{number:05}"


def _in_order(shown: list[int]) -> int:
    """How many of the tokens there are, from the first, none missing and none twice."""
    return next((place for place, number in enumerate(shown) if number != place), len(shown))


def _gathered(rows: list[Row]) -> Row:
    """The median of the repeats of one way and load; never, where one never came."""
    lags = [row.last_ms for row in rows if row.last_ms is not None]
    return Row(
        rows[0].way,
        rows[0].load,
        median(row.messages_per_s for row in rows),
        median(row.megabytes for row in rows),
        median(lags) if len(lags) == len(rows) else None,
        min(row.shown for row in rows),
        median(row.kernel_s for row in rows),
        median(row.blocked_s for row in rows),
    )


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| load | shown by | messages a second | MB | last token to page | tokens on the page | kernel CPU s | main thread blocked s |"
    ]
    lines.append("|---|---|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        last = "never" if row.last_ms is None else f"{row.last_ms:,.0f} ms"
        lines.append(
            f"| {row.load.name} | {row.way} | {row.messages_per_s:.0f} | {row.megabytes:.3f} | {last} | {row.shown:,} of {row.load.tokens:,}"
            f" | {row.kernel_s:.2f} | {row.blocked_s:.2f} |"
        )
    return "\n".join(lines)


def missed(row: Row) -> list[str]:
    """Which bars a row of the live view misses, in words."""
    bar, found = BARS[row.load], []
    if row.shown < row.load.tokens or row.last_ms is None:
        found.append(f"{row.load.name}, {row.way}: {row.shown:,} of {row.load.tokens:,} tokens on the page")
    if bar.megabytes is not None and row.way == "agentlab" and row.megabytes >= bar.megabytes:
        found.append(f"{row.load.name}: {row.megabytes:.3f} MB, the bar is {bar.megabytes} MB")
    if bar.last_ms is not None and row.way == "agentlab" and (row.last_ms or 0) >= bar.last_ms:
        found.append(
            f"{row.load.name}: last token after {row.last_ms:.0f} ms, the bar is {bar.last_ms:.0f} ms"
        )
    return found


def figure(rows: list[Row]) -> str:
    """The rows of the paced loads, a panel a measure."""
    paced = [row for row in rows if not math.isinf(row.load.per_second)]
    names = {f"{row.way}, {row.load.tokens:,}": row for row in paced}
    kinds = {name: "ours" if row.way.startswith("agentlab") else "sdk" for name, row in names.items()}
    panels = (
        Panel("messages a second", {name: row.messages_per_s for name, row in names.items()}),
        Panel("MB to the page", {name: row.megabytes for name, row in names.items()}),
        Panel("last token to the page (ms)", {name: row.last_ms or 0 for name, row in names.items()}),
    )
    return drawn("The live view beside other ways to show a stream", panels, kinds)


def kept_for_goals(rows: list[Row]) -> Figures:
    """What the live view's goals are about, of the paced loads."""
    found: Figures = {}
    for row in rows:
        if row.way == "agentlab" and not math.isinf(row.load.per_second):
            name = f"live view, {row.load.tokens:,} tokens"
            found[f"{name}, MB to the page"] = row.megabytes
            if row.last_ms is not None:
                found[f"{name}, ms from the last one to the page"] = row.last_ms
    return found


def _versions(chromium: Browser) -> str:
    names = ("agentlab", "jupyterlab", "ipykernel", "ipywidgets", "anywidget", "playwright")
    return f"{', '.join(f'{name} {version(name)}' for name in names)}, Chromium {chromium.version}."


def _measured(playwright: Playwright, lab: Lab, options: argparse.Namespace) -> tuple[list[Row], str]:
    ways = [way for way in WAYS if way.startswith("agentlab")] if options.ours else list(WAYS)
    loads = LOADS[:2] if options.small else LOADS
    found: dict[tuple[Load, str], list[Row]] = {(load, way): [] for load, way in product(loads, ways)}
    with browser(playwright) as chromium:
        versions = _versions(chromium)
        for load in loads:
            for _ in range(options.rounds if load.tokens <= 2_000 else 1):
                for way in ways:
                    found[load, way].append(measure(chromium, lab, way, load))
                    print(table([found[load, way][-1]]).splitlines()[-1], flush=True)
    return [_gathered(rows) for rows in found.values()], versions


def write(rows: list[Row], versions: str, rounds: int, folder: Path) -> None:
    """Write the table and the figure."""
    folder.mkdir(parents=True, exist_ok=True)
    about = f"Medians of {rounds} rounds in turn for 2,000 tokens, one round for 20,000; a page and a kernel each time."
    (folder / "live_view.md").write_text(
        f"# The live view beside other ways to show a stream\n\n{about}\n\n{table(rows)}\n\n![](live_view.svg)\n\n"
        f"{machine()}\n\n{versions}\n",
        encoding="utf-8",
    )
    (folder / "live_view.svg").write_text(figure(rows), encoding="utf-8")


def main() -> None:
    """Measure, print the table, and fail where the live view misses a bar."""
    parser = script.options(__doc__, rounds=3)
    parser.add_argument("--ours", action="store_true", help="the live view alone, without the other ways")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as lab, sync_playwright() as playwright:
        rows, versions = _measured(playwright, lab, options)
    print(f"\n{table(rows)}\n")
    if options.write:
        write(rows, versions, options.rounds, options.write)
    if options.keep:
        keep_figures("live_view", kept_for_goals(rows), options.keep)
    misses = [line for row in rows if row.way.startswith("agentlab") for line in missed(row)]
    if misses:
        sys.exit("\n".join(misses))


if __name__ == "__main__":
    main()
