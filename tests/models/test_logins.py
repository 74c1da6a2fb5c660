"""Storing keys: in one place at a time, told of without being shown, and found by all that calls a vendor."""

from __future__ import annotations

import getpass
import warnings
from pathlib import Path

import msgspec
import pytest
from IPython.core.error import StdinNotImplementedError

from agentlab.errors import CredentialsUnusable, MissingExtra, UsageError
from agentlab.http import Secret
from agentlab.models import Vendor, model, vendor
from agentlab.models.endpoint import Endpoint
from agentlab.models.logins import KnownLogin, asked_key, forget_login, known_logins, store_login
from agentlab.models.vendors import base_url_of
from tests.http.leaking import CANARY, NEEDLE, shown_of
from tests.http.memory_keyring import MemoryKeyring

pytestmark = pytest.mark.usefixtures("key_file", "memory_keyring")


def known(name: str) -> KnownLogin:
    (found,) = known_logins([vendor(name)])
    return found


def test_a_stored_key_and_address_are_found_by_models_and_by_endpoints(key_file: Path) -> None:
    done = store_login(vendor("openai"), Secret(CANARY), base_url="https://gateway.example/v1/")
    assert (done.key_in, done.base_url, done.comes_before) == (
        str(key_file),
        "https://gateway.example/v1",
        "",
    )
    made = model("openai")
    assert made.key == Secret(CANARY)
    assert made.base_url == "https://gateway.example/v1"
    assert Endpoint(vendor("openai"), "whisper-1").base_url == "https://gateway.example/v1"
    assert NEEDLE not in repr(done) + repr(made) + repr(vars(made)) + str(msgspec.to_builtins(done))


def test_what_is_not_given_stays_and_an_empty_address_is_forgotten(key_file: Path) -> None:
    store_login(vendor("openai"), Secret(CANARY))
    store_login(vendor("openai"), base_url="https://g.example")
    store_login(vendor("openai"), Secret("second-key"))
    assert model("openai").key == Secret("second-key")
    assert base_url_of(vendor("openai")) == "https://g.example"
    store_login(vendor("openai"), base_url="")
    assert base_url_of(vendor("openai")) == "https://api.openai.com/v1"
    assert model("openai").key == Secret("second-key")
    with pytest.raises(UsageError, match="nothing to store"):
        store_login(vendor("openai"))


def test_the_key_is_in_one_place_and_the_last_login_counts(
    key_file: Path, memory_keyring: MemoryKeyring
) -> None:
    row = vendor("openai")
    store_login(row, Secret("in-file"), base_url="https://g.example")
    assert store_login(row, Secret("in-ring"), in_keyring=True).key_in == "the keyring"
    assert memory_keyring.values == {("agentlab", "openai"): "in-ring"}
    assert "in-file" not in key_file.read_text()
    assert known("openai").base_url == "https://g.example"
    store_login(row, Secret("in-file-again"))
    assert memory_keyring.values == {}
    assert model("openai").key == Secret("in-file-again")


def test_a_variable_that_comes_before_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-env")
    assert store_login(vendor("openai"), Secret("stored")).comes_before == "OPENAI_API_KEY"
    assert model("openai").key == Secret("from-env")


def test_forgetting_names_the_places_and_leaves_nothing(
    key_file: Path, memory_keyring: MemoryKeyring
) -> None:
    row = vendor("openai")
    assert forget_login(row) == ()
    store_login(row, Secret(CANARY), base_url="https://g.example")
    memory_keyring.values["agentlab", "openai"] = CANARY
    assert forget_login(row) == ("the keyring", str(key_file))
    assert memory_keyring.values == {}
    assert CANARY not in key_file.read_text()
    assert known("openai") == KnownLogin(vendor="openai", title="OpenAI", key_needed=True)


def test_where_a_key_is_from_is_told_and_the_key_is_not(
    key_file: Path, memory_keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    monkeypatch.setenv("OLLAMA_API_BASE_URL", f"http://user:{CANARY}@gpu:11434/?key={CANARY}")
    monkeypatch.setenv("GROQ_API_KEY", f"{CANARY}é")
    memory_keyring.values["agentlab", "xai"] = CANARY
    store_login(vendor("openai"), Secret(CANARY))
    rows = [vendor(name) for name in ("anthropic", "xai", "openai", "mistral", "ollama", "groq")]
    found = known_logins(rows)
    assert [(each.key_from, each.where) for each in found] == [
        ("environment", "ANTHROPIC_API_KEY"),
        ("keyring", ""),
        ("file", str(key_file)),
        (None, ""),
        (None, ""),
        (None, ""),
    ]
    assert (found[4].base_url, found[4].base_url_from) == ("http://gpu:11434/", "OLLAMA_API_BASE_URL")
    assert "outside of ASCII" in found[5].problem
    assert NEEDLE not in repr(found) + msgspec.json.encode(found).decode()
    assert [each.key_from for each in known_logins(rows, ask_keyring=False)][1] is None


def test_a_secret_has_no_json() -> None:
    with pytest.raises((TypeError, NotImplementedError)) as refused:
        msgspec.json.encode({"key": Secret(CANARY)})
    assert NEEDLE not in str(refused.value)


@pytest.mark.parametrize("locked", [False, True])
def test_a_keyring_that_takes_no_key_is_said(
    key_file: Path, memory_keyring: MemoryKeyring, *, locked: bool
) -> None:
    memory_keyring.locked = locked
    if locked:
        with pytest.raises(CredentialsUnusable, match=r"KeyringLocked.*without `--keyring`") as refused:
            store_login(vendor("openai"), Secret(CANARY), in_keyring=True)
        assert NEEDLE not in shown_of(refused.value)
        assert not key_file.exists()
    else:
        store_login(vendor("openai"), Secret(CANARY), in_keyring=True)
        assert model("openai").key == Secret(CANARY)


def test_without_the_keyring_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[keyring\]"):
        store_login(vendor("openai"), Secret(CANARY), in_keyring=True)
    assert store_login(vendor("openai"), Secret(CANARY)).key_in


def test_without_a_home_the_variable_to_set_is_named() -> None:
    with pytest.raises(CredentialsUnusable, match="AGENTLAB_CREDENTIALS"):
        store_login(vendor("openai"), Secret(CANARY), environ={})
    assert forget_login(vendor("openai"), environ={}) == ()


def test_a_base_url_with_places_can_be_stored() -> None:
    store_login(vendor("bedrock"), base_url="https://vpce.{region}.example")
    assert base_url_of(vendor("bedrock"), places={"region": "eu-west-1"}) == "https://vpce.eu-west-1.example"


ROW = Vendor(name="lab", wire="", base_url="https://lab.example", title="Lab")


def test_a_key_is_asked_for_by_title_and_stripped(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return f"  {CANARY}\n"

    monkeypatch.setattr(getpass, "getpass", answer)
    assert asked_key(ROW) == Secret(CANARY)
    assert asked == ["Key of Lab (not shown): "]
    monkeypatch.setattr(getpass, "getpass", lambda _: " ")
    assert asked_key(ROW) is None


@pytest.mark.parametrize("wrong", [f"{CANARY}é", f"{CANARY}\n{CANARY}", f"{CANARY}\x00", f"{CANARY}\x7f"])
def test_what_cannot_be_a_key_is_refused_without_a_trace(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: wrong)
    with pytest.raises(UsageError) as refused:
        asked_key(ROW)
    assert NEEDLE not in shown_of(refused.value)


def shown_typing(_: str) -> str:
    warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
    raise AssertionError("what is typed would be shown")


def no_input(_: str) -> str:
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")


def closed(_: str) -> str:
    raise EOFError


@pytest.mark.parametrize(
    ("ask", "said"), [(shown_typing, "--stdin"), (no_input, "--stdin"), (closed, "no key was given")]
)
def test_where_typing_would_be_seen_nothing_is_read(
    monkeypatch: pytest.MonkeyPatch, ask: object, said: str
) -> None:
    monkeypatch.setattr(getpass, "getpass", ask)
    with pytest.raises(UsageError, match=said):
        asked_key(ROW)
