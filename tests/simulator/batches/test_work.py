"""The work of a batch: however the clock goes on, each request ends once and in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.simulator.batches.work import BatchPace, Item, ItemAnswer, Work

SPANS = st.floats(0, 200)


@given(
    count=st.integers(0, 8),
    pace=st.builds(
        BatchPace, validating_s=SPANS, request_s=SPANS, finalizing_s=SPANS, cancelling_s=SPANS, window_s=SPANS
    ),
    looks=st.lists(st.floats(0, 3000), max_size=6).map(sorted),
    cancelled=st.none() | st.floats(0, 3000),
)
def test_requests_are_answered_in_order_in_time_and_the_same_however_often_one_looks(
    count: int, pace: BatchPace, looks: list[float], cancelled: float | None
) -> None:
    moments: list[float] = []

    def answering(body: bytes, at: float) -> ItemAnswer:
        moments.append(at)
        return ItemAnswer(200, body)

    work = Work([Item(str(place), str(place).encode()) for place in range(count)], answering, 100.0, pace)
    once = Work(work.items, lambda body, at: ItemAnswer(200, body), 100.0, pace)
    for look in looks:
        if cancelled is None or look <= cancelled:
            work.catch_up(100.0 + look)
    if cancelled is not None:
        work.cancel(100.0 + cancelled)
        once.cancel(100.0 + cancelled)
    for each in (work, once):
        each.catch_up(1e9)
    assert [answer.body for answer in work.answers] == [
        str(place).encode() for place in range(len(work.answers))
    ]
    assert len(work.answers) == len(once.answers)
    assert moments == sorted(moments)
    assert all(work.begins <= at <= work.stopped_at for at in moments)
    assert work.stopped_at <= work.expires
    assert (len(work.answers) < count) <= (work.leftover is not None)
    assert work.created <= work.stopped_at <= work.ended_at


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(UsageError, match="negative time"):
        BatchPace(request_s=-1)
