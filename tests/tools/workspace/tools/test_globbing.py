"""Glob patterns mean what shells mean by them, and no pattern takes long."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ToolError
from agentlab.tools.workspace.tools.globbing import Glob, name_matches


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("*.py", ["a.py", ".py"], ["a.txt", "src/a.py", "a.pyc"]),
        ("**/*.py", ["a.py", "src/a.py", "src/deep/a.py"], ["a.txt"]),
        ("src/**", ["src/a", "src/b/c", "src"], ["lib/a"]),
        ("src/**/test_?.py", ["src/test_1.py", "src/a/b/test_x.py"], ["src/test_10.py"]),
        ("/src/*", ["src/a"], ["src", "src/a/b"]),
        ("./a", ["a"], ["b"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[!a-c]x", ["dx"], ["ax"]),
        ("[]]x", ["]x"], ["x"]),
        ("[x", ["[x"], ["x"]),
        ("{a,b/c}.py", ["a.py", "b/c.py"], ["c.py"]),
        ("a{,{b,c}d}", ["a", "abd", "acd"], ["ab"]),
        ("{a}", ["{a}"], ["a"]),
        ("{a,b", ["{a,b"], ["a"]),
        ("**", ["a", "a/b"], []),
        ("Data*", ["Data1"], ["data1"]),
    ],
)
def test_patterns_match(pattern, matched, others):
    glob = Glob.of(pattern)
    assert [path for path in (*matched, *others) if glob.matches(path)] == matched


@given(st.text("ab*?[]!-", max_size=8), st.text("ab]-", max_size=8))
def test_a_name_matches_as_the_standard_library_says(pattern, name):
    try:
        expected = re.fullmatch(fnmatch.translate(pattern), name) is not None
    except re.error:
        return
    if "[^" not in pattern and not re.search(r"\[.*-.*\]", pattern):
        assert name_matches(pattern, name) is expected


@pytest.mark.parametrize("pattern", ["", "/", "../a", "a/../b", "{../a,b}", "x" * 1001, "{a,b}" * 7, "{,}"])
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(ToolError, match="pattern"):
        Glob.of(pattern)


def test_no_pattern_takes_more_steps_than_its_length_times_the_paths():
    path = "/".join(["a" * 50] * 40)
    for pattern in (
        "*a" * 400 + "b",
        "**/" * 300 + "b",
        "[" * 1000,
        "{" * 1000,
        "{a," * 300,
        "*[a-" * 200 + "]",
    ):
        assert not Glob.of(pattern).matches(path)


def test_a_folder_that_matches_means_all_in_it():
    glob = Glob.of("src/*")
    assert glob.matches_above("src/a/b/c")
    assert not glob.matches_above("src")
    assert Glob.of("src").start == "src"
    assert Glob.of("src/lib/*.py").start == "src/lib"
    assert Glob.of("{a,b}/c").start == ""
