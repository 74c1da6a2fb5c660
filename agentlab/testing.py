"""For your own tests: does an agent's prompt keep its cached prefix?

pytest finds the fixture by itself once agentlab is installed:

    def test_the_prefix_holds(assert_prefix_stable):
        run = agent.prompt_sync("...")
        assert_prefix_stable(run.trace)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agentlab.caching.calls import Calls

__all__ = ["assert_prefix_stable"]


def assert_prefix_stable(trace: Calls) -> None:
    """Fail unless every request of a run begins with the one before it.

    Args:
        trace: A trace, or a list of recorded calls of one conversation.

    Raises:
        AssertionError: The prefix moved; the message says where, why, and what it cost.
        UsageError: There are no two requests to compare: such a test would prove nothing.
    """
    # Lazily: every pytest run of the environment loads this plugin, most without using it.
    from agentlab.caching.calls import calls_of  # noqa: PLC0415
    from agentlab.caching.explaining.explain import explain_calls  # noqa: PLC0415
    from agentlab.errors import UsageError  # noqa: PLC0415

    calls = calls_of(trace)
    if len(calls) < 2:
        raise UsageError(f"a prefix is compared between requests, and there are {len(calls)}")
    moved = explain_calls(calls)
    if moved:
        raise AssertionError(str(moved))


@pytest.fixture(name="assert_prefix_stable")
def _assert_prefix_stable() -> Callable[[Calls], None]:
    """`agentlab.testing.assert_prefix_stable`, without an import."""
    return assert_prefix_stable
