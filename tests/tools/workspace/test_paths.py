"""Paths are judged from their text alone: what is taken can only lie inside, what is refused says why."""

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import LostUpdate, WorkspaceError
from agentlab.tools.workspace.paths import (
    MOST_BYTES_OF_A_NAME,
    MOST_BYTES_OF_A_PATH,
    OWN_NAME,
    components,
    has_name,
    is_own_name,
    joined,
    shown,
)
from tests.tools.workspace.traversal import BEGINNINGS, DEVICES, DOTS, OWN, SEPARATORS, TARGETS

hostile_pieces = st.sampled_from([*DOTS, *SEPARATORS, *BEGINNINGS, *TARGETS, *DEVICES, *OWN])
hostile_texts = st.lists(st.one_of(hostile_pieces, st.text(st.characters(), max_size=5)), max_size=8).map(
    "".join
)
names_on_disk = st.binary(min_size=1, max_size=60).map(lambda raw: os.fsdecode(raw.replace(b"/", b"_")))


def taken(path):
    """The names of a path that is taken; of one that is refused, those of the root."""
    try:
        return components(path)
    except WorkspaceError as error:
        refusal = str(error)
    assert refusal.startswith("the path ")
    assert refusal.isprintable()
    return ()


@given(hostile_texts)
def test_what_is_taken_holds_no_name_that_leads_anywhere_but_down(path):
    names = taken(path)
    for name in names:
        assert name not in {"", ".", ".."}
        assert not set(name) & set("/\\\x00\n\r\x1b")
        assert len(os.fsencode(name)) <= MOST_BYTES_OF_A_NAME
        assert not is_own_name(name)
    root = "/root/of/it"
    inside = os.path.normpath(os.path.join(root, *names))
    assert inside == root or inside.startswith(root + "/")


@given(hostile_texts)
def test_a_path_that_was_taken_is_taken_again_as_it_is_told(path):
    names = taken(path)
    assert components(joined(*names)) == names
    assert components("/" + joined(*names)) == names
    assert joined(*(shown(name) for name in names)) == joined(*names)


@given(names_on_disk)
def test_any_name_of_a_disk_is_shown_as_printable_text_and_never_as_another_file_s_path(name):
    text = shown(name)
    assert text.encode()
    assert not set(text) & {chr(code) for code in (*range(32), 127)}
    if text != name:
        with pytest.raises(WorkspaceError):
            components(text)


@given(names_on_disk, names_on_disk)
def test_two_names_are_never_shown_alike(one, other):
    if one != other:
        assert shown(one) != shown(other)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ()),
        ("/", ()),
        (".", ()),
        ("./", ()),
        ("a", ("a",)),
        ("/a/b/", ("a", "b")),
        ("a/./b", ("a", "b")),
        ("a b/c.d-e_f", ("a b", "c.d-e_f")),
        ("%2e%2e/x", ("%2e%2e", "x")),
        ("..a/b..", ("..a", "b..")),
        ("console/nulls/com10", ("console", "nulls", "com10")),
        ("\u00fc/\u65e5\u672c", ("\u00fc", "\u65e5\u672c")),
        ("x" * 255, ("x" * 255,)),
        (".agentlab/x", (".agentlab", "x")),
        ("12:30.txt", ("12:30.txt",)),
    ],
)
def test_ordinary_paths_are_taken(path, names):
    assert components(path) == names


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("..", r'"\.\." is not allowed'),
        ("a/../b", r'"\.\." is not allowed'),
        ("//host/share", "two slashes"),
        ("a//b", "two slashes"),
        ("a\\b", "backslash"),
        ("a\x00b", "NUL"),
        ("a\nb", r"control character U\+000A"),
        ("a\x85b", r"control character U\+0085"),
        ("a\u202eb", r"control character U\+202E"),
        ("\udc80", "lone surrogate"),
        ("c:/x", "names a drive"),
        ("/C:", "names a drive"),
        ("~", "home folder"),
        ("~/x", "home folder"),
        ("...", "dots and spaces"),
        ("a/. ./b", "dots and spaces"),
        ("x" * 256, "longer than 255 bytes"),
        ("\u00e9" * 128, "longer than 255 bytes"),
        ("a/" * MOST_BYTES_OF_A_PATH, "longer than 4096 bytes"),
        ("Aux.h", '"aux" is the name of a device'),
        (OWN_NAME, "kept for the workspace itself"),
        (f"a/{OWN_NAME.upper()}-1", "kept for the workspace itself"),
    ],
)
def test_a_refusal_says_why(path, why):
    with pytest.raises(WorkspaceError, match=why):
        components(path)


def test_a_refusal_shows_the_path_bounded_and_printable():
    with pytest.raises(WorkspaceError) as refused:
        components("\x1b[31m" + "a\n" * 3000)
    assert len(str(refused.value)) < 600
    assert str(refused.value).isprintable()


def test_the_root_has_no_name():
    with pytest.raises(WorkspaceError, match="root of the workspace"):
        has_name("/")


def test_errors_travel_between_processes():
    error = pickle.loads(pickle.dumps(LostUpdate("it changed")))
    assert (type(error), str(error)) == (LostUpdate, "it changed")
