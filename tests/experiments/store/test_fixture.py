"""The copy for a notebook holds the same runs, nothing of the machine, and the same bytes each time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from agentlab.errors import StoreUnusable, StoreWriteFailed
from agentlab.experiments.store import Store
from agentlab.experiments.store.fixture import Machine, scrub
from agentlab.http import Secret
from tests.experiments.store.rows import key_of, run_of

KEY = "sk-proj-" + "Ab3" * 12
MACHINE = Machine(folders=(("/srv/lab/me", "."), ("/srv", "<srv>")), host="workstation-7")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("see /srv/lab/me/notes.txt", "see ./notes.txt"),
        ("/srv/lab/meadow stays apart", "<srv>/lab/meadow stays apart"),
        ("/home/ada/x and /Users/ada/y", "~/x and ~/y"),
        (r"C:\Users\ada\x", r"~\x"),
        (r'"C:\\Users\\ada\\x"', r'"~\\x"'),
        ("from workstation-7.local", "from <host>.local"),
        ("workstation-77 and myworkstation-7", "workstation-77 and myworkstation-7"),
        (f"key={KEY}!", "key=[redacted]!"),
        ("at home, users of C: drives", "at home, users of C: drives"),
    ],
)
def test_what_tells_of_a_machine_is_replaced(text: str, clean: str) -> None:
    assert scrub(text, MACHINE) == clean


def test_a_known_key_of_any_shape_is_replaced() -> None:
    assert (
        scrub("open correct-horse-battery", MACHINE, [Secret("correct-horse-battery")]) == "open [redacted]"
    )


def test_this_machine_is_known_by_its_folders_and_name() -> None:
    machine = Machine.this()
    assert (str(Path.cwd()), ".") in machine.folders
    assert all(Path(folder).is_absolute() and len(Path(folder).parts) > 1 for folder, _ in machine.folders)
    assert scrub(f"{Path.cwd()}/a", machine) == "./a"


def test_a_copy_has_the_runs_the_keys_and_the_scores_and_no_secret(tmp_path: Path) -> None:
    secret = Secret("correct-horse-battery")
    told = f"{KEY} {secret.reveal()} {Path.cwd()}/x"
    with Store.open(tmp_path / "a.db") as store:
        key = key_of(1, note=told)
        store.put(run_of(1, key=key, status="error", error_message=f"401 for {told}"), key, trace=f'"{told}"')
        store.put(run_of(2), key_of(2))
        store.note("made", {"in": told})
        copy = store.copy_for_fixture(tmp_path / "fixture.db", secrets=[secret], traces=True)
        assert [name for name in names(tmp_path) if "fixture" in name] == ["fixture.db"]
        kept = store.get()
    for hidden in (KEY, secret.reveal(), str(Path.cwd())):
        assert hidden.encode() not in copy.read_bytes()
    with Store.open(copy, read_only=True) as again:
        rows = again.get()
        assert rows.keys() == kept.keys()
        assert rows[key_of(2).digest] == kept[key_of(2).digest]
        assert rows[key.digest].error_message == "401 for [redacted] [redacted] ./x"
        assert again.trace(key.digest) == '"[redacted] [redacted] ./x"'
        assert {cell.cell_key for cell in again.cells() if cell.key} == kept.keys()
        assert again.meta == {"made": {"in": "[redacted] [redacted] ./x"}}


def test_traces_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        store.put(run_of(1), trace="{}")
        with Store.open(store.copy_for_fixture(tmp_path / "b.db"), read_only=True) as copy:
            assert copy.trace(run_of(1).cell_key) is None


def test_the_same_runs_give_the_same_bytes_in_whatever_order_they_were_stored(tmp_path: Path) -> None:
    copies = []
    for number in range(2):
        samples = list(range(30))
        random.Random(number).shuffle(samples)
        with Store.open(tmp_path / f"{number}.db") as store:
            if number:
                store.put(run_of(0, status="error"), key_of(0))  # what was replaced leaves nothing behind
            for sample in samples:
                store.put(run_of(sample), key_of(sample))
            copies.append(store.copy_for_fixture(tmp_path / f"copy-{number}.db").read_bytes())
    assert copies[0] == copies[1]


def test_reading_a_fixture_leaves_its_bytes_and_its_folder_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    with Store.open(tmp_path / "a.db") as store:
        store.put(run_of(1), key_of(1))
        copy = store.copy_for_fixture(folder / "runs.db")
    before = copy.read_bytes()
    with Store.open(copy, read_only=True) as reader:
        assert len(reader.get()) == 1
        assert names(folder) == ["runs.db"]
    assert copy.read_bytes() == before


def test_a_copy_replaces_an_earlier_one_and_never_the_store(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        store.put(run_of(1))
        copy = store.copy_for_fixture(tmp_path / "b.db")
        store.put(run_of(2))
        with Store.open(store.copy_for_fixture(copy), read_only=True) as again:
            assert len(again) == 2
        with pytest.raises(StoreWriteFailed, match="is the store itself"):
            store.copy_for_fixture(tmp_path / "a.db")
        with pytest.raises(StoreUnusable, match="there is no folder"):
            store.copy_for_fixture(tmp_path / "nowhere" / "b.db")
        with pytest.raises(StoreWriteFailed, match="could not be written"):
            store.copy_for_fixture(tmp_path)
        assert len(store) == 2
    assert names(tmp_path) == ["a.db", "b.db"]
