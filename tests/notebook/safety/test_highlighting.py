"""Code in colours: the text stays, a pass takes time in proportion, and text of a model gets no class of its own."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.notebook.safety import code_languages
from agentlab.notebook.safety.code_languages import language_named
from agentlab.notebook.safety.highlighting import COLORED_UP_TO, highlighted
from agentlab.notebook.safety.markdown import StreamingMarkdown, render_markdown
from agentlab.notebook.safety.safe_html import CODE_CLASSES, sanitise
from tests.notebook.hostile import HOSTILE, Contents

LANGUAGES = sorted(code_languages._ROWS)
_CODE = st.text(alphabet="\"'`#/*-<>!=:{}()[]@$\\ \n\tabdefrBF01_.", max_size=80)


def colored(code: str, language: str) -> set[tuple[str, str]]:
    """The pieces of code that stand out, and their classes."""
    found = re.findall(r'<span class="al-(\w)">(.*?)</span>', highlighted(code, language), re.DOTALL)
    return {(name, Contents(text).text) for name, text in found}


@given(_CODE | st.text(max_size=40), st.sampled_from(LANGUAGES))
def test_the_text_of_any_code_stays(code: str, language: str) -> None:
    assert Contents(highlighted(code, language).replace("\r", "&#13;")).text == code


@given(_CODE, st.sampled_from(LANGUAGES))
def test_the_markup_is_what_the_sanitiser_keeps(code: str, language: str) -> None:
    markup = highlighted(code, language)
    assert {value for _, _, value in Contents(markup).attributes} <= set(CODE_CLASSES)
    assert (
        Contents(sanitise(f"<pre><code>{markup}</code></pre>").html).attributes == Contents(markup).attributes
    )


def test_words_strings_comments_and_numbers_of_python_stand_out() -> None:
    code = '@cache\ndef area(r: Radius) -> float:\n    """Of a circle."""\n    return 3.14 * r ** 2  # not exact\n'
    assert colored(code, "python") == {
        ("t", "@cache"),
        ("k", "def"),
        ("f", "area"),
        ("t", "Radius"),
        ("s", '"""Of a circle."""'),
        ("k", "return"),
        ("n", "3.14"),
        ("n", "2"),
        ("c", "# not exact"),
    }


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        ("js", "const x = `a\n${b}`; // note", {("k", "const"), ("s", "`a\n${b}`"), ("c", "// note")}),
        ("json", '{"a": "b", "n": [1.5, true]}', {("t", '"a"'), ("s", '"b"'), ("t", '"n"'), ("n", "1.5"), ("n", "true")}),
        ("SQL", "Select a FROM t -- x", {("k", "Select"), ("k", "FROM"), ("c", "-- x")}),
        ("yaml", "key: 'v' # c", {("t", "key"), ("s", "'v'"), ("c", "# c")}),
        ("rust", "fn f<'a>(x: &'a str) { '\\n' }", {("k", "fn"), ("s", "'\\n'")}),
        ("bash", 'echo "$HOME" $USER --all # c', {("k", "echo"), ("s", '"$HOME"'), ("t", "$USER"), ("t", "--all"), ("c", "# c")}),
        ("html", '<a href="x">t</a><!-- c -->', {("t", "<a"), ("s", '"x"'), ("t", ">"), ("t", "</a>"), ("c", "<!-- c -->")}),
        ("diff", "-old\n+new\n@@ 1 @@", {("c", "-old"), ("s", "+new"), ("t", "@@ 1 @@")}),
    ],
)  # fmt: skip
def test_each_language_by_its_own_rules(language: str, code: str, expected: set[tuple[str, str]]) -> None:
    assert colored(code, language) >= expected


@pytest.mark.parametrize("language", ["", "brainf", "python\x00", "../python", "mermaid"])
def test_an_unknown_language_stays_plain(language: str) -> None:
    assert highlighted("if x: '<b>'", language) == "if x: &#x27;&lt;b&gt;&#x27;"


def test_very_long_code_stays_plain() -> None:
    assert "<span" not in highlighted("if x: pass\n" * (COLORED_UP_TO // 10), "python")


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_made_to_keep_a_pattern_busy_does_not(language: str) -> None:
    """What begins and never ends, put again and again; a pattern that starts over would need minutes for this much."""
    known = language_named(language)
    assert known is not None
    began = time.process_time()
    for piece in ('"""', "/*", "<!--", "`", '"\\', "<a ", "${", '"a" ', "\n", " ", "a.", "a-"):
        assert sum(1 for _ in known.pattern.finditer(piece * (COLORED_UP_TO // len(piece)))) <= COLORED_UP_TO
    assert time.process_time() - began < 3


@pytest.mark.parametrize("language", ["python", "html", "yaml"])
def test_hostile_text_in_a_fence_gets_no_element_but_spans(language: str) -> None:
    fence = "`" * 40
    for text in HOSTILE:
        contents = Contents(render_markdown(f"{fence}{language}\n{text}\n{fence}\n").html)
        assert contents.tags <= {"pre", "code", "span"}
        assert {value for tag, _, value in contents.attributes if tag == "span"} <= set(CODE_CLASSES)


def test_a_model_s_own_spans_are_text() -> None:
    shown = render_markdown('<span class="al-k">x</span>', inline_colors=True).html
    assert shown == '<p>&lt;span class="al-k"&gt;x&lt;/span&gt;</p>\n'


def test_inline_colours_name_the_variables_of_the_page_and_nothing_else() -> None:
    shown = render_markdown("```python\nreturn 'x'\n```\n", inline_colors=True).html
    styles = {value for _, name, value in Contents(shown).attributes if name == "style"}
    assert styles == {"color: var(--al-k)", "color: var(--al-s)"}
    assert "style" not in sanitise(shown).html


def test_the_newest_lines_of_a_long_open_fence_are_coloured_at_once() -> None:
    stream = StreamingMarkdown()
    stream.feed("```python\n" + "x = 1\n" * 1_000)
    stream.tail  # noqa: B018 - reading it renders
    stream.feed("y = 2\nreturn 'z'")
    assert stream.tail.html.rstrip().endswith(
        'y = 2\n<span class="al-k">return</span> <span class="al-s">\'z\'</span></code></pre>'
    )
