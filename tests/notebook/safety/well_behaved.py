"""Good Markdown, as models write it, and what a reader should find of it: 200 samples made up for these tests.

A sample is a text and its skeleton: the elements in the order they open, nested ones in brackets behind their parent.
"""

from __future__ import annotations

from itertools import product
from typing import Final

__all__ = ["SAMPLES"]

Sample = tuple[str, str]

_INLINE: Final[tuple[Sample, ...]] = (
    ("plain words", ""),
    ("*stressed*", "em"),
    ("**strong**", "strong"),
    ("***both***", "em(strong)"),
    ("_a_ and __b__", "em strong"),
    ("snake_case_name stays", ""),
    ("`code`", "code"),
    ("``a ` tick``", "code"),
    ("`<b>` as code", "code"),
    ("~~gone~~", "s"),
    ("[a link](https://a.invalid)", "a"),
    ('[*a* link](https://a.invalid "title")', "a(em)"),
    ("[mail](mailto:a@b.invalid)", "a"),
    ("<https://a.invalid/?b=1&c=2>", "a"),
    ("a < b && c > d", ""),
    ("5 * 3 * 2 and 2 ** 3", ""),
    ("\\*not stressed\\*", ""),
    ("&copy; 2026 &lt;b&gt;", ""),
    ("price $5 to $10, $x^2$", ""),
    ("a line  \nbroken", "br"),
    ("a line\\\nbroken", "br"),
    ("soft\nbreak", ""),
    ("![a chart](https://a.invalid/x.png)", "span"),
    ("naïve 🙂 العربية 中文", ""),
    ("`a`, *b* and **c**", "code em strong"),
)
_BLOCKS: Final[tuple[Sample, ...]] = (
    ("{}", "p"),
    ("text before\n\n{}", "p p"),
    ("# {}", "h1"),
    ("### {} ###", "h3"),
    ("> {}", "blockquote(p)"),
    ("- {}\n- two", "ul(li li)"),
    ("3. {}\n4. two", "ol(li li)"),
)
_WHOLE: Final[tuple[Sample, ...]] = (
    ("one\n\ntwo", "p p"),
    ("Title\n=====\n\ntext", "h1 p"),
    ("Title\n-----\n\ntext", "h2 p"),
    ("## a\n#### b\n##### c\n###### d", "h2 h4 h5 h6"),
    ("a\n\n---\n\nb", "p hr p"),
    ("* * *", "hr"),
    ("```\nx = 1\n```", "pre(code)"),
    ("```python\nx < 1\n```", "pre(code)"),
    ("~~~js\nx\n~~~", "pre(code)"),
    ("````\n```\nx\n```\n````", "pre(code)"),
    ("```python\nopen to the end", "pre(code)"),
    ("    indented code", "pre(code)"),
    ("text\n\n    indented\n    code\n\ntext", "p pre(code) p"),
    ("- a\n- b\n  - c\n  - d", "ul(li li(ul(li li)))"),
    ("- a\n\n- b", "ul(li(p) li(p))"),
    ("1. a\n   ```sh\n   ls\n   ```\n2. b", "ol(li(pre(code)) li)"),
    ("- a\n\n  more of a\n- b", "ul(li(p p) li(p))"),
    ("1. a\n   - b\n     1. c", "ol(li(ul(li(ol(li)))))"),
    ("+ a\n+ b", "ul(li li)"),
    ("* a\n* b", "ul(li li)"),
    ("1) a\n2) b", "ol(li li)"),
    ("- a\n1. b", "ul(li) ol(li)"),
    ("> a\n> > b", "blockquote(p blockquote(p))"),
    ("> # a\n> - b", "blockquote(h1 ul(li))"),
    ("> ```\n> x\n> ```", "blockquote(pre(code))"),
    ("| a | b |\n|---|---|\n| 1 | 2 |", "table(thead(tr(th th)) tbody(tr(td td)))"),
    ("| a |\n|:-:|\n| *1* |\n| `2` |", "table(thead(tr(th)) tbody(tr(td(em)) tr(td(code))))"),
    ("a | b\n:--|--:\n1 | 2", "table(thead(tr(th th)) tbody(tr(td td)))"),
    ("| a |\n|---|", "table(thead(tr(th)))"),
    ("text\n\n| a |\n|---|\n| 1 |\n\ntext", "p table(thead(tr(th)) tbody(tr(td))) p"),
    ("[a][x]\n\n[x]: https://a.invalid", "p(a)"),
    ("[x]\n\n[x]: https://a.invalid 'title'", "p(a)"),
    ("# a\n\ntext with `code`\n\n- one\n- two\n\n> said", "h1 p(code) ul(li li) blockquote(p)"),
    ("**Note:** see [it](https://a.invalid).\n\n1. first\n2. second", "p(strong a) ol(li li)"),
    ("a\r\n\r\nb\r\n", "p p"),
    ("- [ ] to do\n- [x] done", "ul(li li)"),
    ("Term\n: no definition list", "p"),
    ("<div>shown as text</div>", "p"),
    ("&nbsp;\n\nx", "p p"),
    ("1986\\. A year", "p"),
    ("2026. twelve", "ol(li)"),
    ("\ttab code", "pre(code)"),
    ("a\n***\nb", "p hr p"),
    ("- \n\n  a", "ul(li) p"),
    ("**a\n\nb**", "p p"),
    ("[not a link](", "p"),
    ("`open tick", "p"),
    ("$$\nx^2\n$$", "p"),
    ("\\[ x^2 \\]", "p"),
    ("", ""),
)


def _inside(block: str, inner: str) -> str:
    """The skeleton of a block with inline elements in its first innermost place."""
    if not inner:
        return block
    if block.endswith("p)"):
        return block[:-1] + f"({inner}))"
    return block.replace("(li li)", f"(li({inner}) li)") if "(li li)" in block else f"{block}({inner})"


SAMPLES: Final[tuple[Sample, ...]] = (
    *_WHOLE,
    *(
        (block.replace("{}", text), _inside(skeleton, inner))
        for (block, skeleton), (text, inner) in product(_BLOCKS, _INLINE)
        if not ("\n" in text and block.startswith(("#", ">", "-", "3")))
    ),
)
