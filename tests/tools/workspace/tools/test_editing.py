"""Edits change what they name and nothing else, to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ToolError
from agentlab.tools.workspace.tools.editing import inserted, replaced

TEXT = st.lists(st.sampled_from(["a", "b", "ab", " ", "\n", "\r\n", "\r", "é"]), max_size=30).map("".join)
PART = st.lists(st.sampled_from(["a", "b", " ", "\n"]), min_size=1, max_size=4).map("".join)


@given(TEXT, PART, st.text("xy", max_size=3))
def test_with_one_kind_of_line_end_a_replacement_is_that_of_the_plain_text(text, old, new):
    plain = text.replace("\r\n", "\n")
    for ending in ("\n", "\r\n"):
        given_text = plain.replace("\n", ending)
        try:
            edited = replaced("f", given_text, old, new, replace_all=True)
        except ToolError:
            assert old not in plain
            continue
        assert edited.text == plain.replace(old, new).replace("\n", ending)
        assert edited.changes == plain.count(old)
        assert edited.first_line == plain[: plain.index(old)].count("\n") + 1


@given(TEXT, PART, st.text("xy\n", max_size=8), TEXT)
def test_what_stands_around_a_replacement_stays_as_it_is(before, old, new, after):
    marked = f"<<{old}>>"
    text = before + marked + after
    edited = replaced("f", text, marked, f"[{new}]")
    assert edited.text.startswith(before + "[")
    assert edited.text.endswith("]" + after)
    assert edited.text[len(before) : len(edited.text) - len(after)].replace("\r\n", "\n") == "[{}]".format(
        new.replace("\r\n", "\n")
    )


@pytest.mark.parametrize(
    ("text", "old", "new", "result"),
    [
        ("a\r\nb\r\nc\n", "a\nb", "x\ny", "x\r\ny\r\nc\n"),
        ("a\r\nb\nc\n", "b\nc", "x\ny", "a\r\nx\ny\n"),
        ("a\r\nb\r\n", "b", "x\ny", "a\r\nx\r\ny\r\n"),
        ("a\nb\n", "b", "x\r\ny", "a\nx\ny\n"),
        ("a\r\nb\r\n", "a\r\nb", "c", "c\r\n"),
        ("aaa", "aa", "b", None),
    ],
)
def test_new_lines_end_as_those_they_stand_for(text, old, new, result):
    if result is None:
        assert replaced("f", text, old, new).text == "ba"
    else:
        assert replaced("f", text, old, new).text == result


@given(TEXT, st.integers(0, 12), st.text("xy\n", min_size=1, max_size=5))
def test_inserted_lines_stand_after_the_line_and_before_the_next(text, line, added):
    lines = text.replace("\r\n", "\n").split("\n")
    unfinished = lines.pop()
    total = len(lines) + bool(unfinished)
    try:
        edited = inserted("f", text, line, added)
    except ToolError:
        assert line > total
        return
    assert line <= total
    result = edited.text.replace("\r\n", "\n").split("\n")
    everything = [*lines, unfinished] if unfinished else lines
    assert result[:line] == everything[:line]
    assert result[line : line + len(added.removesuffix("\n").split("\n"))] == added.removesuffix("\n").split(
        "\n"
    )
    assert len(edited.text.replace("\r\n", "\n")) in {
        len(text.replace("\r\n", "\n")) + len(added),
        len(text.replace("\r\n", "\n")) + len(added) + 1,
    }


@pytest.mark.parametrize(("old", "new"), [("", "x"), ("a", "a"), ("a\r\n", "a\n")])
def test_an_edit_that_changes_nothing_is_refused(old, new):
    with pytest.raises(ToolError, match=r"empty|nothing to change"):
        replaced("f", "a\nb", old, new)


def test_more_than_five_places_are_counted_and_five_named():
    with pytest.raises(ToolError, match=r"occurs 9 times in `f` \(lines 1, 2, 3, 4, 5, \.\.\.\)"):
        replaced("f", "a\n" * 9, "a", "b")
