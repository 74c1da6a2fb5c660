"""What only a disk has: links, hard links, modes, other processes, a trash that anybody can reach."""

import errno
import gc
import os
import stat
import weakref

import pytest

from agentlab.errors import UsageError, WorkspaceError
from agentlab.tools.workspace import DiskWorkspace, disk_writing
from agentlab.tools.workspace.disk_listing import listing, steps
from agentlab.tools.workspace.folder import folder_at
from agentlab.tools.workspace.held_folder import HeldFolder
from agentlab.tools.workspace.named_folder import NamedFolder
from agentlab.tools.workspace.refusals import refusals_of
from agentlab.tools.workspace.renaming import rename_into_free_name
from agentlab.tools.workspace.workspace import Skipped

OWN = ".agentlab-workspace"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, modes and descriptors are of POSIX")


def test_a_link_is_told_moved_removed_and_restored_as_a_link(workspace, root, outside):
    (root / "link").symlink_to(outside)
    assert workspace.info("link").kind == "link"
    assert [(info.path, info.kind) for info in workspace.walk()] == [("link", "link")]
    workspace.move("link", "docs/moved")
    assert os.readlink(root / "docs/moved") == str(outside)
    removed = workspace.remove("docs/moved")
    workspace.restore(removed.id)
    assert os.readlink(root / "docs/moved") == str(outside)
    assert (outside / "secret").read_bytes() == b"secret"


def test_no_verb_goes_through_a_link_even_to_the_inside(workspace, root, outside):
    workspace.write("docs/a", b"a")
    (root / "out").symlink_to(outside)
    (root / "in").symlink_to("docs")
    (root / "file").symlink_to("docs/a")
    for call in (
        lambda: workspace.read("out/secret", 9),
        lambda: workspace.read("in/a", 9),
        lambda: workspace.read("file", 9),
        lambda: workspace.write("file", b"x"),
        lambda: workspace.write("out/new", b"x"),
        lambda: workspace.touch("file"),
        lambda: workspace.touch("out/new"),
        lambda: workspace.make_folder("out/new"),
        lambda: workspace.make_folder("out"),
        lambda: workspace.children("in", 5),
        lambda: workspace.walk("out"),
        lambda: workspace.move("docs/a", "out/a"),
        lambda: workspace.remove("out/secret"),
    ):
        with pytest.raises(WorkspaceError, match="links are not followed"):
            call()
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]


def test_the_folder_given_may_be_a_link_itself(tmp_path, by_name):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with DiskWorkspace(tmp_path / "link", by_name=by_name) as workspace:
        workspace.write("a", b"x")
    assert (tmp_path / "real/a").read_bytes() == b"x"


def test_a_file_with_a_second_name_is_read_and_never_written(workspace, root, outside):
    os.link(outside / "secret", root / "hard")
    assert workspace.read("hard", 10).data == b"secret"
    for call in (lambda: workspace.write("hard", b"x"), lambda: workspace.touch("hard")):
        with pytest.raises(
            WorkspaceError, match=r"`hard`: it has a second name.*Remove it and write a new file"
        ):
            call()
    workspace.remove("hard")
    workspace.write("hard", b"own")
    assert (outside / "secret").read_bytes() == b"secret"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o640])
def test_a_file_keeps_its_mode_and_loses_what_runs_as_another(workspace, root, mode):
    workspace.write("run.sh", b"one")
    os.chmod(root / "run.sh", mode | stat.S_ISUID)
    workspace.write("run.sh", b"two")
    assert stat.S_IMODE(os.stat(root / "run.sh").st_mode) == mode


def test_a_write_leaves_nothing_but_the_file_and_a_folder_that_git_does_not_see(workspace, root):
    workspace.write("docs/a", b"x")
    assert sorted(os.listdir(root)) == [OWN, "docs"]
    assert os.listdir(root / "docs") == ["a"]
    assert (root / OWN / ".gitignore").read_text() == "*\n"
    workspace.close()
    assert os.listdir(root / OWN / "writers") == []


def test_looking_makes_nothing(workspace, root):
    workspace.children("", 5)
    list(workspace.walk())
    workspace.trash()
    with pytest.raises(WorkspaceError):
        workspace.read("a", 5)
    assert os.listdir(root) == []


def test_a_write_that_fails_changes_nothing_and_leaves_nothing(workspace, root, monkeypatch):
    workspace.write("a", b"old")
    for name in ("fsync", "write"):
        with monkeypatch.context() as patched:

            def full(*_args):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            patched.setattr(disk_writing.os, name, full)
            with pytest.raises(
                WorkspaceError, match="cannot write `a`: the disk is full; nothing was changed"
            ):
                workspace.write("a", b"new")
        assert workspace.read("a", 5).data == b"old"
        assert sorted(os.listdir(root)) == [OWN, "a"]


def test_an_interrupt_in_a_write_leaves_nothing(workspace, root, monkeypatch):
    workspace.write("a", b"old")

    def interrupted(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(disk_writing.os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            workspace.write("a", b"new")
    assert workspace.read("a", 5).data == b"old"
    assert sorted(os.listdir(root)) == [OWN, "a"]


def test_a_file_that_is_changed_while_its_successor_is_written_is_not_lost(workspace, root, monkeypatch):
    digest = workspace.write("a", b"old").digest
    sync = os.fsync

    def changed(descriptor):
        sync(descriptor)
        (root / "a").write_bytes(b"another's")

    with monkeypatch.context() as patched:
        patched.setattr(disk_writing.os, "fsync", changed)
        with pytest.raises(WorkspaceError, match="changed since it was read"):
            workspace.write("a", b"new", digest)
    assert workspace.read("a", 20).data == b"another's"
    assert sorted(os.listdir(root)) == [OWN, "a"]


def test_what_lies_on_another_file_system_says_how_to_go_on():
    with (
        pytest.raises(WorkspaceError, match=r"another file system.*write a copy instead"),
        refusals_of("move", "a"),
    ):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


def test_an_error_nobody_foresaw_is_told_in_the_system_s_words():
    with pytest.raises(WorkspaceError, match="cannot read `a`: Bad address"), refusals_of("read", "a"):
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EDQUOT, "the disk quota is used up; nothing was changed"),
        (errno.EMFILE, "too many files are open in this process"),
        (errno.EIO, "the disk failed"),
    ],
)
def test_what_the_system_denies_is_told(workspace, monkeypatch, code, said):
    workspace.write("a", b"x")

    def denied(*_args, **_options):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(type(workspace._root), "open_regular", denied)
        with pytest.raises(WorkspaceError, match=f"cannot read `a`: {said}"):
            workspace.read("a", 5)


def test_the_workspace_s_own_names_are_neither_shown_nor_counted(workspace, root):
    workspace.write("a", b"x")
    workspace.remove("a")
    (root / f"{OWN}-abcd-1").write_bytes(b"stray")
    workspace.write("b", b"x")
    assert [info.path for info in workspace.walk()] == ["b"]
    listed = workspace.children("", 1)
    assert ([info.path for info in listed.entries], listed.left) == (["b"], 0)


def test_a_folder_whose_name_no_path_can_hold_is_told_and_skipped(workspace, root):
    os.mkdir(os.fsencode(root) + b"/caf\xe9")
    walk = workspace.walk()
    assert [info.path for info in walk] == [r"caf\xe9"]
    assert walk.skipped == [Skipped(r"caf\xe9", "its name cannot be written as a path")]


def test_counting_and_walking_stop_where_they_are_told_and_say_so(tmp_path):
    for number in range(30):
        (tmp_path / f"{number:02d}").touch()
    folder = HeldFolder.root(str(tmp_path))
    try:
        listed = listing(folder, (), 4, most_counted=20)
        assert (len(listed.entries), listed.left, listed.is_complete) == (4, 16, False)
        assert listing(folder, (), 4, most_counted=30).is_complete
        *walked, last = steps(folder, (), most_walked=20)
        assert len(walked) == 20
        assert last == Skipped("", "more than 20 entries; the others were not looked at")
    finally:
        folder.close()


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path, by_name):
    (tmp_path / "file").touch()
    for name in ("nothing", "file"):
        with pytest.raises(UsageError, match=r"cannot be opened.*Make it first"):
            DiskWorkspace(tmp_path / name, by_name=by_name)


def test_a_closed_workspace_refuses_every_verb_and_may_be_closed_again(workspace):
    workspace.close()
    workspace.close()
    for call in (lambda: workspace.info(""), lambda: workspace.write("a", b""), workspace.trash):
        with pytest.raises(WorkspaceError, match="was closed"):
            call()


def test_one_that_is_forgotten_lets_go_of_its_descriptors(tmp_path):
    workspace = DiskWorkspace(tmp_path)
    workspace.write("a", b"x")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    gone = weakref.ref(workspace)
    del workspace
    gc.collect()
    assert gone() is None
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before - 2
    assert os.listdir(tmp_path / OWN / "writers") == []


def test_no_descriptor_is_left_open_by_any_verb(workspace, root, outside):
    workspace.write("docs/a", b"x")
    (root / "out").symlink_to(outside)
    before = len(os.listdir("/proc/self/fd"))
    walk = workspace.walk()
    next(walk)
    workspace.restore(workspace.remove("docs/a").id)
    for path in ("docs/a", "docs", "out/x", "out", "docs/a/b", "none/x"):
        for call in (
            lambda path=path: workspace.read(path, 5),
            lambda path=path: workspace.children(path, 5),
            lambda path=path: workspace.write(path, b"x", "0"),
            lambda path=path: workspace.touch(path),
            lambda path=path: workspace.move(path, "docs/new"),
            lambda path=path: workspace.remove(path),
        ):
            try:
                call()
            except WorkspaceError:
                continue
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_rename_never_replaces_even_where_the_system_has_no_call_for_it(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        for lacking in (False, True):
            if lacking:
                monkeypatch.setattr("agentlab.tools.workspace.renaming._renameat2", lambda: None)
            with pytest.raises(FileExistsError):
                rename_into_free_name(descriptor, "a", descriptor, "b")
        rename_into_free_name(descriptor, "a", descriptor, "c")
    finally:
        os.close(descriptor)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"b": b"b", "c": b"a"}


@pytest.mark.parametrize("name", ["file.txt:stream", "a.", "a ", "a*b", "a?"])
def test_the_weaker_way_refuses_what_windows_takes_for_another_name(tmp_path, name):
    folder = NamedFolder(tmp_path.resolve(), strict_names=True)
    with pytest.raises(OSError, match="not allowed on this system"):
        folder.create(name, 0o600)
    assert os.listdir(tmp_path) == []


def test_the_weaker_way_notices_a_folder_that_became_a_link(tmp_path, outside):
    (tmp_path / "docs").mkdir()
    root = NamedFolder.root(str(tmp_path))
    with folder_at(root, ("docs",)) as docs:
        (tmp_path / "docs").rmdir()
        (tmp_path / "docs").symlink_to(outside)
        for call in (lambda: docs.open_regular("secret"), lambda: docs.create("new", 0o600), docs.own_stat):
            with pytest.raises(OSError, match="exchanged for a link"):
                call()


def test_a_folder_that_is_held_stays_the_same_folder(tmp_path, outside):
    (tmp_path / "docs").mkdir()
    root = HeldFolder.root(str(tmp_path))
    with folder_at(root, ("docs",)) as docs:
        (tmp_path / "docs").rename(tmp_path / "elsewhere")
        (tmp_path / "docs").symlink_to(outside)
        os.close(docs.create("new", 0o600))
    root.close()
    assert os.listdir(tmp_path / "elsewhere") == ["new"]
    assert os.listdir(outside) == ["secret"]


def test_a_file_system_that_cannot_sync_folders_does_not_fail_a_write(tmp_path, monkeypatch):
    sync = os.fsync
    refused = []

    def files_only(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refused.append(descriptor)
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    with DiskWorkspace(tmp_path) as workspace:
        code = errno.EINVAL
        assert workspace.write("docs/a", b"x").size == 1
        code = errno.EIO
        with pytest.raises(WorkspaceError, match="the disk failed"):
            workspace.write("docs/a", b"y")
    assert refused


def test_comparing_a_file_that_grows_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_writing, "MOST_BYTES_COMPARED", 1000)
    read = os.read
    chunks = []

    def growing(descriptor, most):
        data = read(descriptor, most)
        if len(data) == 10 or chunks:
            chunks.append(most)
            return b"x" * most
        return data

    with DiskWorkspace(tmp_path) as workspace:
        workspace.write("a", b"0123456789")
        with monkeypatch.context() as patched:
            patched.setattr(os, "read", growing)
            with pytest.raises(WorkspaceError, match="changed since it was read"):
                workspace.write("a", b"y", "0" * 64)
        assert 1 <= len(chunks) < 5
        (tmp_path / "a").write_bytes(b"x" * 1001)
        with pytest.raises(WorkspaceError, match="too large to compare"):
            workspace.write("a", b"y", "0" * 64)
