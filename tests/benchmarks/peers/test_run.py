from __future__ import annotations

import pytest

from benchmarks.peers.run import within_two


@pytest.mark.parametrize(
    ("outcomes", "code", "attempts"),
    [([True], 0, 1), ([False, True], 0, 2), ([False, False, True], 1, 2)],
    ids=["first", "second", "never a third"],
)
def test_the_short_form_is_measured_at_most_twice(outcomes: list[bool], code: int, attempts: int) -> None:
    left = iter(outcomes)
    assert within_two(lambda: next(left)) == code
    assert len(list(left)) == len(outcomes) - attempts
