"""`agentlab login` and `logout`: a key goes in unseen, is told of by its place, and comes out nowhere."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlab.cli import main
from agentlab.commands.login import login
from agentlab.errors import UsageError
from agentlab.http import Secret, stored_login
from agentlab.models import model
from agentlab.simulator import Simulator, serve
from tests.commands.typed_keys import pipes, types
from tests.http.leaking import CANARY, NEEDLE
from tests.http.memory_keyring import MemoryKeyring

pytestmark = pytest.mark.usefixtures("key_file", "memory_keyring")


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with serve() as simulator:
        yield simulator


def ran(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    """All that a command prints; never a key."""
    assert main(words) == status
    out, err = capsys.readouterr()
    assert NEEDLE not in out + err
    return out + err


def test_a_typed_key_is_stored_for_its_owner_alone(
    key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, f" {CANARY} ")
    assert f"the key of `openai` is in {key_file}" in ran(capsys, "login", "openai")
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert model("openai").key == Secret(CANARY)


def test_a_piped_key_is_stored(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pipes(monkeypatch, f"{CANARY}\n".encode())
    ran(capsys, "login", "voyage", "--stdin")
    assert stored_login("voyage").key == Secret(CANARY)


def test_a_real_pipe_into_a_real_process(key_file: Path) -> None:
    words = [sys.executable, "-m", "agentlab.cli", "login", "anthropic", "--stdin"]
    done = subprocess.run(words, input=CANARY, text=True, capture_output=True, check=True, timeout=60)
    assert NEEDLE not in done.stdout + done.stderr
    assert stored_login("anthropic").key == Secret(CANARY)
    assert key_file.exists()


def test_without_a_terminal_nothing_is_read_that_could_be_seen(key_file: Path) -> None:
    words = [sys.executable, "-m", "agentlab.cli", "login", "anthropic"]
    done = subprocess.run(
        words, input=CANARY, text=True, capture_output=True, check=False, timeout=60, start_new_session=True
    )
    assert done.returncode == 1
    assert "--stdin" in done.stderr
    assert NEEDLE not in done.stdout + done.stderr
    assert not key_file.exists()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there is no terminal to type in")
def test_a_key_typed_in_a_terminal_is_not_echoed(key_file: Path) -> None:
    ours, theirs = os.openpty()
    script = (
        "import os, sys; os.setsid(); os.open(os.ttyname(0), os.O_RDWR)\n"
        "from agentlab.cli import main\n"
        "sys.exit(main(['login', 'openai']))\n"
    )
    words = [sys.executable, "-c", script]
    running = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while b"(not shown)" not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, CANARY.encode() + b"\n")
    while running.poll() is None or b"is in" not in seen:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert running.wait(timeout=60) == 0
    assert NEEDLE.encode() not in seen
    assert stored_login("openai").key == Secret(CANARY)


def test_the_keyring_takes_a_key(
    key_file: Path,
    memory_keyring: MemoryKeyring,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    types(monkeypatch, CANARY)
    assert "is in the keyring" in ran(capsys, "login", "openai", "--keyring")
    assert memory_keyring.values == {("agentlab", "openai"): CANARY}
    assert not key_file.exists()


def test_a_server_without_keys_is_given_an_address_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: pytest.fail("no key is needed"))
    out = ran(capsys, "login", "ollama", "--base-url", "http://gpu:11434/")
    assert "`ollama` is reached at http://gpu:11434\n" in out
    assert model("ollama").base_url == "http://gpu:11434"
    ran(capsys, "login", "ollama", "--base-url", "")
    assert model("ollama").base_url == "http://localhost:11434"


def test_enter_alone_keeps_the_key_where_an_address_is_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, CANARY)
    ran(capsys, "login", "openai")
    types(monkeypatch, "")
    ran(capsys, "login", "openai", "--base-url", "https://g.example/v1")
    assert model("openai").key == Secret(CANARY)
    assert "no key was given" in ran(capsys, "login", "openai", status=1)


def test_a_variable_that_comes_before_is_warned_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    types(monkeypatch, CANARY)
    assert "OPENAI_API_KEY is set, and its key comes before" in ran(capsys, "login", "openai")


def test_the_list_tells_the_place_of_each_key(
    key_file: Path,
    memory_keyring: MemoryKeyring,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "no vendor has a key" in ran(capsys, "login", "--list")
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    monkeypatch.setenv("GROQ_API_KEY", f"{CANARY}é")
    memory_keyring.values["agentlab", "xai"] = CANARY
    types(monkeypatch, CANARY)
    ran(capsys, "login", "openai", "--base-url", "https://g.example/v1")
    table = ran(capsys, "login", "--list")
    assert " ".join(table.splitlines()[0].split()) == (
        "vendor name needed key from where address address from problem"
    )
    rows: list[dict[str, Any]] = json.loads(ran(capsys, "login", "--list", "--json"))
    found = {row["vendor"]: row for row in rows}
    assert {name: row["key_from"] for name, row in found.items() if row["key_from"]} == {
        "openai": "file",
        "anthropic": "environment",
        "anthropic-chat": "environment",
        "xai": "keyring",
    } | {name: "environment" for name in found if name.startswith("vertex") and found[name]["key_from"]}
    assert found["openai"]["where"] == str(key_file)
    assert (found["openai"]["base_url"], found["openai"]["base_url_from"]) == (
        "https://g.example/v1",
        str(key_file),
    )
    assert "outside of ASCII" in found["groq"]["problem"]
    assert not {"key", "api_key", "secret"} & set(rows[0])


def test_logout_forgets_and_says_where(
    key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, CANARY)
    ran(capsys, "login", "openai", "--base-url", "https://g.example/v1")
    assert f"{key_file}: `openai` is forgotten" in ran(capsys, "logout", "openai")
    assert NEEDLE not in key_file.read_text()
    assert "nothing was stored of `openai`" in ran(capsys, "logout", "openai")
    assert "OPENAI_API_KEY" in ran(capsys, "models", "openai", "--live", status=1)


def test_verify_stores_a_key_that_the_vendor_takes(
    sim: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, sim.token)
    out = ran(capsys, "login", "openai", "--verify", "--base-url", sim.base_url("openai"))
    assert "`openai` takes it: proved by its list" in out
    assert model("openai").key == Secret(sim.token)


def test_verify_stores_no_key_that_the_vendor_refuses(
    key_file: Path, sim: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, CANARY)
    out = ran(capsys, "login", "openai", "--verify", "--base-url", sim.base_url("openai"), status=1)
    assert "could not be verified: HTTP 401" in out
    assert not key_file.exists()


def test_verify_says_what_it_cannot_verify(
    key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipes(monkeypatch, CANARY.encode())
    assert "leave `--verify` out" in ran(capsys, "login", "voyage", "--stdin", "--verify", status=1)
    assert not key_file.exists()


WRONG = {
    "beyond ASCII": f"{CANARY}é".encode(),
    "two lines": f"{CANARY}\n{CANARY}".encode(),
    "no text": CANARY.encode() + b"\xff\xfe",
    "a control character": CANARY.encode() + b"\x00",
    "empty": b" \n",
}


@pytest.mark.parametrize("wrong", list(WRONG))
def test_what_cannot_be_a_key_is_refused_in_a_sentence(
    wrong: str, key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipes(monkeypatch, WRONG[wrong])
    assert "agentlab: The key" in ran(capsys, "login", "openai", "--stdin", status=1)
    assert not key_file.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["login"], "name the vendor"),
        (["login", "opennai"], "did you mean `openai`"),
        (["login", "zzzzzzz"], "`agentlab models` lists them"),
        (["logout", "opennai"], "did you mean `openai`"),
        (["login", "openai", "--stdin"], "reads from a pipe"),
        (["login", "openai", "--base-url", "gateway"], "must begin with"),
        (["login", "openai", "--base-url", f"https://u:{CANARY}@h"], "without a user name"),
    ],
)
def test_wrong_words_are_a_sentence_and_ask_for_no_key(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: pytest.fail("asked for a key"))
    pipes(monkeypatch, CANARY.encode(), terminal=True)
    assert said in ran(capsys, *words, status=1)


def test_a_file_that_others_can_read_stops_every_command(
    key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file.write_text(f'[openai]\nkey = "{CANARY}"\n')
    key_file.chmod(0o644)
    types(monkeypatch, CANARY)
    for words in (["login", "openai"], ["login", "--list"], ["logout", "openai"]):
        assert "chmod 600" in ran(capsys, *words, status=1)
    assert key_file.read_text() == f'[openai]\nkey = "{CANARY}"\n'


def test_a_notebook_logs_in_by_a_function(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    types(monkeypatch, CANARY)
    done = login("openai")
    assert (done.vendor, done.key_in) == ("openai", str(key_file))
    assert NEEDLE not in repr(done)
    assert model("openai").key == Secret(CANARY)
    with pytest.raises(UsageError, match="did you mean"):
        login("opennai")
    types(monkeypatch, " ")
    with pytest.raises(UsageError, match="no key was given"):
        login("openai")
