"""Another process exchanges folders, files and the trash with links that lead out: no verb is led out by it."""

import ctypes
import os
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest

from agentlab.errors import WorkspaceError
from agentlab.tools.workspace import DiskWorkspace, FileInfo, Listing, held_folder
from tests.tools.workspace.exchanging import attacked
from tests.tools.workspace.watching import CANARY, canary_tree

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
SECONDS = float(os.environ.get("AGENTLAB_EXCHANGE_SECONDS", "30" if GAUNTLET else "0.3"))
MOST_SECONDS = 60.0

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "renameat2"),
    reason="exchanging two names needs Linux's renameat2",
)


class Verbs:
    """One step of every verb against the tree under attack; gives what it learnt."""

    def __init__(self, workspace, real_docs):
        self.workspace = workspace
        self.real_docs = real_docs
        self.made = 0

    def fresh(self):
        self.made += 1
        return f"new-{self.made}"

    def tidy(self, name):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.real_docs)

    def info(self):
        return [self.workspace.info(path) for path in ("docs/a.txt", "a.txt")]

    def children(self):
        return self.workspace.children("docs", 50)

    def walk(self):
        walk = self.workspace.walk("docs")
        return list(walk), list(self.workspace.walk())

    def read(self):
        return [self.workspace.read(path, 1000).data for path in ("docs/a.txt", "a.txt")]

    def write(self):
        for path in ("docs/a.txt", "a.txt", "docs/b.txt"):
            self.workspace.write(path, b"inside\n")

    def edit(self):
        for path in ("docs/a.txt", "a.txt"):
            self.workspace.write(path, b"inside\n", self.workspace.read(path, 1000).digest)

    def make_folder(self):
        name = self.fresh()
        try:
            self.workspace.make_folder(f"docs/{name}/deep")
        finally:
            for made in (f"{name}/deep", name):
                with suppress(FileNotFoundError):
                    os.rmdir(made, dir_fd=self.real_docs)

    def touch(self):
        name = self.fresh()
        try:
            self.workspace.touch(f"docs/{name}")
            self.workspace.touch("docs/a.txt")
            self.workspace.touch("a.txt")
        finally:
            self.tidy(name)

    def move(self):
        try:
            self.workspace.move("docs/b.txt", "c.txt")
            self.workspace.move("docs/a.txt", "docs/b.txt")
        finally:
            for source, destination in (("docs/b.txt", "docs/a.txt"), ("c.txt", "docs/b.txt")):
                for _ in range(20):
                    with suppress(WorkspaceError):
                        self.workspace.move(source, destination)
                        break

    def move_replace(self):
        self.workspace.write("c.txt", b"inside\n")
        self.workspace.move("c.txt", "docs/b.txt", replace=True)

    def remove(self):
        for path in ("docs/a.txt", "a.txt"):
            self.back(self.workspace.remove(path))

    def remove_folder(self):
        self.back(self.workspace.remove("docs"))

    def back(self, removed):
        last = time.monotonic() + MOST_SECONDS
        while time.monotonic() < last:
            with suppress(WorkspaceError):
                return self.workspace.restore(removed.id)
        raise AssertionError(f"{removed} did not come back")

    def trash(self):
        return self.workspace.trash()


VERBS = [name for name in vars(Verbs) if not name.startswith("_") and name not in {"fresh", "tidy", "back"}]


@contextmanager
def scene(folder):
    """A workspace with files, its trash and journals made, and the pairs that an attacker exchanges."""
    tree = canary_tree(folder)
    own = tree.root / ".agentlab-workspace"
    with DiskWorkspace(tree.root) as workspace:
        for path in ("a.txt", "docs/a.txt", "docs/b.txt", "thrown.txt"):
            workspace.write(path, b"inside\n")
        workspace.remove("thrown.txt")
        links = {"own": tree.around / "outside", "trash": tree.around / "outside" / "trash"}
        for name, target in links.items():
            (tree.root / f"link-{name}").symlink_to(target)
        real_docs = os.open(tree.root / "docs", os.O_RDONLY)
        pairs = [
            (tree.root, "docs", tree.root, "out"),
            (tree.root, "a.txt", tree.root, "secret"),
            (tree.root, ".agentlab-workspace", tree.root, "link-own"),
            (own, "trash", tree.root, "link-trash"),
        ]
        try:
            yield tree, Verbs(workspace, real_docs), pairs
        finally:
            os.close(real_docs)


def learnt_a_canary(answer):
    """Whether an answer holds a canary's content, its size, or a name that is only outside."""
    if isinstance(answer, (list, tuple)):
        return any(learnt_a_canary(item) for item in answer)
    if isinstance(answer, Listing):
        return learnt_a_canary(answer.entries)
    if isinstance(answer, FileInfo):
        return answer.size == len(CANARY) or answer.path.startswith(
            ("docs/secret", "docs/trash", "docs/writers")
        )
    return answer == CANARY


def test_what_is_learnt_of_a_canary_is_recognised(tmp_path):
    tree = canary_tree(tmp_path)
    with DiskWorkspace(tree.around / "outside") as outside:
        answers = [
            [outside.info("a.txt")],
            outside.children("", 50),
            (list(outside.walk()), []),
            [outside.read("a.txt", 1000).data],
        ]
    assert all(learnt_a_canary(answer) for answer in answers)
    with DiskWorkspace(tree.root) as inside:
        assert not learnt_a_canary((list(inside.walk()), inside.children("docs", 9)))


def run(step, seconds, escaped):
    """Repeat a step for so long, and until it met both states of the tree; gives the counts."""
    counts = Counter()
    end, last = time.monotonic() + seconds, time.monotonic() + MOST_SECONDS
    while time.monotonic() < end or (not (counts["done"] and counts["refused"]) and time.monotonic() < last):
        try:
            answer = step()
            counts["done"] += 1
            counts["escaped"] += escaped(answer)
        except WorkspaceError:
            counts["refused"] += 1
    return counts


@pytest.mark.parametrize("verb", VERBS)
def test_no_exchange_leads_a_verb_out(quick_path, verb):
    with scene(quick_path) as (tree, verbs, pairs):
        with attacked(pairs):
            counts = run(getattr(verbs, verb), SECONDS, learnt_a_canary)
        print(verb, dict(counts))
        assert counts["escaped"] == 0
        tree.check()
        assert counts["done"] > 0
        assert counts["refused"] > 0


@pytest.mark.parametrize("verb", ["children", "walk", "read"])
def test_the_same_attack_leads_out_a_workspace_that_would_follow_links(quick_path, monkeypatch, verb):
    monkeypatch.setattr(held_folder, "_FOLDER", os.O_RDONLY | os.O_DIRECTORY)
    with scene(quick_path) as (_tree, verbs, pairs), attacked(pairs):
        step, escaped, last = getattr(verbs, verb), False, time.monotonic() + MOST_SECONDS
        while not escaped and time.monotonic() < last:
            with suppress(WorkspaceError):
                escaped = learnt_a_canary(step())
        assert escaped


def is_inside(root, path):
    resolved = os.path.realpath(root / path)
    if not resolved.startswith(f"{os.path.realpath(root)}/"):
        raise WorkspaceError("outside")
    return root / path


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="the race is run long in `make gauntlet`")
def test_resolving_before_opening_does_escape(quick_path):
    with scene(quick_path) as (tree, _verbs, pairs):

        def each(act):
            for path in ("docs/a.txt", "a.txt"):
                with suppress(OSError):
                    yield act(is_inside(tree.root, path))

        def read():
            return list(each(lambda path: path.read_bytes()))

        def write():
            return list(each(lambda path: path.write_bytes(b"inside\n")))

        def escaped_once(step, escaped):
            counts = Counter()
            last = time.monotonic() + 3 * MOST_SECONDS
            while not counts["escaped"] and time.monotonic() < last:
                counts += run(step, 1.0, escaped)
            return counts

        def reads_a_canary(answer):
            return CANARY in answer

        def has_changed(_answer):
            return (tree.around / "outside/a.txt").read_bytes() != CANARY

        with attacked(pairs):
            for step, escaped in ((read, reads_a_canary), (write, has_changed)):
                counts = escaped_once(step, escaped)
                print(step.__name__, dict(counts))
                assert counts["escaped"] > 0
