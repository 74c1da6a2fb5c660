"""Where two paths part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.sessions.branches import BranchTree, Leg
from agentlab.sessions.entries import Branched
from agentlab.sessions.forks import last_shared


def test_paths_that_leave_one_branch_at_two_places_share_up_to_the_first() -> None:
    assert last_shared((Leg(0, 5), Leg(1, None)), (Leg(0, 9), Leg(2, None))) == 5


def test_a_branch_shares_with_its_parent_what_came_before_it() -> None:
    assert last_shared((Leg(0, None),), (Leg(0, 7), Leg(1, None))) == 7


def test_a_path_is_one_with_itself() -> None:
    assert last_shared((Leg(0, 5), Leg(1, None)), (Leg(0, 5), Leg(1, None))) is None


def test_a_branch_that_shares_nothing_parts_at_the_beginning() -> None:
    assert last_shared((Leg(0, None),), (Leg(0, 0), Leg(1, None))) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), max_size=5), st.data())
def test_the_fork_is_where_the_listed_paths_part(made: list[tuple[int, int]], data: st.DataObject) -> None:
    tree = BranchTree()
    owners = dict.fromkeys(range(1, 31), 0)
    for place, (parent, wanted) in enumerate(made, start=1):
        own = [entry for entry, owner in owners.items() if owner == parent % place]
        at = own[wanted % len(own)] if own else 0
        entry_id = 30 * place + 1
        tree.add(place, Branched(f"b{place}", parent % place, at), entry_id, 0.0)
        owners |= dict.fromkeys(range(entry_id, entry_id + 30), place)

    def path(number: int) -> list[int]:
        limits = {leg.number: leg.up_to for leg in tree.path(number)}
        return [
            entry
            for entry, owner in owners.items()
            if owner in limits and ((limit := limits[owner]) is None or entry <= limit)
        ]

    left, right = (data.draw(st.integers(0, len(made))) for _ in range(2))
    shared = last_shared(tree.path(left), tree.path(right))
    same = [one for one, other in zip(path(left), path(right), strict=False) if one == other]
    if shared is None:
        assert left == right
    else:
        assert same == [entry for entry in path(left) if entry <= shared]
        assert same == [entry for entry in path(right) if entry <= shared]
