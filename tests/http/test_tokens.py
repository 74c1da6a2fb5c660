"""Tokens that are renewed: when, how often, and what is shown of them."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import AuthenticationFailed, UsageError
from agentlab.http import AccessToken, ManualClock, RenewedToken, Secret

pytestmark = pytest.mark.anyio

CANARY = "ya29.CANARY-0123456789abcdef"


class Source:
    """Gives `token-1`, `token-2`, ...; each holds so long."""

    def __init__(self, clock: ManualClock, lives_s: float | None = 3600.0) -> None:
        self.clock = clock
        self.lives_s = lives_s
        self.given = 0

    def __call__(self) -> AccessToken:
        self.given += 1
        ends = None if self.lives_s is None else self.clock.time() + self.lives_s
        return AccessToken(Secret(f"token-{self.given}"), ends)


async def test_a_token_is_fetched_when_needed_and_kept_until_shortly_before_it_ends() -> None:
    clock = ManualClock()
    source = Source(clock)
    token = RenewedToken(source, clock=clock)
    assert source.given == 0
    for _ in range(3):
        assert (await token.secret()).reveal() == "token-1"
    await clock.sleep(3600 - 301)
    assert (await token.secret()).reveal() == "token-1"
    await clock.sleep(2)
    assert (await token.secret()).reveal() == "token-2"
    assert source.given == 2


@settings(max_examples=20)
@given(st.floats(1.0, 86_400.0))
def test_a_token_of_any_life_is_kept_for_most_of_it_and_never_to_its_end(lives_s: float) -> None:
    clock = ManualClock()
    source = Source(clock, lives_s)
    token = RenewedToken(source, clock=clock)

    async def used() -> int:
        await token.secret()
        await clock.sleep(0.79 * lives_s if lives_s < 1500 else lives_s - 301)
        await token.secret()
        kept = source.given
        await clock.sleep(0.21 * lives_s if lives_s < 1500 else 301)
        await token.secret()
        return kept

    assert asyncio.run(used()) == 1
    assert source.given == 2


async def test_calls_at_the_same_time_wait_for_one_fetch() -> None:
    clock = ManualClock()
    source = Source(clock)
    token = RenewedToken(source, clock=clock)
    secrets = await asyncio.gather(*(token.secret() for _ in range(20)))
    assert {each.reveal() for each in secrets} == {"token-1"}
    assert source.given == 1


async def test_a_source_of_bare_texts_is_asked_before_every_attempt() -> None:
    texts = iter(["one", "two"])
    token = RenewedToken(lambda: next(texts))
    assert [(await token.secret()).reveal(), (await token.secret()).reveal()] == ["one", "two"]


async def test_a_plain_source_runs_in_a_thread_and_an_async_one_on_the_loop() -> None:
    threads: list[int] = []

    def plain() -> str:
        threads.append(threading.get_ident())
        return "plain"

    async def on_the_loop() -> str:
        threads.append(threading.get_ident())
        return "async"

    assert (await RenewedToken(plain).secret()).reveal() == "plain"
    assert (await RenewedToken(on_the_loop).secret()).reveal() == "async"
    assert threads[0] != threading.get_ident() == threads[1]


async def test_a_refused_token_is_replaced_unless_another_call_did_so_already() -> None:
    clock = ManualClock()
    source = Source(clock)
    token = RenewedToken(source, clock=clock)
    refused = await token.secret()
    assert await token.replaces(refused)
    assert await token.replaces(refused)
    assert source.given == 2
    same = RenewedToken(lambda: "always this")
    assert not await same.replaces(await same.secret())


async def test_a_source_that_fails_ends_in_an_error_that_shows_no_token() -> None:
    clock = ManualClock(0.0)

    def source() -> Any:
        if clock.time() < 1:
            return AccessToken(Secret(CANARY), 2.0)
        raise OSError(f"refresh of {CANARY} failed")

    token = RenewedToken(source, name="the login", clock=clock)
    await token.secret()
    await clock.sleep(5)
    with pytest.raises(AuthenticationFailed, match="the login gave no token: OSError: refresh of") as failed:
        await token.secret()
    assert CANARY not in str(failed.value)
    assert failed.value.__cause__ is None
    assert CANARY not in repr(token)


@pytest.mark.parametrize("given_token", [None, 7, b"bytes"])
async def test_what_is_no_token_is_refused(given_token: Any) -> None:
    with pytest.raises(UsageError, match="a token is a text"):
        await RenewedToken(lambda: given_token).secret()


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(UsageError, match="a source of tokens is a function"):
        RenewedToken("ya29.token")  # type: ignore[arg-type]


async def test_a_token_is_shown_masked_and_never_pickled() -> None:
    token = AccessToken(Secret(CANARY), 1.0)
    assert CANARY not in f"{token!r} {token}"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(token)


def test_one_source_serves_several_event_loops() -> None:
    source = Source(ManualClock())
    token = RenewedToken(source, clock=source.clock)
    assert {asyncio.run(token.secret()).reveal() for _ in range(3)} == {"token-1"}
