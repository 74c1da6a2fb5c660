"""When the front end is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from agentlab.messages import TextDelta
from agentlab.notebook.run.projection import Projection
from agentlab.notebook.run.publisher import LARGE, Publisher, call_later
from agentlab.notebook.run.state import RunState


class Front:
    """A front end and a clock that stand still until they are moved."""

    def __init__(self, *, has_loop: bool = True) -> None:
        self.now = 100.0
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.snapshots: list[tuple[float, dict[str, Any]]] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.has_loop = has_loop
        self.state = RunState("title")
        self.publisher = Publisher(
            Projection(self.state),
            self,
            size=lambda: self.state.size,
            clock=lambda: self.now,
            later=self.later,
        )

    def send_patch(self, patch: dict[str, Any]) -> None:
        self.sent.append((self.now, patch))

    def put_snapshot(self, snapshot: dict[str, Any]) -> None:
        self.snapshots.append((self.now, snapshot))

    def later(self, delay_s: float, callback: Callable[[], None]) -> bool:
        if self.has_loop:
            self.timers.append((self.now + delay_s, callback))
        return self.has_loop

    def move(self, seconds: float) -> None:
        """Let time pass, and what is due in it happen."""
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= end]:
            timer = min(due, key=lambda one: one[0])
            self.timers.remove(timer)
            self.now = max(self.now, timer[0])
            timer[1]()
        self.now = end

    def say(self, text: str) -> None:
        """The model says more."""
        self.state.apply(TextDelta(text))
        self.publisher.changed()

    def text(self) -> str:
        """What the front end shows, had it lost nothing."""
        html = ""
        for _, patch in self.sent:
            for name, *rest in patch["operations"]:
                if name == "part":
                    html = rest[2]["tail"]
                elif name == "blocks":
                    html = html[: rest[2]] + rest[3]
        return html


def mounted(**kwargs: bool) -> Front:
    front = Front(**kwargs)
    front.publisher.snapshot()
    return front


def test_the_first_change_is_told_at_once() -> None:
    front = mounted()
    front.say("a")
    assert len(front.sent) == 1


@pytest.mark.parametrize(("size", "rate"), [(0, 15), (LARGE, 10)])
def test_changes_are_gathered_to_at_most_so_many_patches_a_second(size: int, rate: int) -> None:
    front = mounted()
    front.say("x" * size)
    front.move(1)
    before = len(front.sent)
    for _ in range(1000):
        front.say("y")
        front.move(0.001)
    assert rate - 2 <= len(front.sent) - before <= rate + 1
    times = [at for at, _ in front.sent[before:]]
    assert min(later - sooner for sooner, later in itertools.pairwise(times)) >= 1 / rate - 1e-9


def test_the_last_change_is_told_without_another_to_push_it() -> None:
    front = mounted()
    for word in ("a", "b", "c"):
        front.say(word)
    front.move(0.4)
    assert front.text() == "<p>abc</p>\n"


def test_a_silence_is_numbered_so_that_a_lost_last_patch_is_missed_and_then_left_alone() -> None:
    front = mounted()
    front.say("a")
    front.move(60)
    assert [(round(at - 100, 3), patch["operations"]) for at, patch in front.sent[1:]] == [
        (0.5, []),
        (1.5, []),
        (3.5, []),
    ]
    assert [patch["sequence"] for _, patch in front.sent] == [2, 3, 4, 5]
    assert front.timers == []


def test_a_stream_without_a_silence_is_not_interrupted_by_empty_patches() -> None:
    front = mounted()
    for _ in range(100):
        front.say("a")
        front.move(0.1)
    assert all(patch["operations"] for _, patch in front.sent)


def test_patches_are_numbered_without_a_hole() -> None:
    front = mounted()
    for _ in range(10):
        front.say("a")
        front.move(0.1)
    front.publisher.snapshot()
    front.say("b")
    front.move(1)
    numbers = [
        told["sequence"]
        for _, told in sorted(front.sent + front.snapshots, key=lambda one: one[1]["sequence"])
    ]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_mounted_view_gets_snapshots_only_when_it_asks() -> None:
    front = mounted()
    for _ in range(500):
        front.say("a")
        front.move(0.1)
    assert len(front.snapshots) == 1
    front.publisher.snapshot()
    assert len(front.snapshots) == 2


def test_a_snapshot_holds_what_no_patch_has_told_yet() -> None:
    front = mounted()
    front.say("a")
    front.say("b")
    front.publisher.snapshot()
    [turn] = front.snapshots[-1][1]["document"]["turns"]
    assert turn["parts"]["1"]["tail"] == "<p>ab</p>\n"
    front.move(0.4)
    assert len(front.sent) == 1


def test_a_view_that_cannot_answer_gets_snapshots_ever_more_rarely() -> None:
    front = Front()
    for _ in range(1000):
        front.say("a")
        front.move(0.1)
    times = [at - 100 for at, _ in front.snapshots]
    assert 6 <= len(times) <= 9
    pauses = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert all(later >= 1.5 * sooner for sooner, later in itertools.pairwise(pauses))
    assert times[0] < 1


def test_closing_tells_the_rest_and_then_nothing_more() -> None:
    front = mounted()
    front.say("a")
    front.say("b")
    front.publisher.close()
    assert front.text() == "<p>ab</p>\n"
    told = len(front.sent)
    front.move(10)
    front.publisher.snapshot()
    front.publisher.close()
    assert (len(front.sent), len(front.snapshots)) == (told, 1)


def test_without_a_loop_changes_are_told_when_they_are_due() -> None:
    front = mounted(has_loop=False)
    for _ in range(100):
        front.say("a")
        front.move(0.01)
    front.publisher.close()
    assert 13 <= len(front.sent) <= 17
    assert front.text() == f"<p>{'a' * 100}</p>\n"


def test_no_timer_is_set_where_no_loop_runs() -> None:
    assert call_later(0, pytest.fail) is False
