"""Several pools that act as one."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.http.pools import Pools


class Client:
    """A client that counts what it has in flight."""

    def __init__(self) -> None:
        self.in_flight = self.most = 0
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


def opened(each: int | None = 8) -> tuple[Pools[Client], list[Client]]:
    made: list[Client] = []

    def make() -> Client:
        made.append(Client())
        return made[-1]

    return Pools(make, each=each), made


def test_one_request_after_another_uses_one_client() -> None:
    pools, made = opened()
    for _ in range(50):
        with pools.taken() as client:
            assert client is made[0]
    assert len(made) == 1


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 9))
def test_no_client_ever_has_more_than_its_share_and_none_is_opened_while_another_has_room(
    begins: list[bool], each: int
) -> None:
    pools, made = opened(each)
    running: list[tuple[ExitStack, Client]] = []
    for begin in begins:
        if begin:
            had_room = any(client.in_flight < each for client in made)
            known = len(made)
            block = ExitStack()
            client = block.enter_context(pools.taken())
            client.in_flight += 1
            running.append((block, client))
            assert client.in_flight <= each
            assert len(made) == known if had_room else len(made) == known + 1
        elif running:
            block, client = running.pop(0)
            client.in_flight -= 1
            block.close()


def test_without_a_share_all_are_on_one_client() -> None:
    pools, made = opened(each=None)
    with ExitStack() as block:
        assert {block.enter_context(pools.taken()) for _ in range(100)} == {made[0]}


def test_a_request_that_fails_gives_its_place_back() -> None:
    pools, made = opened(each=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), pools.taken():
            raise ValueError("broken")
    assert len(made) == 1


@pytest.mark.anyio
async def test_all_are_closed_together() -> None:
    pools, made = opened(each=1)
    with pools.taken(), pools.taken(), pools.taken():
        pass
    await pools.aclose()
    assert [client.closed for client in made] == [True] * 3
