from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.calibration.verdicts import Comparison, judge


def _compared(**changes) -> Comparison:
    given = {"read": 1000, "write": None, "recorded_read": 1000, "recorded_write": None, "sent_before": 1100}
    return Comparison(**{**given, **changes})


def test_equal_reads_and_writes_are_exact():
    assert judge(_compared(write=5, recorded_write=5)).verdict == "exact"


@pytest.mark.parametrize(("recorded", "verdict"), [(1064, "within one granule"), (936, "within one granule")])
def test_one_step_of_the_provider_is_told_apart_from_more(recorded: int, verdict: str):
    assert judge(_compared(recorded_read=recorded, granule=64)).verdict == verdict
    assert judge(_compared(recorded_read=recorded, granule=63)).verdict == "wrong"


def test_writes_count_as_much_as_reads():
    assert judge(_compared(write=50, recorded_write=90, granule=8)).verdict == "wrong"


def test_a_minimum_excuses_a_write_only_where_the_whole_prefix_is_shorter():
    short = _compared(read=0, recorded_read=0, write=0, recorded_write=86, minimum=1024)
    assert judge(short).verdict == "explained"
    assert judge(_compared(write=50, recorded_write=90, minimum=1024)).verdict == "wrong"


def test_more_than_was_ever_sent_can_only_be_from_before_the_recording():
    judged = judge(_compared(read=0, recorded_read=1500, sent_before=0, warm_read=1500, opens=True))
    assert (judged.verdict, judged.counted) == ("explained", False)
    assert "the whole prompt had been sent before" in judged.reason


def test_a_first_read_is_never_called_near_to_a_forecast_of_nothing():
    judged = judge(_compared(read=0, recorded_read=100, sent_before=0, granule=128, opens=True))
    assert not judged.counted


def test_more_than_forecast_but_no_more_than_was_sent_is_a_wrong_rule():
    assert judge(_compared(read=0, recorded_read=1000)).verdict == "wrong"


def test_chance_explains_a_lower_read_but_never_a_higher_one():
    assert judge(_compared(recorded_read=0, routed=True, chance="dice")).reason == "dice"
    assert judge(_compared(read=500, recorded_read=1000, routed=True)).verdict == "wrong"


def test_what_could_not_be_forecast_does_not_count():
    judged = judge(_compared(missing="no body", recorded_read=0))
    assert (judged.verdict, judged.reason, judged.counted) == ("explained", "no body", False)


NUMBERS = st.integers(0, 5000)


@given(NUMBERS, NUMBERS, NUMBERS, st.integers(1, 128), st.booleans())
def test_a_good_verdict_is_given_for_no_larger_error_than_the_granule(read, recorded, sent, granule, routed):
    compared = _compared(read=read, recorded_read=recorded, sent_before=sent, granule=granule, routed=routed)
    judged = judge(compared)
    good = judged.verdict in {"exact", "within one granule"}
    assert not good or abs(read - recorded) <= granule
    assert (judged.verdict == "exact") == (read == recorded)
    assert judged.counted or recorded > sent
