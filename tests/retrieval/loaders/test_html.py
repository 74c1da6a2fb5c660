"""HTML becomes the text a reader sees, whatever stands in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import LoadFailed
from agentlab.retrieval.loaders import load
from agentlab.retrieval.loaders.html import html_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One  <b>bold</b>\n  word</p>", "One bold word"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>x<li>y</ul>", "x\ny"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\tb\nc\td"),
        (
            "<pre>def f():\n    return 1\n\n\n    # end</pre>after",
            "def f():\n    return 1\n\n    # end\n\nafter",
        ),
        ("<pre>    indented</pre>", "    indented"),
        ("x &lt;b&gt; &amp; &nbsp;&eacute;&#233;", "x <b> & éé"),
        ("<script>alert(1)</script><style>p{}</style>seen<!-- not seen -->", "seen"),
        ("<h1>Title</h1>text<h2>Sub</h2>more", "Title\n\ntext\n\nSub\n\nmore"),
        ("<div>a<div>b</div>c</div>", "a\nb\nc"),
        ("<a href='x'>link</a><img alt='no'>", "link"),
        ("<unknown-tag>kept</unknown-tag>", "kept"),
        ("no tags, 1 < 2", "no tags, 1 < 2"),
    ],
)
def test_text_is_what_a_reader_sees(html: str, text: str) -> None:
    assert html_text(html)[0] == text


def test_the_title_or_else_the_first_heading_is_the_title() -> None:
    assert html_text("<head><title>A &amp;\n B</title></head><h1>H</h1>")[1] == "A & B"
    assert html_text("<p>x</p><h2>First <i>head</i></h2><h2>Second</h2>")[1] == "First head"
    assert html_text("<p>x")[1] == ""


@pytest.mark.parametrize(
    "data",
    [
        '<meta charset="windows-1252"><p>grün'.encode("windows-1252"),
        '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>grün'.encode("latin-1"),
        "<p>grün".encode(),
        "<p>grün".encode("utf-16"),
        b"<p>gr\xfcn",
        '<meta charset="nonsense"><p>grün'.encode(),
    ],
)
def test_characters_are_read_by_what_the_page_says_of_them(data: bytes) -> None:
    (document,) = load(data, name="a.html")
    assert document.text == "grün"


def test_a_page_is_a_document_with_its_title() -> None:
    (document,) = load(b"<title>T</title><p>x", name="a.html")
    assert (document.id, document.text, document.metadata) == (
        "a.html",
        "x",
        {"path": "a.html", "title": "T"},
    )
    with pytest.raises(LoadFailed, match="holds no text"):
        list(load(b"<p></p>", name="a.html"))


HOSTILE = {
    "closed scripts": "<script></script>" * 50_000,
    "open scripts": "<script>" * 100_000,
    "open tags": "<a " * 200_000,
    "comments": "<!--" * 200_000,
    "sections": "<![CDATA[" * 100_000,
    "attributes": '<a b="' * 100_000,
    "script": "<script>" + "</" * 300_000,
    "entities": "&" * 500_000,
    "declarations": "<!" * 300_000,
    "formatting that is opened anew": "".join(f"<font color={n}>" for n in range(2000)) + "<p>x" * 50_000,
    "spaces": "<p" + " " * 1_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_inputs_that_take_other_parsers_minutes_are_read(kind: str) -> None:
    text, _ = html_text(HOSTILE[kind])
    assert len(text) <= len(HOSTILE[kind])


def test_elements_nested_without_end_are_refused() -> None:
    with pytest.raises(LoadFailed, match=r"a\.html has elements more than 256 deep"):
        list(load(b"<div>" * 100_000, name="a.html"))
    script = "<script>" + "'<div>'" * 1000 + "</SCRIPT><!--" + "<div>" * 1000 + "-->"
    assert html_text(script + "<p>seen")[0] == "seen"
    assert html_text("<a name=x>y " * 5000)[0].startswith("y y")
    assert html_text("<p>x<br>" * 5000 + "<li>y" * 5000)[0].startswith("x")


@given(st.text(alphabet="<>/ab p!-\"'=&;li\n", max_size=200))
def test_no_input_raises_anything_else(html: str) -> None:
    text, title = html_text(html)
    assert isinstance(text, str)
    assert "\0" not in text + title
