"""Progress of a long job: silent where nobody watches, silent while it is short, and never in the way of the items."""

from __future__ import annotations

import io
import sys

import pytest

from agentlab import progress as progress_module
from agentlab.caching import workloads
from agentlab.caching.replaying.comparison import compare_orderings
from agentlab.caching.replaying.stability import stability_order
from agentlab.progress import has_reader, is_shown, tracked


def watched(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal that somebody watches; in place of what pytest itself puts there for each test."""
    written = io.StringIO()
    written.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", written)
    return written


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bars show themselves without delay."""
    monkeypatch.setattr(progress_module, "_SILENT_S", 0.0)


def test_a_short_job_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    assert list(tracked(range(5), "count", unit="item", progress=True)) == [0, 1, 2, 3, 4]
    assert "count" not in screen.getvalue()


def test_a_long_job_says_what_it_does_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    at_once(monkeypatch)
    assert list(tracked([1, 2, 3], "orderings", unit="replay")) == [1, 2, 3]
    assert "orderings" in screen.getvalue()
    assert "0/3" in screen.getvalue()


def test_nothing_is_said_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    at_once(monkeypatch)
    assert list(tracked([1], "x", unit="y", progress=False)) == [1]
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    assert list(tracked([1], "x", unit="y")) == [1]
    assert not has_reader()
    assert is_shown(True)
    assert screen.getvalue() == ""


def test_items_are_taken_one_by_one_and_what_stops_the_job_stops_the_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = watched(monkeypatch)
    at_once(monkeypatch)
    numbers = iter(range(9))
    shown = tracked(numbers, "x", unit="y", total=9)
    assert [next(shown), next(shown)] == [0, 1]
    shown.close()
    assert next(numbers) == 2
    assert screen.getvalue().endswith("\r")  # the bar is wiped


def test_long_jobs_of_the_cache_laboratory_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    at_once(monkeypatch)
    calls = workloads.chat(prompts=1, calls=2)
    compare_orderings(calls, orderings=["stable_first"])
    assert "orderings" in screen.getvalue()
    screen.truncate(0)
    stability_order(calls, progress=False)
    assert screen.getvalue().strip("\x00") == ""
