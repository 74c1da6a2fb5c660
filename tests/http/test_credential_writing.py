"""Storing a key: whole or not at all, one at a time, never readable by others, and nothing else in the file is lost."""

from __future__ import annotations

import errno
import os
import random
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, Self

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import CredentialsUnusable, UsageError
from agentlab.http import Secret, StoredLogin
from agentlab.http import credential_writing as writing
from agentlab.http.credential_file import read_logins
from agentlab.http.credential_writing import change_login, changed_text
from tests.http.leaking import CANARY, NEEDLE, shown_of

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "agentlab" / "credentials.toml"


def store(path: Path, vendor: str, key: str | None, base_url: str | None = None) -> StoredLogin:
    return change_login(path, vendor, lambda _: StoredLogin(Secret(key) if key else None, base_url))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_login_makes_folder_and_file_for_their_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        assert store(path, "openai", CANARY) == StoredLogin()
    finally:
        os.umask(before)
    assert mode_of(path) == 0o600
    assert mode_of(path.parent) == 0o700
    assert tomllib.loads(path.read_text()) == {"openai": {"key": CANARY}}


def test_every_file_that_ever_holds_the_key_is_its_owner_s_alone_from_the_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int]] = []
    real = os.open

    def watched(name: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        handle = real(name, flags, mode, **more)
        if flags & os.O_CREAT:
            opened.append((str(name), stat.S_IMODE(os.fstat(handle).st_mode)))
        return handle

    monkeypatch.setattr(os, "open", watched)
    before = os.umask(0)
    try:
        store(path, "openai", CANARY)
        store(path, "openai", "another-key")
    finally:
        os.umask(before)
    assert [name for name, _ in opened if name.endswith(".new")]
    assert {mode for _, mode in opened} == {0o600}
    assert sorted(each.name for each in path.parent.iterdir()) == [
        ".credentials.toml.lock",
        "credentials.toml",
    ]


def test_a_login_replaces_its_own_table_and_leaves_all_else_as_it_is(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(
        "# mine\n\n[openai]  # work\n# of the lab\nkey = 'old'\norganisation = \"lab\"\n\n"
        '# at home\n[ollama]\nbase_url = "http://gpu:11434"\n'
    )
    path.chmod(0o600)
    before = store(path, "openai", "new\\\"'key", "https://g.example")
    assert before.key == Secret("old")
    text = path.read_text()
    assert tomllib.loads(text) == {
        "openai": {"key": "new\\\"'key", "base_url": "https://g.example", "organisation": "lab"},
        "ollama": {"base_url": "http://gpu:11434"},
    }
    assert all(comment in text for comment in ("# mine", "# of the lab", "# at home"))
    change_login(path, "openai", lambda _: StoredLogin())
    assert tomllib.loads(path.read_text()) == {
        "openai": {"organisation": "lab"},
        "ollama": {"base_url": "http://gpu:11434"},
    }
    change_login(path, "ollama", lambda _: StoredLogin())
    assert "ollama" not in path.read_text()
    assert all(comment in path.read_text() for comment in ("# mine", "# of the lab", "# at home"))


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True)
KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
LOGINS = st.builds(StoredLogin, st.none() | KEYS.map(Secret), st.none() | st.just("https://h.example/v1"))


@given(st.lists(st.tuples(NAMES, LOGINS), max_size=8))
def test_any_sequence_of_logins_leaves_the_last_of_each_vendor(
    changes: list[tuple[str, StoredLogin]],
) -> None:
    text, wanted = "# kept\n", {}
    for name, login in changes:
        after = changed_text(text, name, login)
        assert after is not None
        text = after
        said = {"key": login.key and login.key.reveal(), "base_url": login.base_url}
        wanted[name] = {field: value for field, value in said.items() if value is not None}
    assert tomllib.loads(text) == {name: table for name, table in wanted.items() if table}
    assert text.startswith("# kept\n")


@pytest.mark.parametrize(
    "text",
    [f'openai = {{ key = "{CANARY}" }}\n', f'openai.key = "{CANARY}"\n', f'[openai]\n"key" = "{CANARY}"\n'],
)
def test_a_table_that_is_written_in_another_way_is_left_alone_and_said(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(CredentialsUnusable, match="change it in an editor") as refused:
        store(path, "openai", "another-key")
    assert path.read_text() == text
    assert NEEDLE not in shown_of(refused.value)


def test_what_is_stored_already_is_not_written_again(path: Path) -> None:
    store(path, "openai", CANARY)
    first = path.stat().st_ino
    store(path, "openai", CANARY)
    assert path.stat().st_ino == first


@pytest.mark.parametrize("name", ["", "a.b", "a b", "[a]", "a\n", "-a", "é"])
def test_a_name_that_cannot_stand_in_the_file_is_refused(path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name of a vendor"):
        store(path, name, CANARY)
    assert not path.exists()


def test_an_address_that_holds_a_password_is_not_stored(path: Path) -> None:
    with pytest.raises(UsageError, match="without a user name") as refused:
        store(path, "openai", None, f"https://u:{CANARY}@h")
    assert not path.exists()
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("how", ["mode", "link", "damage"])
def test_a_file_that_cannot_be_trusted_is_not_written_over(path: Path, how: str) -> None:
    path.parent.mkdir(parents=True)
    real = path.with_name("real.toml") if how == "link" else path
    real.write_text("[openai\n" if how == "damage" else '[openai]\nkey = "old"\n')
    real.chmod(0o644 if how == "mode" else 0o600)
    if how == "link":
        path.symlink_to(real)
    before = real.read_text()
    with pytest.raises(CredentialsUnusable) as refused:
        store(path, "openai", CANARY)
    assert real.read_text() == before
    assert CANARY not in shown_of(refused.value)


@pytest.mark.parametrize("step", ["fsync", "replace", "write"])
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_disk_that_fails_leaves_the_old_file_and_no_trace(
    path: Path, step: str, reason: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(path, "openai", "old")

    def fails(*_: object) -> None:
        raise OSError(reason, os.strerror(reason))

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __getattr__(self, name: str) -> Any:
            return fails if name == "write" else getattr(self.file, name)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

    if step == "write":
        real = os.fdopen
        monkeypatch.setattr(
            os, "fdopen", lambda fd, mode: Full(real(fd, mode)) if mode == "wb" else real(fd, mode)
        )
    else:
        monkeypatch.setattr(os, step, fails)
    with pytest.raises(CredentialsUnusable, match=os.strerror(reason)) as refused:
        store(path, "openai", CANARY)
    monkeypatch.undo()
    assert read_logins(path) == {"openai": StoredLogin(Secret("old"))}
    assert not list(path.parent.glob("*.new"))
    assert not list(path.parent.glob(".*.new"))
    assert NEEDLE not in shown_of(refused.value)


CRASH = """
import os, sys
from pathlib import Path
from agentlab.http import Secret, StoredLogin
from agentlab.http.credential_writing import change_login
setattr(os, sys.argv[2], lambda *_: os._exit(9))
change_login(Path(sys.argv[1]), "openai", lambda _: StoredLogin(Secret("new-key")))
"""


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_before_the_rename_leaves_the_old_file_and_the_next_login_tidies_up(
    path: Path, step: str
) -> None:
    store(path, "openai", "old")
    crashed = subprocess.run([sys.executable, "-c", CRASH, str(path), step], check=False, timeout=60)
    assert crashed.returncode == 9
    assert read_logins(path) == {"openai": StoredLogin(Secret("old"))}
    (left,) = path.parent.glob(".*.new")
    assert mode_of(left) == 0o600
    store(path, "openai", "newer")  # the lock of the dead process is gone with it
    assert read_logins(path) == {"openai": StoredLogin(Secret("newer"))}
    assert not list(path.parent.glob(".*.new"))


MANY = """
import sys
from pathlib import Path
from agentlab.http import Secret, StoredLogin
from agentlab.http.credential_writing import change_login
for number in range(int(sys.argv[3])):
    change_login(Path(sys.argv[1]), f"{sys.argv[2]}-{number}", lambda _: StoredLogin(Secret(f"k{number}")))
"""


def test_two_logins_at_once_lose_nothing(path: Path) -> None:
    each = 200 if GAUNTLET else 12
    running = [
        subprocess.Popen([sys.executable, "-c", MANY, str(path), name, str(each)]) for name in ("a", "b")
    ]
    assert [process.wait(timeout=300) for process in running] == [0, 0]
    assert set(read_logins(path)) == {f"{name}-{number}" for name in "ab" for number in range(each)}


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="200 kills take a minute")
def test_200_kills_at_random_moments_leave_a_file_that_opens(path: Path) -> None:
    chance, torn = random.Random(0), 0
    for number in range(200):
        process = subprocess.Popen([sys.executable, "-c", MANY, str(path), f"v{number}", "100000"])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and f"v{number}-0" not in (
            path.read_text() if path.exists() else ""
        ):
            time.sleep(0.01)
        time.sleep(chance.random() * 0.02)
        process.kill()
        process.wait()
        found = read_logins(path)
        torn += f"v{number}-0" not in found
        path.write_text("")  # keeps the file small; its mode stays
    assert torn == 0


def test_a_writer_that_does_not_end_is_not_waited_for_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(path, "openai", "old")
    monkeypatch.setattr(writing, "_PATIENCE_S", 0.05)
    with (
        FileLock(path.with_name(".credentials.toml.lock")),
        pytest.raises(CredentialsUnusable, match="another process has been writing") as refused,
    ):
        store(path, "openai", CANARY)
    assert CANARY not in shown_of(refused.value)
    assert read_logins(path) == {"openai": StoredLogin(Secret("old"))}


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_said(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(CredentialsUnusable, match="cannot be written"):
            store(path, "openai", CANARY)
    finally:
        path.parent.chmod(0o700)
