"""The only type that may be shown as HTML."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join, sanitise
from tests.notebook.hostile import Contents


def test_nothing_but_its_module_can_make_one() -> None:
    with pytest.raises(TypeError):
        SafeHTML(object(), "<script></script>")


def test_it_does_not_join_with_a_string() -> None:
    with pytest.raises(TypeError):
        escape("a") + "<script>"  # type: ignore[operator] - that it fails is the point


@given(st.text())
def test_escaped_text_reads_back_as_itself(text: str) -> None:
    contents = Contents(f'<p title="{escape(text).html}">{escape(text).html}</p>')
    plain = text.replace("\x00", "\ufffd")
    assert contents.tags == {"p"}
    assert contents.text == plain
    assert contents.attributes == {("p", "title", plain)}


def test_strings_in_an_element_are_escaped_and_safe_html_is_kept() -> None:
    built = element("div", "<b>", element("em", "x"), title='"<', class_="a", style=None)
    assert built.html == '<div title="&quot;&lt;" class="a">&lt;b&gt;<em>x</em></div>'


@pytest.mark.parametrize("tag", ["script", "style", "iframe", "svg", "img", "link", "a b", "x>", ""])
def test_an_element_that_could_act_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="no tag"):
        element(tag, "x")


def test_a_pickle_is_cleaned_when_it_is_read() -> None:
    made = join([element("div", "x", style="color: red"), element("em", "y")])
    assert pickle.loads(pickle.dumps(made)) == sanitise(made.html)
    assert "style" not in pickle.loads(pickle.dumps(made)).html


def test_a_copy_is_the_same() -> None:
    made = element("div", "x", style="color: red")
    assert copy.deepcopy(made) is made
    assert copy.copy(made) is made


def test_equal_markup_is_equal_and_empty_is_false() -> None:
    assert escape("a") == escape("a")
    assert {escape("a"), escape("a")} == {escape("a")}
    assert not escape("")
    assert escape("a").__html__() == "a"


def test_alone_in_an_output_it_is_kept_from_mathjax() -> None:
    assert escape("$a$")._repr_html_() == '<div class="mathjax_ignore tex2jax_ignore">$a$</div>'
