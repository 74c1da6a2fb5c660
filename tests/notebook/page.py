"""A plain page that shows a widget, its Python side beside it: JupyterLab's colours without JupyterLab, in a tenth of the time.

The page hosts an anywidget as a notebook does: its module and style sheet, its synced state, messages both ways. What a
thread of Python sends is kept until `pump` carries it over, for a page of Playwright belongs to one thread.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from anywidget import AnyWidget
from playwright.sync_api import Browser, Page

Theme = Literal["light", "dark"]
THEMES = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"
LAYOUT = """
body { background: var(--jp-layout-color0); color: var(--jp-content-font-color1); margin: 8px;
  font: 14px/1.6 var(--jp-content-font-family); }
.jp-RenderedHTMLCommon a { color: var(--jp-content-link-color); }
"""
HOST = """
window.__ran = 0;
window.__outbox = [];
window.__models = {};
window.__host = async (id, state) => {
  const listeners = new Map();
  const tell = (name, ...values) => { for (const one of [...(listeners.get(name) ?? [])]) one(...values); };
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes: () => {},
    send: (content) => { window.__outbox.push([id, content]); },
    on: (name, listener) => { listeners.set(name, [...(listeners.get(name) ?? []), listener]); },
    off: (name, listener) => {
      listeners.set(name, (listeners.get(name) ?? []).filter((one) => listener && one !== listener));
    },
  };
  window.__models[id] = {
    update: (changed) => {
      Object.assign(state, changed);
      for (const name of Object.keys(changed)) tell(`change:${name}`);
    },
    custom: (content) => tell("msg:custom", content),
    render: async () => {
      const el = document.createElement("div");
      document.querySelector("main").append(el);
      await definition.render?.({ model, el });
    },
  };
  const style = document.createElement("style");
  style.textContent = state._css;
  document.head.append(style);
  const address = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
  const exported = (await import(address)).default;
  const definition = typeof exported === "function" ? await exported() : exported;
  await definition.initialize?.({ model });
  await window.__models[id].render();
};
window.__carry = (messages) => {
  for (const [id, method, content] of messages) window.__models[id]?.[method](content);
  return window.__outbox.splice(0);
};
"""
POLL_MS = 10


class WidgetPage:
    """A page with JupyterLab's light or dark colours.

    Attributes:
        page: The page of Playwright.
        sent: What widgets on it have sent to Python, in order.
        requests: Addresses it has asked for.
        errors: What its console and its scripts complained of.
        loses: Asked for each message to the page whether it is lost on the way; none is, unless a test says so.
        lost: How many were.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: list[Any] = []
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.loses: Callable[[], bool] = lambda: False
        self.lost = 0
        self._widgets: dict[str, AnyWidget] = {}
        self._pending: deque[tuple[str, str, Any]] = deque()

    @classmethod
    def open(
        cls, chromium: Browser, theme: Theme = "light", *, width: int = 900, height: int = 800
    ) -> WidgetPage:
        """Open an empty one."""
        page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
        opened = cls(page)
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.on("console", lambda said: opened.errors.append(said.text) if said.type == "error" else None)
        page.set_content(
            f"<!doctype html><html lang=en><head><title>a widget</title><style id=theme></style><style>{LAYOUT}</style>"
            "</head><body><main></main></body></html>"
        )
        opened.wear(theme)
        page.evaluate(f"() => {{{HOST}}}")
        return opened

    def wear(self, theme: Theme) -> None:
        """Change the colours, as the reader does in JupyterLab's settings."""
        self.page.emulate_media(color_scheme=theme)
        self.page.evaluate(
            "([colors, light]) => { document.querySelector('#theme').textContent = colors;"
            " document.body.dataset.jpThemeLight = light; }",
            [theme_colors(theme), str(theme == "light").lower()],
        )

    def mount(self, widget: AnyWidget) -> None:
        """Show a widget, and connect it with its Python side."""
        name = widget.model_id
        self._widgets[name] = widget
        widget.comm.publish_msg = lambda _kind, data=None, **_rest: self._take(name, data or {})
        state = {key: value for key, value in widget.get_state().items() if not hasattr(value, "model_id")}
        self.page.evaluate("([id, state]) => window.__host(id, state)", [name, state])
        self.pump()

    def show_again(self, widget: AnyWidget) -> None:
        """Show a mounted widget a second time on this page."""
        self.page.evaluate("(id) => window.__models[id].render()", widget.model_id)
        self.pump()

    def show(self, markup: str) -> None:
        """Put HTML on the page, as the output of a trusted cell."""
        self.page.evaluate(
            "(markup) => { document.querySelector('main').innerHTML ="
            " `<div class=jp-RenderedHTMLCommon>${markup}</div>`; }",
            markup,
        )

    def pump(self, *, paints: bool = True) -> None:
        """Carry messages over until neither side has any, and let the page paint."""
        while True:
            batch = [self._pending.popleft() for _ in range(len(self._pending))]
            answers = self.page.evaluate("(batch) => window.__carry(batch)", batch)
            for name, content in answers:
                self.sent.append(content)
                self._widgets[name]._handle_msg(
                    {"content": {"data": {"method": "custom", "content": content}}, "buffers": []}
                )
            if not answers and not self._pending:
                break
        if paints:
            self.page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )

    def wait_for(self, condition: str, timeout_s: float = 10) -> None:
        """Carry messages over until an expression in JavaScript is true."""
        for _ in range(int(timeout_s * 1000 / POLL_MS)):
            self.pump()
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(
                POLL_MS
            )  # threads of Python are at work: there is no event in the page to wait for
        raise AssertionError(f"never true: {condition}")

    def text(self) -> str:
        """What a reader sees."""
        return self.page.locator("main").inner_text()

    def close(self) -> None:
        """Close it, and with it the widgets on it."""
        for widget in self._widgets.values():
            widget.close()
        self.page.close()

    def _take(self, name: str, data: dict[str, Any]) -> None:
        if self.loses():
            self.lost += 1
            return
        if data.get("method") == "update":
            state = {key: value for key, value in data["state"].items() if not hasattr(value, "model_id")}
            self._pending.append((name, "update", state))
        elif data.get("method") == "custom":
            self._pending.append((name, "custom", data["content"]))


def theme_colors(theme: Theme) -> str:
    """The variables of JupyterLab's theme, from the JupyterLab that is installed."""
    sheet = (THEMES / f"theme-{theme}-extension/index.css").read_text(encoding="utf-8")
    rules = re.search(r":root\s*\{[^}]*\}", sheet)
    assert rules is not None, f"JupyterLab's {theme} theme sets no variables any more: look at {THEMES}"
    return rules[0]
