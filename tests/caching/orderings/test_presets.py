"""Orderings are values: they name every part once, and what no wire can send is refused with the reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching import orderings
from agentlab.caching.orderings.ordering import PARTS, Ordering
from agentlab.errors import UsageError


@pytest.mark.parametrize("ordering", orderings.PRESETS.values(), ids=str)
def test_presets_name_every_part_once(ordering: Ordering) -> None:
    assert sorted(part.partition(":")[0] for part in ordering.parts) == sorted(PARTS)
    assert ordering.description
    assert orderings.ordering_of(ordering.name) is ordering
    assert orderings.ordering_of(ordering.parts) is ordering


def test_names_may_be_written_with_hyphens() -> None:
    assert orderings.ordering_of("docs-last") is orderings.docs_last
    assert orderings.ordering_of(None) is orderings.stable_first


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match="stable_first"):
        orderings.ordering_of("best_first")


def moved(part: str, place: int) -> tuple[str, ...]:
    rest = [each for each in PARTS if each != part]
    return (*rest[:place], part, *rest[place:])


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (PARTS[:-1], "each part once: prompt"),
        ((*PARTS, "prompt"), "each part once: prompt"),
        ((*PARTS[:-1], "question"), "names question"),
        (moved("preamble", 0), "every wire renders `tools` before all else"),
        (moved("prompt", 4), "must be in the last user message"),
        (moved("history", 7), "must be in the last user message"),
        (("tools:none", *PARTS[1:]), "only `tools:<number>`"),
        (("tools:0", *PARTS[1:]), "only `tools:<number>`"),
        (("tools", "preamble:bold", *PARTS[2:]), "only `tools:<number>`"),
    ],
)
def test_what_no_wire_can_send_is_refused(parts: tuple[str, ...], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Ordering("mine", parts)


@pytest.mark.parametrize("wire", ["gemini", "anthropic-messages"])
def test_system_text_behind_messages_is_refused_where_the_wire_has_no_place_for_it(wire: str) -> None:
    late = Ordering("late", moved("preamble", 4))
    with pytest.raises(UsageError, match=f"`preamble` behind `documents`, and the wire '{wire}'"):
        late.check(wire)
    late.check("openai-chat")


@given(st.permutations(PARTS))
def test_an_order_is_refused_only_for_the_two_reasons(parts: list[str]) -> None:
    behind = set(parts[parts.index("prompt") + 1 :]) - {"documents", "retrieved", "volatile"}
    if parts[0] != "tools" or behind:
        with pytest.raises(UsageError):
            Ordering("drawn", tuple(parts))
    else:
        assert Ordering("drawn", tuple(parts)).parts == tuple(parts)
