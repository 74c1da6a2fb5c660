"""What the file tools have in common, and those that list and find, on every backend."""

from tests.tools.workspace.backends import BACKENDS
from tests.tools.workspace.tools.calling import Caller


def test_there_are_seventeen_tools_in_a_fixed_order_that_say_what_they_do(call):
    assert call.tools.names == (
        "ls", "read", "write", "edit", "rm", "mv", "touch", "mkdir", "grep", "glob", "find", "cat", "file_info",
        "read_multiple_files", "plan_write", "ask_user", "exit_plan_mode",
    )  # fmt: skip
    writing = {"write", "edit", "rm", "mv", "touch", "mkdir", "plan_write"}
    untrusted = {"ls", "read", "grep", "glob", "find", "cat", "file_info", "read_multiple_files"}
    for tool in call.tools:
        name = tool.definition.name
        assert tool.effect == ("write" if name in writing else "read")
        assert tool.confined is (name in writing)
        assert tool.returns == ("untrusted" if name in untrusted else "trusted")
        assert tool.definition.description
        for parameter, schema in tool.definition.parameters["properties"].items():
            assert schema["description"], (name, parameter)


def test_ls_gives_folders_first_and_says_how_many_are_left(call):
    for name in ("b.txt", "a.txt", "zoo/x", "lib/y"):
        call("write", path=name, content="")
    assert call("ls") == {"path": "/", "entries": ["lib/", "zoo/", "a.txt", "b.txt"]}
    assert call("ls", limit=3)["entries"] == ["lib/", "zoo/", "a.txt"]
    assert call("ls", limit=3)["more"] == "1 more entries; a larger limit shows them, limit=0 all"
    assert "more" not in call("ls", limit=0)
    assert call("ls", path="lib") == {"path": "/lib", "entries": ["y"]}


def test_ls_lists_what_is_below_when_asked(call):
    call("write", path="a/b/c.txt", content="")
    call("write", path="a/d.txt", content="")
    assert call("ls", path="/a", recursive=True) == {"path": "/a", "entries": ["b/", "b/c.txt", "d.txt"]}
    assert call("ls", recursive=True, limit=1)["more"].startswith("3 more entries")


def test_ls_of_a_file_is_an_error_that_says_so(call):
    call("write", path="a.txt", content="")
    assert "it is a file" in call.error("ls", path="a.txt")


def test_ls_gives_fifty_entries_unless_told_otherwise(call):
    for number in range(60):
        call.workspace.write(f"{number:02}", b"")
    answer = call("ls")
    assert len(answer["entries"]) == 50
    assert answer["more"].startswith("10 more")
    assert len(call("ls", limit=0)["entries"]) == 60


def test_glob_takes_several_patterns_and_a_base(call):
    for name in ("src/a.py", "src/deep/b.py", "src/c.txt", "d.py"):
        call("write", path=name, content="")
    assert call("glob", patterns=["**/*.py"])["matches"] == ["d.py", "src/a.py", "src/deep/b.py"]
    assert call("glob", patterns=["*.py", "*.txt"], path="src")["matches"] == ["a.py", "c.txt"]
    assert call("glob", patterns=["src/**"], limit=1)["more"].startswith("4 more")
    assert call("glob", patterns=["*.md"])["note"].startswith("a pattern without")
    assert "leads out" in call.error("glob", patterns=["../*"])


def test_find_asks_for_name_type_and_size(call):
    for name, size in (("a.py", 1), ("lib/b.py", 10), ("lib/deep/c.txt", 100)):
        call("write", path=name, content="x" * size)
    assert call("find")["found"] == [
        ["a.py", 1],
        "lib/",
        ["lib/b.py", 10],
        "lib/deep/",
        ["lib/deep/c.txt", 100],
    ]
    assert call("find", name="*.{py,md}")["found"] == [["a.py", 1], ["lib/b.py", 10]]
    assert call("find", type="folder")["found"] == ["lib/", "lib/deep/"]
    assert call("find", min_size=2, max_size=50)["found"] == [["lib/b.py", 10]]
    assert call("find", path="lib", recursive=False)["found"] == ["deep/", ["b.py", 10]]
    assert call("find", limit=1) == {
        "path": "/",
        "found": [["a.py", 1]],
        "more": "4 more; narrow name, type or path, or raise the limit (up to 2000)",
    }
    assert "glob" in call.error("find", name="lib/*")


def test_answers_are_the_same_every_time_and_on_every_backend(quick_path):
    answers = []
    for name in BACKENDS:
        (quick_path / name).mkdir()
        with BACKENDS[name](quick_path / name) as workspace:
            call = Caller(workspace)
            for path in ("b/x.py", "a/y.py", "Z.txt", "é.txt", "a.txt"):
                call("write", path=path, content=f"{path}\nline\n")
            answers.append(
                [
                    call("ls", recursive=True),
                    call("find"),
                    call("glob", patterns=["**"]),
                    call("grep", pattern="line", context=1),
                    call("cat", paths=["é.txt", "a.txt"]),
                ]
            )
    assert answers[0] == answers[1] == answers[2]
