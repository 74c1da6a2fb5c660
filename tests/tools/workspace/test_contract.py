"""What every backend does, proved by one suite for all of them."""

import hashlib
import threading

import pytest

from agentlab.errors import LostUpdate, ToolError, WorkspaceError
from agentlab.tools.workspace import FileInfo
from tests.tools.workspace.backends import BACKENDS


@pytest.fixture(params=BACKENDS)
def workspace(request, tmp_path):
    with BACKENDS[request.param](tmp_path) as made:
        yield made


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def paths(walk):
    return [info.path for info in walk]


def test_what_was_written_is_read_with_the_digest_of_its_bytes(workspace):
    written = workspace.write("notes/plan.md", b"one\n")
    content = workspace.read("notes/plan.md", 100)
    assert (content.data, content.size, content.digest) == (b"one\n", 4, sha256(b"one\n"))
    assert not content.is_cut
    assert (written.path, written.kind, written.size, written.digest) == (
        "notes/plan.md",
        "file",
        4,
        sha256(b"one\n"),
    )


@pytest.mark.parametrize("path", ["/notes/plan.md", "./notes/plan.md", "notes/./plan.md", "notes/plan.md/"])
def test_a_path_may_be_written_in_several_ways_and_is_told_in_one(workspace, path):
    workspace.write("notes/plan.md", b"one")
    assert workspace.info(path).path == "notes/plan.md"
    assert workspace.read(path, 10).data == b"one"


def test_a_reading_that_is_cut_has_no_digest_and_tells_the_whole_size(workspace):
    workspace.write("long.txt", b"0123456789")
    content = workspace.read("long.txt", 4)
    assert (content.data, content.size, content.digest, content.is_cut) == (b"0123", 10, None, True)
    assert workspace.read("long.txt", 10).digest == sha256(b"0123456789")


def test_an_empty_file_is_read_whole(workspace):
    workspace.write("empty", b"")
    assert workspace.read("empty", 0).digest == sha256(b"")


def test_the_root_is_a_folder_under_both_its_names(workspace):
    for root in ("", "/", "."):
        assert (workspace.info(root).path, workspace.info(root).kind) == ("", "folder")


@pytest.mark.parametrize("verb", ["read", "write", "touch", "remove", "move from", "move to"])
def test_the_root_itself_is_no_file(workspace, verb):
    workspace.write("a", b"")
    calls = {
        "read": lambda: workspace.read("/", 10),
        "write": lambda: workspace.write("", b""),
        "touch": lambda: workspace.touch("/"),
        "remove": lambda: workspace.remove("/"),
        "move from": lambda: workspace.move("", "b"),
        "move to": lambda: workspace.move("a", "/"),
    }
    with pytest.raises(WorkspaceError, match="root of the workspace"):
        calls[verb]()


def test_a_listing_has_folders_first_then_names_and_counts_what_it_leaves_out(workspace):
    for path in ("b.txt", "a.txt", "zoo/x", "bar/x", "B.txt"):
        workspace.write(path, b"x")
    listing = workspace.children("", 10)
    assert [entry.path for entry in listing.entries] == ["bar", "zoo", "B.txt", "a.txt", "b.txt"]
    assert (listing.left, listing.is_complete) == (0, True)
    short = workspace.children("/", 3)
    assert ([entry.path for entry in short.entries], short.left) == (["bar", "zoo", "B.txt"], 2)
    assert [entry.path for entry in workspace.children("zoo", 1).entries] == ["zoo/x"]


def test_a_listing_of_nothing_is_refused(workspace):
    with pytest.raises(WorkspaceError, match="ask for 1 at least"):
        workspace.children("", 0)


def test_a_walk_goes_depth_first_in_name_order(workspace):
    for path in ("b", "a/y/deep", "a/x", "c/z"):
        workspace.write(path, b"x")
    walk = workspace.walk()
    assert paths(walk) == ["a", "a/x", "a/y", "a/y/deep", "b", "c", "c/z"]
    assert walk.skipped == []
    assert paths(workspace.walk("a/y")) == ["a/y/deep"]


def test_a_walk_is_lazy_and_sees_what_happens_before_it_comes_there(workspace):
    for path in ("a/x", "b/x"):
        workspace.write(path, b"x")
    walk = workspace.walk()
    assert next(walk).path == "a"
    workspace.write("b/new", b"x")
    assert paths(walk) == ["a/x", "b", "b/new", "b/x"]


def test_a_folder_that_goes_away_during_a_walk_is_skipped_and_told(workspace):
    for path in ("a", "b/x"):
        workspace.write(path, b"x")
    walk = workspace.walk()
    assert [next(walk).path, next(walk).path] == ["a", "b"]
    workspace.remove("b")
    assert list(walk) == []
    assert [skipped.path for skipped in walk.skipped] == ["b"]


@pytest.mark.parametrize("verb", ["children", "walk"])
def test_only_folders_are_listed(workspace, verb):
    workspace.write("a.txt", b"x")
    with pytest.raises(WorkspaceError, match=r"a\.txt.*file, not a folder"):
        workspace.children("a.txt", 5) if verb == "children" else workspace.walk("a.txt")


def test_what_is_not_there_is_told_with_what_to_do(workspace):
    calls = [
        lambda: workspace.info("no/thing"),
        lambda: workspace.children("no", 5),
        lambda: workspace.walk("no"),
        lambda: workspace.read("no", 5),
        lambda: workspace.move("no", "yes"),
        lambda: workspace.remove("no"),
    ]
    for call in calls:
        with pytest.raises(WorkspaceError, match=r"`no(/thing)?`: there is nothing.*List the folder above"):
            call()
    assert issubclass(WorkspaceError, ToolError)


def test_a_folder_is_not_read_and_not_written_over(workspace):
    workspace.make_folder("docs")
    for call in (lambda: workspace.read("docs", 5), lambda: workspace.write("docs", b"x")):
        with pytest.raises(WorkspaceError, match=r"`docs`: it is a folder"):
            call()


def test_no_path_leads_through_a_file(workspace):
    workspace.write("a", b"x")
    calls = [
        lambda: workspace.info("a/b"),
        lambda: workspace.read("a/b", 5),
        lambda: workspace.write("a/b", b"x"),
        lambda: workspace.make_folder("a/b"),
        lambda: workspace.touch("a/b"),
        lambda: workspace.remove("a/b"),
        lambda: workspace.make_folder("a"),
    ]
    for call in calls:
        with pytest.raises(WorkspaceError):
            call()
    assert workspace.read("a", 5).data == b"x"


def test_an_edit_of_what_was_read_is_written(workspace):
    digest = workspace.write("a", b"one").digest
    assert workspace.write("a", b"two", digest).digest == sha256(b"two")
    assert workspace.read("a", 10).data == b"two"


def test_an_edit_of_what_another_changed_is_refused_and_nothing_is_lost(workspace):
    digest = workspace.write("a", b"one").digest
    workspace.write("a", b"two")
    with pytest.raises(LostUpdate, match=r"`a` changed since it was read.*Read it again"):
        workspace.write("a", b"three", digest)
    assert workspace.read("a", 10).data == b"two"


@pytest.mark.parametrize("gone", ["docs/a", "docs"])
def test_an_edit_of_what_is_gone_is_refused(workspace, gone):
    digest = workspace.write("docs/a", b"one").digest
    workspace.remove(gone)
    with pytest.raises(LostUpdate, match="no longer there"):
        workspace.write("docs/a", b"two", digest)
    assert gone not in paths(workspace.walk())


def test_threads_that_edit_one_file_never_undo_each_other(workspace):
    workspace.write("count", b"0")
    threads, each, lost = 4, 10, []

    def count():
        done = 0
        while done < each:
            read = workspace.read("count", 100)
            try:
                workspace.write("count", b"%d" % (int(read.data) + 1), read.digest)
                done += 1
            except LostUpdate:
                lost.append(1)

    workers = [threading.Thread(target=count) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert workspace.read("count", 100).data == b"%d" % (threads * each)


def test_folders_are_made_with_those_above_and_may_be_there(workspace):
    assert workspace.make_folder("a/b/c").kind == "folder"
    workspace.write("a/b/c/file", b"x")
    assert workspace.make_folder("a/b/c").path == "a/b/c"
    assert paths(workspace.walk()) == ["a", "a/b", "a/b/c", "a/b/c/file"]


def test_touch_makes_an_empty_file_and_leaves_the_content_of_one_that_is_there(workspace):
    assert workspace.touch("new/file").size == 0
    workspace.write("old", b"kept")
    before = workspace.info("old").modified_at
    assert workspace.touch("old").modified_at >= before
    assert workspace.read("old", 10).data == b"kept"
    assert workspace.touch("new").kind == "folder"


def test_a_file_moves_and_folders_above_it_are_made(workspace):
    workspace.write("a", b"x")
    assert workspace.move("a", "deep/down/b").path == "deep/down/b"
    assert paths(workspace.walk()) == ["deep", "deep/down", "deep/down/b"]


def test_a_folder_moves_with_all_in_it(workspace):
    workspace.write("one/two/three", b"x")
    assert workspace.move("one", "uno").kind == "folder"
    assert paths(workspace.walk()) == ["uno", "uno/two", "uno/two/three"]


def test_a_place_that_is_taken_is_kept(workspace):
    workspace.write("a", b"a")
    workspace.write("b", b"b")
    with pytest.raises(WorkspaceError, match=r"cannot move `a` to `b`: something is there already"):
        workspace.move("a", "b")
    assert (workspace.read("a", 5).data, workspace.read("b", 5).data) == (b"a", b"b")


def test_what_a_move_replaces_waits_in_the_trash(workspace):
    workspace.write("a", b"a")
    workspace.write("b", b"b")
    workspace.move("a", "b", replace=True)
    assert paths(workspace.walk()) == ["b"]
    assert workspace.read("b", 5).data == b"a"
    (thrown,) = workspace.trash()
    workspace.remove("b")
    assert workspace.restore(thrown.id) == "b"
    assert workspace.read("b", 5).data == b"b"


def test_a_folder_is_never_replaced(workspace):
    workspace.write("a", b"a")
    workspace.write("docs/kept", b"x")
    for replace in (False, True):
        with pytest.raises(WorkspaceError, match="`docs`"):
            workspace.move("a", "docs", replace=replace)
    assert paths(workspace.walk()) == ["a", "docs", "docs/kept"]


@pytest.mark.parametrize("destination", ["a", "a/b", "a/b/c"])
def test_nothing_moves_into_itself(workspace, destination):
    workspace.write("a/x", b"x")
    with pytest.raises(WorkspaceError, match="would lie in itself"):
        workspace.move("a", destination)
    assert paths(workspace.walk()) == ["a", "a/x"]


def test_what_was_removed_comes_back_as_it_was(workspace):
    workspace.write("docs/a/x", b"x")
    workspace.write("docs/b", b"b")
    removed = workspace.remove("docs")
    assert removed.path == "docs"
    assert paths(workspace.walk()) == []
    assert workspace.children("", 10).entries == ()
    assert workspace.trash() == (removed,)
    assert workspace.restore(removed.id) == "docs"
    assert paths(workspace.walk()) == ["docs", "docs/a", "docs/a/x", "docs/b"]
    assert workspace.trash() == ()
    assert workspace.read("docs/a/x", 5).data == b"x"


def test_the_same_path_can_be_removed_again_and_each_comes_back(workspace):
    for text in (b"one", b"two"):
        workspace.write("a", text)
        workspace.remove("a")
    later, earlier = workspace.trash()
    assert later.removed_at > earlier.removed_at
    workspace.restore(earlier.id)
    assert workspace.read("a", 5).data == b"one"
    with pytest.raises(WorkspaceError, match="cannot put back `a`: something is there already"):
        workspace.restore(later.id)
    assert workspace.trash() == (later,)


def test_the_folders_above_are_made_again_when_something_comes_back(workspace):
    workspace.write("docs/a", b"x")
    removed = workspace.remove("docs/a")
    workspace.remove("docs")
    assert workspace.restore(removed.id) == "docs/a"


@pytest.mark.parametrize("removed_id", ["", "no-such", "../../etc", "0123456789abcdef", "a" * 5000, "\udc80"])
def test_an_id_that_is_unknown_is_refused(workspace, removed_id):
    with pytest.raises(WorkspaceError, match="waits in the trash"):
        workspace.restore(removed_id)


def test_every_verb_refuses_a_path_that_leads_out(workspace):
    workspace.write("a", b"x")
    for path in (
        "../a",
        "a/../../b",
        "\x00",
        "c:\\x",
        "//host/share",
        ".agentlab-workspace/trash",
        "nul.txt",
    ):
        calls = [
            lambda path=path: workspace.info(path),
            lambda path=path: workspace.children(path, 5),
            lambda path=path: workspace.walk(path),
            lambda path=path: workspace.read(path, 5),
            lambda path=path: workspace.write(path, b"x"),
            lambda path=path: workspace.make_folder(path),
            lambda path=path: workspace.touch(path),
            lambda path=path: workspace.move(path, "b"),
            lambda path=path: workspace.move("a", path),
            lambda path=path: workspace.remove(path),
        ]
        for call in calls:
            with pytest.raises(WorkspaceError, match="is refused"):
                call()
    assert paths(workspace.walk()) == ["a"]


def test_infos_know_their_names(workspace):
    workspace.write("docs/a.txt", b"x")
    assert [info.name for info in workspace.walk()] == ["docs", "a.txt"]
    assert isinstance(workspace.info(""), FileInfo)
    assert workspace.info("").name == ""
