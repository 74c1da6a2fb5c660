"""What a view owes to readers who see little, use no mouse, or listen: on a plain page in JupyterLab's colours."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.notebook.conftest import OpenPage
from tests.notebook.contrast import FAINT
from tests.notebook.page import WidgetPage
from tests.notebook.scenes import SCENES

THEME_NAMES = ("light", "dark")
AXE = Axe()
WHOLE_PAGE = ("region", "landmark-one-main", "page-has-heading-one", "bypass")  # a cell's output is no page


@pytest.mark.parametrize("scene", SCENES)
def test_a_view_can_be_read_heard_and_used_by_everybody(open_page: OpenPage, scene: str) -> None:
    page = open_page("light")
    with SCENES[scene](page):
        controls, reached = walked(page)
        page.page.evaluate(
            "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"
        )
        wrong = {}
        for theme in THEME_NAMES:
            page.wear(theme)
            wrong[theme] = (violations(page), faint(page))
        page.page.set_viewport_size({"width": 360, "height": 800})
        width = page.page.evaluate("document.documentElement.scrollWidth")
    assert wrong == {"light": ([], []), "dark": ([], [])}
    assert reached == controls
    assert width <= 360


def test_a_faint_text_a_nameless_button_and_a_ring_that_is_taken_away_are_found(open_page: OpenPage) -> None:
    page = open_page("dark")
    page.show(
        "<p style='color: #777'>faint</p><button style='outline: none'></button><button tabindex=-1>never</button>"
    )
    assert "button-name" in [rule for rule, _ in violations(page)]
    assert [text for text, _ in faint(page)] == ["faint"]
    controls, reached = walked(page)
    assert (len(controls), reached) == (2, [])


def violations(page: WidgetPage) -> list[tuple[str, Any]]:
    """What axe-core has to say: rule, and where."""
    if not page.page.evaluate("'axe' in window"):
        page.page.evaluate(AXE.axe_script)
    rules = {rule: {"enabled": False} for rule in WHOLE_PAGE}
    options = {"resultTypes": ["violations"], "rules": rules}
    found: list[dict[str, Any]] = page.page.evaluate(VIOLATIONS, options)
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


def faint(page: WidgetPage) -> list[tuple[str, float]]:
    """Texts whose contrast with what lies behind them is below 4.5:1."""
    found: list[tuple[str, float]] = page.page.evaluate(FAINT, "main")
    return found


def walked(page: WidgetPage) -> tuple[list[str], list[str]]:
    """The controls of the page in order, and those that Tab reaches and a ring marks."""
    controls: list[str] = page.page.evaluate(CONTROLS)
    reached: list[str] = []
    for _ in range(3 * len(controls) + 2):  # one that comes into view can bring a button with it
        page.page.keyboard.press("Tab")
        at = page.page.evaluate(FOCUSED)
        if at is None:
            break
        if at not in reached:
            reached.append(at)
    return controls, [at for at in controls if at in reached]


# What was not violated is half a hundred kilobytes, and stays on the page.
VIOLATIONS = "(options) => axe.run(options).then(({ violations }) => violations)"
CONTROLS = """() => {
  window.__named = (node) => node.dataset.control ??= `${window.__count = (window.__count ?? 0) + 1} ` +
    `${node.tagName.toLowerCase()}.${node.className} ${(node.ariaLabel ?? node.textContent).trim().slice(0, 30)}`;
  const kinds = "button, summary, a[href], input, textarea, select, [tabindex]";
  return [...document.querySelectorAll(kinds)].filter((node) => node.checkVisibility({ visibilityProperty: true }) &&
    !node.disabled).map(window.__named);
}"""
FOCUSED = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const style = getComputedStyle(node);
  const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return ringed ? window.__named(node) : "no ring";
}"""
