from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers.results import keep, keep_figures, kept, kept_figures
from tests.benchmarks.peers.made import result

SECONDS = st.floats(0.001, 100)


def test_medians() -> None:
    found = result("a", "x", 5.0, 1.0, 2.0)
    assert (found.cpu_s, found.wall_s) == (2.0, 4.0)


@given(st.lists(st.tuples(SECONDS, st.floats(0.1, 10)), min_size=1, max_size=7), SECONDS)
def test_a_round_in_which_the_machine_was_slow_changes_no_ratio(
    pairs: list[tuple[float, float]], ratio: float
) -> None:
    floor = result("a", "floor", *(seconds * slower for seconds, slower in pairs))
    ours = result("a", "ours", *(ratio * seconds * slower for seconds, slower in pairs))
    assert ours.times(floor) == pytest.approx(ratio)
    assert ours.spread(floor) == pytest.approx((ratio, ratio))


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    rows = [result("a", "x", 1.0, 2.0), result("a", "y")]
    keep("one", rows, tmp_path)
    keep_figures("one", {"MB": 3.5}, tmp_path)
    keep_figures("two", {"ms": 7.0}, tmp_path)
    assert kept(tmp_path) == {"one": rows}
    assert kept_figures(tmp_path) == {"MB": 3.5, "ms": 7.0}


def test_nothing_is_kept_at_first(tmp_path: Path) -> None:
    assert kept(tmp_path / "none") == {}
    assert kept_figures(tmp_path / "none") == {}
