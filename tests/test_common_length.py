"""How much two sequences share from the start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.common_length import common_length

MEMBERS = st.lists(st.integers(0, 2), max_size=40).map(tuple)


def plain(one: tuple[object, ...], other: tuple[object, ...]) -> int:
    pairs = list(zip(one, other, strict=False))
    return next((at for at, (was, now) in enumerate(pairs) if was != now), len(pairs))


@given(MEMBERS, MEMBERS, MEMBERS)
def test_it_is_where_the_first_difference_is(
    start: tuple[int, ...], one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    assert common_length(start + one, start + other) == plain(start + one, start + other)
    assert common_length(list(start + one), list(start + other)) == plain(start + one, start + other)


def test_the_same_objects_are_hardly_compared() -> None:
    compared = 0

    class Member:
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return self is other

        __hash__ = object.__hash__

    start = tuple(Member() for _ in range(1000))
    assert common_length((*start, Member()), (*start, Member())) == len(start)
    assert compared <= 2
