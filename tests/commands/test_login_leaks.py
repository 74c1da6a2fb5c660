"""The canary matrix of `agentlab login`: whatever goes wrong on the way, the key is nowhere to be read."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from agentlab.commands.login import login
from agentlab.errors import AgentlabError, AuthenticationFailed
from agentlab.http import Retry, Secret
from agentlab.models import vendor
from agentlab.models.logins import store_login
from agentlab.models.verifying import verify
from tests.commands.typed_keys import types
from tests.http.leaking import CANARY, NEEDLE, shown_of
from tests.http.loopback import answering, response, unused_port
from tests.http.loopback import serve as listen
from tests.http.memory_keyring import MemoryKeyring

pytestmark = pytest.mark.usefixtures("key_file", "memory_keyring")


def damaged(path: Path) -> None:
    path.write_text(f'[openai]\nkey = "{CANARY}\n')
    path.chmod(0o600)


def readable(path: Path) -> None:
    path.write_text(f'[openai]\nkey = "{CANARY}"\n')
    path.chmod(0o640)


def linked(path: Path) -> None:
    readable(path.with_name("real"))
    path.symlink_to(path.with_name("real"))


def folder(path: Path) -> None:
    path.mkdir()


STATES = [None, damaged, readable, linked, folder]


TYPED = [CANARY, f"{CANARY}é", f"{CANARY}\r\nX: y", f"{CANARY}\x7f", f"{CANARY}\u2028x"]


def stores(_: str) -> None:
    login("openai")


def stores_an_address(_: str) -> None:
    login("openai", base_url=f"https://u:{CANARY}@h")


def stores_in_the_keyring(_: str) -> None:
    login("openai", keyring=True)


def calls(address: str) -> None:
    asyncio.run(verify("openai", base_url=address, retry=Retry(attempts=1)))


ACTS = [stores, stores_an_address, stores_in_the_keyring, calls]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("state", STATES, ids=lambda state: getattr(state, "__name__", "none"))
@pytest.mark.parametrize("typed", TYPED, ids=ascii)
def test_no_failure_of_a_login_shows_the_key(  # noqa: PLR0917 - fixtures
    act: Any,
    state: Any,
    typed: str,
    key_file: Path,
    memory_keyring: MemoryKeyring,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    if state is not None:
        state(key_file)
    elif act is calls:
        key_file.write_text(f'[openai]\nkey = "{CANARY}"\n')
        key_file.chmod(0o600)
    memory_keyring.locked = act is stores_in_the_keyring
    types(monkeypatch, typed)
    failed: AgentlabError | None = None
    try:
        act(f"http://127.0.0.1:{unused_port()}")
    except AgentlabError as error:
        failed = error
    assert (failed is None) == ((state, typed, act) == (None, CANARY, stores))
    assert failed is None or NEEDLE not in shown_of(failed)
    out, err = capsys.readouterr()
    assert NEEDLE not in out + err + caplog.text


@pytest.mark.anyio
async def test_a_stored_key_that_the_vendor_echoes_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = f'{{"error": {{"message": "Incorrect API key provided: {CANARY}", "code": "{CANARY}"}}}}'
    echo = response(
        said.encode(), f"401 {CANARY}", "content-type: application/json", f"x-request-id: {CANARY}"
    )
    async with listen(answering(echo)) as server:
        store_login(vendor("openai"), Secret(CANARY), base_url=server.url)
        with pytest.raises(AuthenticationFailed, match="Incorrect API key") as refused:
            await verify("openai")
    assert CANARY.encode() in server.peers[0].head
    assert NEEDLE not in shown_of(refused.value)
    assert caplog.text
    assert NEEDLE not in caplog.text
