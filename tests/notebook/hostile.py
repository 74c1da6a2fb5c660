"""Text that tries to become more than text, made up for these tests, and a reader that says what HTML holds."""

from __future__ import annotations

from html.parser import HTMLParser

HOSTILE: tuple[str, ...] = (
    "<script>window.__ran = 1</script>",
    "<ScRiPt src=//x.invalid/a.js></sCrIpT>",
    "<img src=x onerror=window.__ran=1>",
    "<img src=https://x.invalid/?q=secret>",
    "<svg onload=window.__ran=1>",
    "<svg><script>window.__ran=1</script></svg>",
    "<svg><a xlink:href='javascript:window.__ran=1'><text>t</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.__ran=1>",
    "<math href='javascript:window.__ran=1'>m</math>",
    "<iframe srcdoc='<script>parent.__ran=1</script>'></iframe>",
    "<iframe src=javascript:parent.__ran=1>",
    "<object data='data:text/html,<script>window.__ran=1</script>'></object>",
    "<embed src='javascript:window.__ran=1'>",
    "<form action=https://x.invalid><input name=q><button>go</button></form>",
    "<button data-commandlinker-command='runmenu:run-all' data-commandlinker-args='{}'>x</button>",
    "<a data-commandlinker-command='terminal:create-new'>x</a>",
    "<input autofocus onfocus=window.__ran=1>",
    "<details open ontoggle=window.__ran=1>d</details>",
    "<video><source onerror=window.__ran=1></video>",
    "<audio src=x onerror=window.__ran=1>",
    "<body onload=window.__ran=1>",
    "<style>*{background:url(https://x.invalid/)}</style>",
    "<style>@import 'https://x.invalid/a.css';</style>",
    "<link rel=stylesheet href=https://x.invalid/a.css>",
    "<link rel=prefetch href=https://x.invalid/?q=secret>",
    "<meta http-equiv=refresh content='0;url=https://x.invalid'>",
    "<base href=https://x.invalid/>",
    "<div style='position:fixed;inset:0;background:red'>over</div>",
    "<div id=jupyter-config-data name=jupyter-config-data>{}</div>",
    "<a id=jupyterapp href=//x.invalid>clobber</a><a id=jupyterapp name=shell>x</a>",
    "<p class='jp-Notebook lm-Widget'>x</p>",
    "<marquee onstart=window.__ran=1>m</marquee>",
    "<noscript><p title='</noscript><img src=x onerror=window.__ran=1>'>",
    "<textarea><img src=x onerror=window.__ran=1></textarea>",
    "<title><img src=x onerror=window.__ran=1></title>",
    "<xmp><img src=x onerror=window.__ran=1></xmp>",
    "<template><script>window.__ran=1</script></template>",
    "<!--><img src=x onerror=window.__ran=1>-->",
    "<![CDATA[<img src=x onerror=window.__ran=1>]]>",
    "<?xml version='1.0'?><x onclick=window.__ran=1>",
    "<<script>script>window.__ran=1<</script>/script>",
    "<scr\x00ipt>window.__ran=1</scr\x00ipt>",
    "<img src='x' onerror='window.__ran=1' /",
    "</div></div></pre></code><script>window.__ran=1</script>",
    "</summary></details><img src=x onerror=window.__ran=1>",
    "</style></script></title></textarea><svg onload=window.__ran=1>",
    '"><img src=x onerror=window.__ran=1><a b="',
    "' onmouseover='window.__ran=1",
    "[x](javascript:window.__ran=1)",
    "[x](JaVaScRiPt:window.__ran=1)",
    "[x](java\tscript:window.__ran=1)",
    "[x](&#106;avascript:window.__ran=1)",
    "[x](&#x6A;&#x61;vascript&colon;window.__ran=1)",
    "[x](%6Aavascript:window.__ran=1)",
    "[x](<javascript:window.__ran=1>)",
    "[x]( javascript:window.__ran=1 )",
    "[x](vbscript:msgbox)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "[x](//x.invalid/no-scheme)",
    "[x](/lab/api/settings?reset)",
    "[x](#jupyter-config-data)",
    '[x](https://x.invalid/" onclick="window.__ran=1)',
    '[x](https://x.invalid/<a href="y">)',
    '[x][1]\n\n[1]: javascript:window.__ran=1 "t" onclick=1',
    "<javascript:window.__ran=1>",
    '<https://x.invalid/"onclick=window.__ran=1>',
    "![x](https://x.invalid/?q=secret)",
    "![x](javascript:window.__ran=1)",
    '!["><script>window.__ran=1</script>](x "><script>window.__ran=1</script>")',
    "![x][1]\n\n[1]: https://x.invalid/?q=secret",
    "[![x](https://x.invalid/?q=secret)](javascript:window.__ran=1)",
    "```html\n<script>window.__ran=1</script>\n```",
    '```"><script>window.__ran=1</script>\nx\n```',
    "```js onclick=window.__ran=1 class=jp-Notebook\nx\n```",
    "~~~ <img src=x onerror=window.__ran=1>\nx\n~~~",
    "`</code><script>window.__ran=1</script>`",
    "    </code></pre><script>window.__ran=1</script>",
    "| a |\n|---|\n| <img src=x onerror=window.__ran=1> |",
    "| [x](javascript:window.__ran=1) |\n|:-:|\n| ![x](https://x.invalid) |",
    "# <svg onload=window.__ran=1>",
    "99999999999. <script>window.__ran=1</script>",
    "999999999. x",
    "$\\href{javascript:window.__ran=1}{x}$",
    "$$\\unicode{<img src=x onerror=window.__ran=1>}$$",
    "\\(\\require{html}\\style{position:fixed}{x}\\)",
    "&lt;script&gt;window.__ran=1&lt;/script&gt;",
    "&#60;img src=x onerror=window.__ran=1&#62;",
    "\x1b]8;;https://x.invalid\x07click\x1b]8;;\x07",
    "\x1b[2J\x1b[H\x1b]0;title\x07\x9b31m",
    "\u202egnp.exe\u2066 \u200f",
    "\ud800 lone \udfff",
    "> " * 400 + "deep",
    "*a " * 400,
    "[" * 400 + "](x)",
    "<b>" * 400,
    "- " * 300 + "x",
)
EXECUTING: tuple[str, ...] = (
    "<script>window.__ran += 1</script>",
    "<img src=x onerror='window.__ran += 1'>",
)


class Contents(HTMLParser):
    """The tags and attributes of some HTML, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str, str]] = set()
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name, value or "") for name, value in attrs}

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.add("!comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.add("!declaration")

    def unknown_decl(self, data: str) -> None:
        self.tags.add("!declaration")

    def handle_pi(self, data: str) -> None:
        self.tags.add("?instruction")
