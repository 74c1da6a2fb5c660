"""What the tools that read files do, on every backend."""

import re

import pytest

from tests.tools.workspace.tools.calling import hash_of


def test_read_gives_a_window_of_lines_the_hash_and_what_is_left(call):
    written = call("write", path="a.txt", content="".join(f"line {n}\n" for n in range(1, 701)))
    head, *lines = call("read", path="/a.txt").split("\n")
    assert head == f"/a.txt: lines 1-500 of 700, hash {written['hash']}, 200 more lines: offset=500"
    assert (lines[0], lines[-1], len(lines)) == ("line 1", "line 500", 500)
    assert call("read", path="a.txt", offset=500).endswith("line 700")
    assert call("read", path="a.txt", offset=-2).split("\n")[1:] == ["line 699", "line 700"]
    assert call("read", path="a.txt", offset=10, limit=1).split("\n")[1:] == ["line 11"]
    assert "no lines at offset=900: the file has 700" in call("read", path="a.txt", offset=900)


def test_read_tells_what_the_lines_do_not_show(call):
    call.workspace.write("a.txt", b"\xef\xbb\xbfone\r\ntwo")
    head, *lines = call("read", path="a.txt").split("\n")
    assert lines == ["one", "two"]
    assert head.endswith("CRLF line ends, UTF-8 byte order mark, no newline at the end")
    assert "empty" in call("read", path="empty.txt") if call("touch", path="empty.txt") else False


def test_a_very_long_line_is_cut_and_read_on_by_column(call):
    call("write", path="a.txt", content="x" * 2000 + "y" * 2000 + "z\nshort\n")
    head, first, second = call("read", path="a.txt").split("\n")
    assert "lines cut: 1 (column=2000 goes on)" in head
    assert first == "x" * 2000 + "[+2001 characters]"
    assert second == "short"
    assert call("read", path="a.txt", column=2000).split("\n")[1] == "y" * 2000 + "[+1 characters]"
    assert call("read", path="a.txt", column=4000).split("\n")[1:] == ["z", ""]


def test_an_answer_has_a_bounded_length_whatever_the_limit(call):
    call("write", path="a.txt", content=("x" * 999 + "\n") * 200)
    answer = call("read", path="a.txt", limit=5000)
    assert len(answer) < 41_000
    assert "160 more lines: offset=40" in answer.split("\n")[0]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG image"),
        (b"text\x00more", "binary"),
        (b"caf\xe9", "not UTF-8 (byte 0xe9 at offset 3)"),
        ("text".encode("utf-16"), "UTF-16 text"),
        (b"%PDF-1.7\n\xff", "PDF"),
    ],
)
def test_what_is_no_text_is_described_and_never_shown(call, data, what):
    call.workspace.write("a.bin", data)
    for answer in (
        call("read", path="a.bin"),
        call("cat", paths=["a.bin"]),
        call("read_multiple_files", paths=["a.bin"]),
    ):
        assert f"not text, so not shown: {what}, {len(data)} bytes, hash" in answer
    assert call("file_info", path="a.bin")["binary"] == what
    assert "cannot be edited" in call.error("edit", path="a.bin", old_string="a", new_string="b")
    assert call("grep", pattern=".") == "no matches in 0 files\nnot searched: 1 binary file"


def test_a_large_file_is_read_from_its_start_and_says_what_was_not_looked_at(call):
    call.workspace.write("big.txt", b"line\n" * 2_000_000)
    head = call("read", path="big.txt", limit=2).split("\n")[0]
    assert "the file has 10000000 bytes, only the first 8388608 are looked at" in head
    assert "hash" not in head
    assert "its end cannot be" in call.error("read", path="big.txt", offset=-1)
    assert "cannot be edited" in call.error("edit", path="big.txt", insert_line=0, insert_content="x")
    assert call("file_info", path="big.txt")["hash"] is None
    assert "big.txt after its first 8388608 bytes" in call("grep", pattern="^none$")


def test_cat_joins_files_and_shows_what_is_hard_to_see(call):
    call.workspace.write("a.txt", b"one\ttab\r\n\n\n\nlast")
    call.workspace.write("b.txt", b"\nb\n")
    plain = call("cat", paths=["a.txt", "b.txt"]).split("\n")
    assert plain == ["lines 1-7 of 7", "one\ttab", "", "", "", "last", "", "b"]
    seen = call(
        "cat",
        paths=["a.txt", "missing", "b.txt"],
        show_ends=True,
        show_tabs=True,
        squeeze_blank=True,
        number_lines=True,
        headers=True,
    ).split("\n")
    assert seen[0] == "lines 1-7 of 7"
    assert seen[1].startswith("not shown: ")
    assert seen[2:] == [
        "==> a.txt <==", "1\tone^Itab^M$", "2\t$", "5\tlast", "==> b.txt <==", "1\t$", "2\tb$",
    ]  # fmt: skip


def test_cat_has_a_window(call):
    call("write", path="a", content="1\n2\n3\n")
    call("write", path="b", content="4\n5\n")
    assert call("cat", paths=["a", "b"], offset=1, limit=2) == "lines 2-3 of 5, 2 more lines: offset=3\n2\n3"
    assert call("cat", paths=["a", "b"], offset=-2) == "lines 4-5 of 5\n4\n5"
    assert call("cat", paths=["a"], offset=7) == "no lines at offset=7 of 3"


def test_file_info_tells_all_but_the_content(call):
    call.workspace.write("a.txt", b"one\r\ntwo\r\n")
    answer = call("file_info", path="a.txt")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", answer.pop("modified"))
    assert answer == {
        "path": "a.txt",
        "kind": "file",
        "bytes": 10,
        "lines": 2,
        "hash": hash_of(call("read", path="a.txt")),
        "remarks": ["CRLF line ends"],
    }


def test_several_files_are_read_each_with_its_own_status_and_limit(call):
    call("write", path="a.txt", content="1\n2\n3\n")
    call.workspace.write("b.bin", b"\x00")
    answer = call("read_multiple_files", paths=["a.txt", "missing", "b.bin", "a.txt"], limit=1).split("\n")
    assert answer[0].startswith("== a.txt: lines 1-1 of 3, hash ")
    assert answer[0].endswith("2 more lines: offset=1")
    assert answer[1] == "1"
    assert answer[2].startswith("== 'missing': failed: ")
    assert answer[3].startswith("== b.bin: not text")
    assert answer[5:] == ["1"]


def test_many_files_share_the_length_of_one_answer(call):
    call("write", path="a.txt", content="x" * 99 + "\n" * 2000)
    call("write", path="b.txt", content=("x" * 99 + "\n") * 2000)
    assert len(call("read_multiple_files", paths=["b.txt"] * 50, limit=5000)) < 60_000
