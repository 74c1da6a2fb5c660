"""Lines, windows and what a file is: decided from its bytes, in pieces, and never otherwise than from the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ToolError
from agentlab.tools.workspace import FileContent
from agentlab.tools.workspace.tools.text_file import Binary, TextFile, as_bytes, looked_at
from agentlab.tools.workspace.tools.text_lines import blocks, count_lines, each_line, lines_between
from agentlab.tools.workspace.tools.window import shortened, window_of

DATA = st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\r", "é".encode(), b"xyz"]), max_size=40).map(
    b"".join
)


def plain_lines(data):
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


@given(DATA, st.integers(0, 50), st.integers(0, 50))
def test_lines_are_those_of_the_whole_split_at_once(data, first, count):
    lines = plain_lines(data)
    assert count_lines(data) == len(lines)
    assert list(each_line(data)) == lines
    assert lines_between(data, first, first + count) == lines[first : first + count]


def test_lines_far_in_are_found():
    data = b"".join(b"%d\n" % n for n in range(100_000))
    assert lines_between(data, 65_000, 65_002) == [b"65000", b"65001"]
    assert lines_between(data, 99_999, 200_000) == [b"99999"]


@given(DATA, st.integers(1, 20))
def test_blocks_are_whole_lines_and_together_everything(data, size):
    found = list(blocks(data, size))
    assert b"".join(found) == data
    for block in found[:-1]:
        assert block.endswith(b"\n")
    for block in found:
        assert len(block) <= size or block.count(b"\n") <= 1


def content(data, size=None):
    return FileContent(data, size or len(data), None if size else "0" * 64)


@given(st.text())
def test_text_is_text_whatever_its_characters(text):
    data = text.encode()
    file = looked_at(content(data))
    assert isinstance(file, Binary) is ("\x00" in text)
    if isinstance(file, TextFile):
        assert (b"\xef\xbb\xbf" * file.has_bom) + file.data == data


@pytest.mark.parametrize("before", [0, 1, 65_535, 65_536, 70_000])
def test_the_first_bad_byte_is_told_wherever_the_pieces_are_cut(before):
    file = looked_at(content(b"a" * before + b"\xe2\x82x"))
    assert isinstance(file, Binary)
    assert file.what == f"not UTF-8 (byte 0xe2 at offset {before})"


def test_a_character_that_the_cap_cut_in_two_makes_no_file_binary():
    cut = "é".encode() * 10
    assert isinstance(looked_at(content(cut[:-1], size=99)), TextFile)
    assert isinstance(looked_at(content(cut[:-1])), Binary)


def test_a_nul_after_the_first_eight_kib_is_text():
    assert isinstance(looked_at(content(b"a" * 8192 + b"\x00")), TextFile)
    assert isinstance(looked_at(content(b"a" * 8191 + b"\x00")), Binary)


@given(DATA, st.integers(-50, 50), st.integers(1, 20), st.integers(1, 30))
def test_windows_one_after_another_show_every_line_once(data, offset, limit, most):
    file = looked_at(content(data))
    lines = [line.decode() for line in plain_lines(data)]
    start = max(0, len(lines) + offset) if offset < 0 else offset
    shown = []
    while start < len(lines):
        window = window_of(file, start, limit, 0, most)
        assert 0 < len(window.lines) <= limit
        assert sum(map(len, window.lines[1:])) <= most
        assert f"{len(lines) - window.end} more lines: offset={window.end}" in window.header("x", file) or (
            window.end == len(lines)
        )
        shown += window.lines
        start = window.end
    assert shown == lines[max(0, len(lines) + offset) if offset < 0 else offset :]


@given(st.text(max_size=50), st.integers(1, 10))
def test_the_parts_of_a_long_line_are_the_line(text, most):
    parts, column = [], 0
    while True:
        shown, left = shortened(text, column, most)
        parts.append(shown.removesuffix(f"[+{left} characters]") if left else shown)
        if not left:
            break
        column += most
    assert "".join(parts) == text


def test_what_is_too_large_to_be_written_is_refused():
    with pytest.raises(ToolError, match="at most 8388608"):
        as_bytes("x" * (8 * 2**20 + 1), "content")
