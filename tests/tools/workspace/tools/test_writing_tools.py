"""What the tools that write do, on every backend, and what a guard keeps them from."""

import pytest

from agentlab.errors import LostUpdate
from agentlab.tools.workspace.tools import PLAN_FOLDER, plan_path
from tests.tools.workspace.backends import BACKENDS
from tests.tools.workspace.tools.calling import Caller, hash_of


def test_write_makes_folders_and_says_whether_it_replaced(call):
    first = call("write", path="a/b/c.txt", content="one\ntwo")
    assert first == {"path": "a/b/c.txt", "created": True, "bytes": 7, "lines": 2, "hash": first["hash"]}
    assert call("write", path="/a/b/c.txt", content="é")["replaced"] is True
    assert call.workspace.read("a/b/c.txt", 10).data == "é".encode()


def test_half_a_surrogate_pair_is_refused_and_nothing_written(call):
    assert call.error("write", path="a.txt", content="\ud800")
    assert call("ls")["entries"] == []


def test_edit_replaces_one_occurrence_and_gives_the_new_hash(call):
    call("write", path="a.txt", content="one\ntwo\nthree\n")
    before = hash_of(call("read", path="a.txt"))
    answer = call("edit", path="a.txt", old_string="two", new_string="2", last_read_hash=before)
    assert answer["changes"] == 1
    assert answer["first_line"] == 2
    assert answer["hash"] == hash_of(call("read", path="a.txt")) != before
    assert call.workspace.read("a.txt", 99).data == b"one\n2\nthree\n"


def test_edit_refuses_a_file_that_changed_since_it_was_read_and_tells_its_hash(call):
    call("write", path="a.txt", content="one")
    before = hash_of(call("read", path="a.txt"))
    now = call("write", path="a.txt", content="one, by another")["hash"]
    with pytest.raises(LostUpdate, match=f"its hash is now {now}, not {before}"):
        call("edit", path="a.txt", old_string="one", new_string="1", last_read_hash=before)
    assert call.workspace.read("a.txt", 99).data == b"one, by another"
    call("edit", path="a.txt", old_string="one", new_string="1", last_read_hash=now)


def test_edit_does_not_undo_what_is_written_between_its_reading_and_its_writing(call, monkeypatch):
    call("write", path="a.txt", content="one")
    read = call.workspace.read

    def meanwhile(path, most_bytes):
        content = read(path, most_bytes)
        call.workspace.write("a.txt", b"another's")
        return content

    monkeypatch.setattr(call.workspace, "read", meanwhile)
    with pytest.raises(LostUpdate):
        call("edit", path="a.txt", old_string="one", new_string="1")
    assert read("a.txt", 99).data == b"another's"


def test_edit_wants_one_occurrence_unless_told_otherwise(call):
    call("write", path="a.txt", content="x\ny\nx\n")
    assert "occurs 2 times in `a.txt` (lines 1, 3)" in call.error(
        "edit", path="a.txt", old_string="x", new_string="z"
    )
    assert call("edit", path="a.txt", old_string="x", new_string="z", replace_all=True)["changes"] == 2
    assert "does not occur" in call.error("edit", path="a.txt", old_string="x", new_string="z")


def test_edit_says_where_only_spaces_differ(call):
    call("write", path="a.py", content="if x:\n        go()\n")
    assert "stands at line 2 with other spaces" in call.error(
        "edit", path="a.py", old_string="\tgo()", new_string=""
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"old_string": "a"},
        {"insert_line": 1},
        {"old_string": "a", "new_string": "b", "insert_line": 1, "insert_content": "c"},
        {"old_string": "a", "insert_content": "c"},
    ],
)
def test_edit_wants_one_of_its_two_forms(call, arguments):
    call("write", path="a.txt", content="a\n")
    assert "give either" in call.error("edit", path="a.txt", **arguments)


@pytest.mark.parametrize(
    ("before", "line", "content", "after"),
    [
        (b"a\nb\n", 0, "x", b"x\na\nb\n"),
        (b"a\nb\n", 1, "x\n", b"a\nx\nb\n"),
        (b"a\nb\n", 2, "x", b"a\nb\nx\n"),
        (b"a\nb", 2, "x", b"a\nb\nx"),
        (b"a\r\nb\r\n", 1, "x\ny", b"a\r\nx\r\ny\r\nb\r\n"),
        (b"", 0, "x", b"x\n"),
        (b"\xef\xbb\xbfa\n", 0, "x", b"\xef\xbb\xbfx\na\n"),
    ],
)
def test_edit_inserts_whole_lines(call, before, line, content, after):
    call.workspace.write("a.txt", before)
    call("edit", path="a.txt", insert_line=line, insert_content=content)
    assert call.workspace.read("a.txt", 99).data == after


def test_edit_inserts_nothing_after_a_line_that_is_not_there(call):
    call("write", path="a.txt", content="a\nb\n")
    assert "has 2 lines" in call.error("edit", path="a.txt", insert_line=3, insert_content="x")


def test_rm_tells_the_id_by_which_it_is_put_back(call):
    call("write", path="a/b.txt", content="kept")
    answer = call("rm", path="a")
    assert answer["removed"] == "a"
    assert call("ls")["entries"] == []
    assert call.workspace.restore(answer["restore_id"]) == "a"
    assert call.workspace.read("a/b.txt", 9).data == b"kept"


def test_mv_renames_and_moves_into_a_folder_and_replaces_nothing(call):
    call("write", path="a.txt", content="a")
    assert call("mv", source="a.txt", destination="new/b.txt") == {"moved": "a.txt", "to": "new/b.txt"}
    assert call("mv", source="new/b.txt", destination="lib/")["to"] == "lib/b.txt"
    assert call("mv", source="lib/b.txt", destination="/")["to"] == "b.txt"
    call("write", path="c.txt", content="c")
    assert call.error("mv", source="c.txt", destination="b.txt")
    assert call.workspace.read("b.txt", 9).data == b"a"


def test_touch_makes_an_empty_file_and_keeps_the_content_of_one_that_is_there(call):
    assert call("touch", path="a/b")["bytes"] == 0
    call("write", path="a/b", content="x")
    assert call("touch", path="a/b") == {"path": "a/b", "kind": "file", "bytes": 1}


def test_mkdir_makes_a_folder_and_those_above(call):
    assert call("mkdir", path="a/b") == {"folder": "a/b/"}
    assert call("mkdir", path="a/b") == {"folder": "a/b/"}
    assert call("file_info", path="a")["kind"] == "folder"
    assert call("file_info", path="a")["entries"] == 1


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Add a cache", "plans/add-a-cache.plan"),
        ("../../etc/passwd", "plans/etc-passwd.plan"),
        ("Été: 2 idées!", "plans/ete-2-idees.plan"),
        ("計画", "plans/plan.plan"),
        ("x" * 200, f"plans/{'x' * 60}.plan"),
    ],
)
def test_a_plan_is_named_after_its_title_and_stays_among_the_plans(call, title, path):
    assert plan_path(title) == path
    assert call("plan_write", title=title, content="# Plan\n")["path"] == path
    assert call.workspace.read(path, 99).data == b"# Plan\n"


def test_what_a_guard_forbids_is_not_written_and_the_model_is_shown_its_text(quick_path):
    asked = []

    def guard(path):
        asked.append(path)
        return None if path.startswith(f"{PLAN_FOLDER}/") else "Only the plan may be written now."

    with BACKENDS["disk"](quick_path) as workspace:
        workspace.write("a.txt", b"a")
        call = Caller(workspace, guard)
        for name, arguments in (
            ("write", {"path": "/a.txt", "content": "b"}),
            ("edit", {"path": "./a.txt", "old_string": "a", "new_string": "b"}),
            ("rm", {"path": "a.txt"}),
            ("mv", {"source": "a.txt", "destination": "plans/"}),
            ("touch", {"path": "a.txt"}),
            ("mkdir", {"path": "new"}),
        ):
            asked.clear()
            assert call.error(name, **arguments) == "Only the plan may be written now."
            assert asked[-1] in {"a.txt", "new"}, "a guard sees one spelling of a path"
        assert call("plan_write", title="t", content="c")["created"]
        assert call.error("mv", source="plans/t.plan", destination="t.plan")
        assert call("edit", path="plans/t.plan", old_string="c", new_string="d")["changes"] == 1
        assert call("ls")["entries"] == ["plans/", "a.txt"]
        assert workspace.read("a.txt", 9).data == b"a"
