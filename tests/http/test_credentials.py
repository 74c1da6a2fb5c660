from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Iterator

import pytest

from agentlab.errors import MissingKey, UsageError
from agentlab.http import Secret, resolve_key
from tests.http.memory_keyring import MemoryKeyring, keyring_in_memory

CANARY = "sk-CANARY-0123456789abcdef"


@pytest.fixture
def store() -> Iterator[MemoryKeyring]:
    with keyring_in_memory() as made:
        yield made


def found(
    explicit: str | Secret | None, environ: dict[str, str], env: tuple[str, ...] = ("A_KEY", "B_KEY")
) -> str | None:
    key = resolve_key(explicit, env, service="vendor", required=False, environ=environ)
    return None if key is None else key.reveal()


def test_the_argument_comes_before_the_environment_and_that_before_the_keyring(store: MemoryKeyring) -> None:
    assert found(None, {}) is None
    store.values["agentlab", "vendor"] = "from-keyring"
    assert found(None, {}) == "from-keyring"
    assert found(None, {"B_KEY": "from-b"}) == "from-b"
    assert found(None, {"B_KEY": "from-b", "A_KEY": "from-a"}) == "from-a"
    assert found(" given\n", {"A_KEY": "from-a"}) == "given"
    assert found(Secret("given"), {"A_KEY": "from-a"}) == "given"


def test_empty_variables_and_entries_are_passed_over(store: MemoryKeyring) -> None:
    assert found(None, {"A_KEY": " ", "B_KEY": "from-b"}) == "from-b"
    store.values["agentlab", "vendor"] = " "
    assert found(None, {"A_KEY": ""}) is None


def test_other_names_in_the_keyring_are_not_taken(store: MemoryKeyring) -> None:
    store.values["agentlab", "other"] = "x"
    store.values["other", "vendor"] = "x"
    assert found(None, {}) is None


def test_a_locked_keyring_is_as_an_empty_one(store: MemoryKeyring) -> None:
    store.locked = True
    assert found(None, {}) is None


def test_the_processes_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTLAB_TEST_KEY", "from-process")
    key = resolve_key(None, ["AGENTLAB_TEST_KEY"], service="vendor", required=True)
    assert key == Secret("from-process")


@pytest.mark.usefixtures("store")
def test_a_missing_key_says_which_variable_to_set() -> None:
    with pytest.raises(MissingKey, match="set A_KEY or B_KEY") as missing:
        resolve_key(None, ["A_KEY", "B_KEY"], service="vendor", required=True, environ={"C_KEY": CANARY})
    assert "'vendor'" in str(missing.value)
    assert "`agentlab login vendor`" in str(missing.value)
    frames = traceback.TracebackException.from_exception(missing.value, capture_locals=True).stack
    assert CANARY not in repr(frames[-1].locals)


@pytest.mark.parametrize("environ", [{"A_KEY": f"{CANARY}é"}, {"A_KEY": f"{CANARY}\n{CANARY}"}])
def test_a_key_that_cannot_be_one_is_refused_without_a_trace(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError) as refused:
        resolve_key(None, ["A_KEY"], service="vendor", required=True, environ=environ)
    summary = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    own = [frame for frame in summary.stack if "agentlab" in frame.filename and "tests" not in frame.filename]
    assert own
    assert CANARY not in repr([frame.locals for frame in own])
    assert CANARY not in str(refused.value)


def test_without_keyring_installed_the_environment_still_works() -> None:
    script = (
        "import sys; sys.modules['keyring'] = None\n"
        "from agentlab.http import resolve_key\n"
        "assert resolve_key(None, ['K'], service='v', required=False, environ={}) is None\n"
        "assert resolve_key(None, ['K'], service='v', required=False, environ={'K': 'x'}).reveal() == 'x'\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=dict(os.environ))


def test_importing_the_room_loads_neither_httpx_nor_keyring() -> None:
    script = (
        "import sys\n"
        "from agentlab.http import EventStreamFramer, Frame, HttpRequest, Retry, Secret, SSEFramer, resolve_key\n"
        "assert not {'httpx', 'httpcore', 'anyio', 'keyring'} & set(sys.modules), sorted(sys.modules)\n"
        "from agentlab.http import HttpClient, HttpResponse\n"
        "assert 'httpx' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=dict(os.environ))
