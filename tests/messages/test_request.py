"""What is asked of a model is checked where it is written."""

import pytest

from agentlab.errors import UsageError
from agentlab.messages import CacheOptions


def test_a_breakpoint_at_an_unknown_place_is_refused_before_anything_is_sent():
    with pytest.raises(UsageError, match="tools, preamble, context, last, not behind 'documents'"):
        CacheOptions(breakpoints=("documents",))


def test_a_breakpoint_at_every_known_place_is_taken():
    places = ("tools", "preamble", "context", "last")
    assert CacheOptions(breakpoints=places).breakpoints == places
