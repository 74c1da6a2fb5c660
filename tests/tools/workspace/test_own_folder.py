"""The trash and the journals lie where other processes reach them: what those do to them leads nowhere and loses nothing."""

import json
import os

import pytest

from agentlab.errors import WorkspaceError
from agentlab.tools.workspace import DiskWorkspace

OWN = ".agentlab-workspace"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="links are of POSIX")


def test_what_a_living_writer_is_at_is_left_alone(tmp_path, by_name):
    with DiskWorkspace(tmp_path, by_name=by_name) as first:
        first.write("docs/a", b"x")
        (journal,) = os.listdir(tmp_path / OWN / "writers")
        stray = tmp_path / "docs" / f"{OWN}-{journal}-00000000"
        stray.write_bytes(b"being written")
        with DiskWorkspace(tmp_path, by_name=by_name):
            assert stray.exists()
    assert stray.exists()  # closed in order, it says that it left nothing


@pytest.mark.parametrize(
    "line",
    [
        b'"../outside"',
        b'"docs/link"',
        b"[1]",
        b"null",
        b"{",
        b'"docs',
        b"\xff\xfe",
        b"[" * 100_000,
        b'"no/such"',
        b'"\\ud800"',
    ],
)
def test_a_journal_that_another_wrote_leads_nowhere(tmp_path, by_name, line):
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / OWN / "writers", root / "docs", outside):
        folder.mkdir(parents=True)
    (root / "docs/link").symlink_to(outside)
    name = f"{OWN}-feed-1"
    (outside / name).write_bytes(b"x")
    (root / "docs" / name).write_bytes(b"x")
    (root / OWN / "writers" / "feed").write_bytes(line + b'\n"docs"\n"unfinished')
    with DiskWorkspace(root, by_name=by_name):
        pass
    assert (outside / name).exists()
    assert not (root / "docs" / name).exists()
    assert os.listdir(root / OWN / "writers") == []


@pytest.mark.parametrize(
    "note",
    [
        {"path": "../outside/new", "removed_at": 1},
        {"path": "", "removed_at": 1},
        {"path": "/", "removed_at": 1},
        {"path": f"{OWN}/x", "removed_at": 1},
        {"path": "a", "removed_at": "never"},
        {"removed_at": 1},
        [],
        "x",
    ],
)
def test_a_note_of_the_trash_that_another_wrote_leads_nowhere(workspace, root, outside, note):
    workspace.write("a", b"x")
    removed = workspace.remove("a")
    (root / OWN / "trash" / removed.id / "origin.json").write_text(json.dumps(note))
    assert workspace.trash() == ()
    with pytest.raises(WorkspaceError, match="waits in the trash"):
        workspace.restore(removed.id)
    assert (root / OWN / "trash" / removed.id / "content").exists()
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]


@pytest.mark.parametrize("part", ["own", "trash", "place", "note"])
def test_a_trash_that_is_a_link_is_refused_and_nothing_is_lost(workspace, root, outside, part):
    workspace.write("a", b"x")
    workspace.write("b", b"x")
    removed = workspace.remove("a")
    exchanged = {
        "own": root / OWN,
        "trash": root / OWN / "trash",
        "place": root / OWN / "trash" / removed.id,
        "note": root / OWN / "trash" / removed.id / "origin.json",
    }[part]
    kept = exchanged.rename(root / "kept")
    (outside / "trash").mkdir()
    exchanged.symlink_to(outside / "secret" if part == "note" else outside)
    with pytest.raises(WorkspaceError):
        workspace.restore(removed.id)
    if part in {"own", "trash"}:
        for call in (lambda: workspace.remove("b"), workspace.trash):
            with pytest.raises(WorkspaceError, match="links are not followed"):
                call()
    assert workspace.read("b", 5).data == b"x"
    assert os.listdir(outside / "trash") == []
    exchanged.unlink()
    kept.rename(exchanged)
    assert workspace.restore(removed.id) == "a"


def test_a_removal_that_fails_leaves_no_empty_place_in_the_trash(workspace, root):
    with pytest.raises(WorkspaceError, match="there is nothing"):
        workspace.remove("a")
    assert not (root / OWN).exists()
