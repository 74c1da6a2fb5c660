"""No text leads out of a workspace: by an audit hook, and by canaries around it that show even a reading."""

import hashlib
import os
from collections import Counter
from contextlib import suppress
from urllib.parse import unquote

import pytest

from agentlab.errors import WorkspaceError
from agentlab.tools.workspace import DiskWorkspace, MemoryWorkspace
from tests.tools.workspace.traversal import DEVICES, FOLDER, OWN, own_traversals, public_traversals
from tests.tools.workspace.watching import CANARY, canary_tree, watched

INSIDE = hashlib.sha256(b"inside\n").hexdigest()
GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"


def verbs(workspace, path):
    """Every verb with the path in every place where one can stand, as (name, call)."""
    return (
        ("move to", lambda: workspace.move("docs/a.txt", path)),
        ("info", lambda: workspace.info(path)),
        ("read", lambda: workspace.read(path, 100)),
        ("children", lambda: workspace.children(path, 5)),
        ("walk", lambda: [info for info, _ in zip(workspace.walk(path), range(5), strict=False)]),
        ("write", lambda: workspace.write(path, b"inside\n")),
        ("write expected", lambda: workspace.write(path, b"inside\n", INSIDE)),
        ("touch", lambda: workspace.touch(path)),
        ("move from", lambda: workspace.move(path, "docs/a.txt", replace=True)),
        ("make_folder", lambda: workspace.make_folder(path)),
        ("remove", lambda: workspace.restore(workspace.remove(path).id)),
        ("restore", lambda: workspace.restore(path)),
    )


def attempt(workspace, path, outcomes):
    """Run every verb; only `WorkspaceError` may come, with a text that can be sent, and no canary."""
    for name, call in verbs(workspace, path):
        try:
            answer = call()
        except WorkspaceError as error:
            outcomes[name, "refused"] += 1
            text = str(error)
            assert text.encode()
            assert len(text) < 1200
            assert text.isprintable()
        else:
            outcomes[name, "done"] += 1
            assert CANARY not in repr(answer).encode()
            assert getattr(answer, "data", b"") != CANARY


def tidy(workspace, path):
    """Let the next text find the tree as this one found it."""
    with suppress(WorkspaceError):
        workspace.remove(path)
    try:
        workspace.read("docs/a.txt", 10)
    except WorkspaceError:
        with suppress(WorkspaceError):
            workspace.remove("docs/a.txt")
        workspace.write("docs/a.txt", b"inside\n")


def run_all(folder, texts, every=1000):
    """Run the texts, a fresh workspace each thousand; gives the watch and the counts."""
    tree = canary_tree(folder)
    outcomes = Counter()
    touches, seen = [], 0
    for start in range(0, len(texts), every):
        workspace = DiskWorkspace(tree.root)
        with workspace, watched(tree.root) as watch:
            for path in texts[start : start + every]:
                attempt(workspace, path, outcomes)
                tidy(workspace, path)
        touches += watch.touches
        seen += watch.seen
    tree.check()
    return touches, seen, outcomes


def test_300_texts_of_our_own_touch_nothing_outside(quick_path):
    texts = own_traversals()
    assert len(set(texts)) == 300
    touches, seen, outcomes = run_all(quick_path, texts)
    assert touches == []
    assert seen > 3_000
    for verb in (
        "info",
        "read",
        "write",
        "write expected",
        "touch",
        "move to",
        "move from",
        "make_folder",
        "remove",
    ):
        assert outcomes[verb, "refused"] > 150
        assert outcomes[verb, "done"] > 50, verb  # those that are harmless names, kept literally inside


def test_300_texts_of_our_own_are_as_harmless_in_memory():
    workspace = MemoryWorkspace({"docs/a.txt": "inside\n"})
    outcomes = Counter()
    for path in own_traversals():
        attempt(workspace, path, outcomes)
    assert outcomes["read", "refused"] > 150


@pytest.mark.parametrize("path", [*DEVICES, *OWN])
def test_devices_and_the_workspace_s_own_names_are_refused_everywhere(path):
    with pytest.raises(WorkspaceError, match="is refused"):
        MemoryWorkspace().write(path, b"")


def test_the_watch_sees_what_does_lead_out(tmp_path):
    tree = canary_tree(tmp_path)
    calls = {
        "open": lambda: os.close(os.open(tree.around / "secret.txt", os.O_RDONLY)),
        "followed": lambda: os.close(os.open(tree.root / "secret", os.O_RDONLY)),
        "through a folder": (tree.root / "out" / "secret.txt").read_bytes,
        "stat": lambda: os.stat(tree.around / "secret.txt"),
        "list": lambda: os.listdir(tree.around),
        "utime": lambda: os.utime(tree.root / ".." / "x"),
        "remove": lambda: os.remove(tree.around / "no such"),
        "shell": lambda: os.system("true"),
    }
    for name, call in calls.items():
        with watched(tree.root) as watch, suppress(FileNotFoundError):
            call()
        assert watch.touches, name
    with pytest.raises(AssertionError):
        tree.check()  # they were read


def test_the_watch_resolves_names_that_start_from_a_held_folder(tmp_path):
    tree = canary_tree(tmp_path)
    for folder, touched in ((tree.root / "docs", False), (tree.around, True)):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with watched(tree.root) as watch:
                os.close(os.open("new", os.O_CREAT | os.O_NOFOLLOW | os.O_WRONLY, dir_fd=descriptor))
                os.remove("new", dir_fd=descriptor)
        finally:
            os.close(descriptor)
        assert bool(watch.touches) is touched


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="the whole set runs in `make gauntlet`")
@pytest.mark.skipif(not FOLDER, reason="AGENTLAB_TRAVERSALS names no folder")
@pytest.mark.parametrize("form", ["as it is", "decoded once", "decoded twice", "below a folder"])
def test_every_public_text_touches_nothing_outside(form, quick_path):
    forms = {
        "as it is": lambda text: text,
        "decoded once": unquote,
        "decoded twice": lambda text: unquote(unquote(text)),
        "below a folder": lambda text: f"docs/{text}",
    }
    texts = [forms[form](text) for text in public_traversals()]
    assert len(texts) == 23_058
    touches, seen, outcomes = run_all(quick_path, texts)
    print(form, seen, sorted(outcomes.items()))
    assert touches == []
    assert sum(outcomes.values()) == len(texts) * 12
