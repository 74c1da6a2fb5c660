"""Pictures of every view in every state, light and dark, wide and narrow.

    python -m tests.notebook.gallery docs/gallery [scene ...]

Each is `<scene>-<theme>-<wide|narrow>.png`; the folder's `README.md` shows them side by side. A picture is cut off below
`HEIGHT` pixels and kept to some hundred colours, so that the folder stays small.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.notebook.jupyter_lab import browser
from tests.notebook.page import Theme, WidgetPage
from tests.notebook.scenes import SCENES

__all__ = ["taken"]

THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
WIDTHS: Final = {"wide": 900, "narrow": 400}
HEIGHT: Final = 900
COLORS: Final = 160


def taken(chromium: Browser, scene: str, folder: Path) -> list[Path]:
    """Take the pictures of one scene.

    Args:
        chromium: A running browser.
        scene: One of `SCENES`.
        folder: Where they go.
    """
    files = []
    for size, width in WIDTHS.items():
        page = WidgetPage.open(chromium, width=width, height=HEIGHT)
        with SCENES[scene](page):
            for theme in THEMES:
                page.wear(theme)
                page.pump()
                files.append(folder / f"{scene}-{theme}-{size}.png")
                files[-1].write_bytes(_small(_picture(page, width)))
        page.close()
    return files


def _picture(page: WidgetPage, width: int) -> bytes:
    """What is on the page, without what is empty below it."""
    bottom = page.page.evaluate(
        "Math.ceil(document.querySelector('main').getBoundingClientRect().bottom) + 8"
    )
    return page.page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": min(HEIGHT, bottom)})


def _small(png: bytes) -> bytes:
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _index(scenes: list[str]) -> str:
    """A page that shows them all."""
    lines = [
        "# Every view in every state",
        "",
        "Taken by `python -m tests.notebook.gallery docs/gallery`.",
        "",
    ]
    for scene in scenes:
        lines += [f"## {scene}", "", "| | light | dark |", "|---|---|---|"]
        for size in WIDTHS:
            cells = (f"![{scene}, {theme}, {size}]({scene}-{theme}-{size}.png)" for theme in THEMES)
            lines.append(f"| {size} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Take them all, and say how much they weigh."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenes", nargs="*", help="these alone")
    options = parser.parse_args()
    unknown = sorted(set(options.scenes) - set(SCENES))
    if unknown:
        parser.error(f"there is no scene {', '.join(unknown)}; there are {', '.join(SCENES)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, browser(playwright) as chromium:
        for scene in options.scenes or SCENES:
            for file in taken(chromium, scene, options.folder):
                print(f"{file} {file.stat().st_size / 1000:.1f} kB", flush=True)
    (options.folder / "README.md").write_text(_index(list(SCENES)), encoding="utf-8")
    print(f"{sum(file.stat().st_size for file in options.folder.glob('*.png')) / 1e6:.2f} MB in all")


if __name__ == "__main__":
    main()
