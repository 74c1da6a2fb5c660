"""The file of stored keys: where it is, who may read it, and that it is in no error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentlab.errors import CredentialsUnusable, MissingKey, UsageError
from agentlab.http import Secret, StoredLogin, credentials_path, find_key, resolve_key, stored_login
from agentlab.http.credential_file import checked_address, read_logins
from tests.http.leaking import CANARY, NEEDLE, shown_of
from tests.http.memory_keyring import keyring_in_memory

GOOD = f'[openai]\nkey = "{CANARY}"\nbase_url = "https://gateway.example/v1/"\n\n[anthropic]\nkey = "other"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "credentials.toml"


def put(path: Path, text: str | bytes, mode: int = 0o600) -> dict[str, str]:
    """Write the file; gives an environment that names it."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return {"AGENTLAB_CREDENTIALS": str(path)}


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({"AGENTLAB_CREDENTIALS": "/keys.toml", "HOME": "/h"}, "linux", "/keys.toml"),
        ({"HOME": "/h"}, "linux", "/h/.config/agentlab/credentials.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "linux", "/x/agentlab/credentials.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "x"}, "linux", "/h/.config/agentlab/credentials.toml"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Application Support/agentlab/credentials.toml"),
        ({"APPDATA": "/a"}, "win32", "/a/agentlab/credentials.toml"),
        ({"USERPROFILE": "/u"}, "win32", "/u/AppData/Roaming/agentlab/credentials.toml"),
        ({}, "linux", None),
        ({}, "darwin", None),
        ({}, "win32", None),
    ],
)
def test_the_file_is_where_the_environment_or_the_system_says(
    environ: dict[str, str], platform: str, expected: str | None
) -> None:
    found = credentials_path(environ, platform=platform)
    assert (None if found is None else found.as_posix()) == expected


def test_a_key_and_an_address_are_read(path: Path) -> None:
    environ = put(path, GOOD)
    assert stored_login("openai", environ) == StoredLogin(Secret(CANARY), "https://gateway.example/v1")
    assert stored_login("anthropic", environ) == StoredLogin(Secret("other"))
    assert stored_login("gemini", environ) == StoredLogin()
    assert CANARY not in repr(read_logins(path))


def test_no_file_stores_nothing(path: Path) -> None:
    assert read_logins(path) == {}
    assert stored_login("openai", {}) == StoredLogin()


def test_the_file_comes_after_argument_environment_and_keyring(path: Path) -> None:
    environ = put(path, GOOD)
    with keyring_in_memory() as ring:

        def source(explicit: str | None = None, **more: str) -> tuple[str, str, str]:
            found = find_key(explicit, ["A_KEY"], service="openai", environ={**environ, **more})
            assert found is not None
            return found.secret.reveal(), found.source, found.where

        assert source() == (CANARY, "file", str(path))
        ring.values["agentlab", "openai"] = "from-keyring"
        assert source() == ("from-keyring", "keyring", "")
        assert source(A_KEY="from-env") == ("from-env", "environment", "A_KEY")
        assert source("given", A_KEY="from-env") == ("given", "argument", "")
        found = find_key(None, [], service="openai", environ=environ, ask_keyring=False)
        assert found is not None
        assert found.source == "file"
        assert CANARY not in repr(found)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777])
def test_a_file_that_others_can_reach_is_refused_and_says_what_to_do(path: Path, mode: int) -> None:
    environ = put(path, GOOD, mode)
    with pytest.raises(CredentialsUnusable, match=f"mode {mode:04o}.*chmod 600") as refused:
        resolve_key(None, [], service="openai", required=True, environ=environ)
    assert CANARY not in shown_of(refused.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_one_s_own_is_taken(path: Path, mode: int) -> None:
    assert stored_login("openai", put(path, GOOD, mode)).key == Secret(CANARY)


def test_a_link_is_refused_also_one_that_leads_nowhere(path: Path, tmp_path: Path) -> None:
    environ = put(tmp_path / "elsewhere.toml", GOOD)
    path.symlink_to(tmp_path / "elsewhere.toml")
    environ["AGENTLAB_CREDENTIALS"] = str(path)
    with pytest.raises(CredentialsUnusable, match="is a link") as refused:
        stored_login("openai", environ)
    assert CANARY not in shown_of(refused.value)
    (tmp_path / "elsewhere.toml").unlink()
    with pytest.raises(CredentialsUnusable, match="is a link"):
        stored_login("openai", environ)


def test_another_user_s_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = put(path, GOOD)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(CredentialsUnusable, match="belongs to another user"):
        stored_login("openai", environ)


def test_what_is_no_plain_file_is_refused_at_once(path: Path) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(CredentialsUnusable, match="no plain file"):
        read_logins(path)
    path.unlink()
    path.mkdir(0o700)
    with pytest.raises(CredentialsUnusable, match="no plain file"):
        read_logins(path)


DAMAGED: dict[str, tuple[str | bytes, str]] = {
    "no TOML": (f'[openai]\nkey = "{CANARY}\n', "no TOML, see line 2"),
    "twice": (f'[openai]\nkey = "{CANARY}"\n[openai]\nkey = "{CANARY}"\n', "no TOML"),
    "cut": (f'[openai]\nkey = """{CANARY}', "no TOML"),
    "a key that is no text": (f"[openai]\nkey = ['{CANARY}']\n", r"`\[openai\]`: A key must be a string"),
    "beyond ASCII": (f'[openai]\nkey = "{CANARY}é"\n', "outside of ASCII"),
    "a line end in it": (f'[openai]\nkey = "{CANARY}\\nX: y"\n', "control character"),
    "empty": ('[openai]\nkey = " "\n', "The key is empty"),
    "no table": (f'openai = "{CANARY}"\n', "`openai` is no table"),
    "a password in the address": (f'[a]\nbase_url = "https://u:{CANARY}@h/"\n', "without a user name"),
    "a key in the address": (f'[a]\nbase_url = "https://h/?key={CANARY}"\n', "without a user name"),
    "no address": ("[a]\nbase_url = 7\n", "must be a text"),
    "a nest": (f"a = {'[' * 5000}'{CANARY}'", "no TOML"),
    "not UTF-8": (f'[openai]\nkey = "{CANARY}'.encode() + b'\xff"\n', "not UTF-8"),
    "too large": (f'[openai]\nkey = "{CANARY}"\n' + "#" * 1024 * 1024, "larger than"),
}


@pytest.mark.parametrize("damage", list(DAMAGED))
def test_a_damaged_file_says_where_and_shows_nothing_of_it(path: Path, damage: str) -> None:
    text, said = DAMAGED[damage]
    environ = put(path, text)
    with pytest.raises(CredentialsUnusable, match=said) as refused:
        resolve_key(None, [], service="openai", required=True, environ=environ)
    assert str(path) in str(refused.value)
    assert NEEDLE not in shown_of(refused.value)


def test_other_fields_and_the_keys_of_other_vendors_do_not_matter(path: Path) -> None:
    environ = put(path, f'{GOOD}\n[newer]\norganisation = "lab"\nkeys = [1]\n')
    assert stored_login("openai", environ).key == Secret(CANARY)
    assert stored_login("newer", environ) == StoredLogin()


def test_the_locals_of_no_frame_show_the_environment(path: Path) -> None:
    environ = {**put(path, GOOD, 0o644), "OTHER_KEY": CANARY}
    for call in (stored_login, lambda name, env: find_key(None, [], service=name, environ=env)):
        with pytest.raises(CredentialsUnusable) as refused:
            call("openai", environ)
        assert NEEDLE not in shown_of(refused.value)
    with pytest.raises(MissingKey) as missing:
        resolve_key(None, ["A"], service="x", required=True, environ={"OTHER_KEY": CANARY})
    assert NEEDLE not in shown_of(missing.value)


@pytest.mark.parametrize("address", ["https://h/v1", "http://localhost:11434/", "{host}/v1", " https://h "])
def test_addresses_are_stripped(address: str) -> None:
    assert checked_address(address) == address.strip().rstrip("/")


@pytest.mark.parametrize(
    "address", ["h/v1", "ftp://h", "https://[", "https://h/a b", "https://h/\x1b[0m", "", 7]
)
def test_what_is_no_address_is_refused(address: object) -> None:
    with pytest.raises(UsageError, match="base_url"):
        checked_address(address)
