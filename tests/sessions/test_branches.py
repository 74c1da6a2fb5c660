"""Branches share what came before, go their own way, and leave the others as they were."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agentlab.errors import SessionCorrupt, UsageError
from agentlab.messages import UserMessage
from agentlab.sessions import Branch, Branched, Session
from agentlab.sessions.branches import BranchTree, Leg
from tests.sessions.gauntlet import sample
from tests.sessions.spoken import prompt


def texts(session: Session, branch: str | None = None) -> list[str]:
    """What was said on a branch."""
    return [message.text for message in session.history(branch) if isinstance(message, UserMessage)]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session.create(tmp_path / "a.sqlite") as made:
        made.append(prompt("a"), prompt("b"), prompt("c"))  # entries 2, 3, 4
        yield made


def test_a_branch_shares_up_to_its_entry_and_goes_on_by_itself(session: Session) -> None:
    assert session.branch_at(3, "other") == session.branch == "other"
    session.append(prompt("d"))
    assert texts(session) == ["a", "b", "d"]
    assert texts(session, "main") == ["a", "b", "c"]
    session.switch("main")
    session.append(prompt("e"))
    assert texts(session) == ["a", "b", "c", "e"]
    assert texts(session, "other") == ["a", "b", "d"]


def test_a_branch_of_a_branch_shares_what_that_one_shares(session: Session) -> None:
    session.branch_at(3, "one")
    (last,) = session.append(prompt("d"))
    session.append(prompt("e"))
    session.branch_at(last, "two")
    session.append(prompt("f"))
    session.branch_at(2, "three")  # while on `two`, at an entry of `main`
    session.append(prompt("g"))
    assert texts(session, "two") == ["a", "b", "d", "f"]
    assert texts(session, "three") == ["a", "g"]
    assert [(branch.name, branch.from_branch, branch.at) for branch in session.branches] == [
        ("main", None, 0),
        ("one", "main", 3),
        ("two", "one", last),
        ("three", "main", 2),
    ]


def test_a_branch_at_nothing_shares_nothing(session: Session) -> None:
    session.branch_at(0, "fresh")
    assert texts(session) == []
    assert [stored.entry for stored in session.entries()] == [Branched("fresh", 0, 0)]


def test_branches_count_their_entries(session: Session) -> None:
    session.branch_at(3, "other")
    session.append(prompt("d"))
    main, other = session.branches
    assert main == Branch("main", None, 0, entries=4, number=0, created_at=main.created_at)
    assert (other.entries, other.number) == (len(session.entries("other")), 1)
    assert other.entries == 5  # three shared, the branching, and one of its own


def test_a_session_opens_on_the_branch_that_was_written_last(session: Session) -> None:
    session.branch_at(3, "other")
    session.switch("main")
    session.close()
    with Session(session.path) as again:
        assert again.branch == "other"
        again.switch("main")
        again.append(prompt("d"))
    with Session(session.path, read_only=True) as again:
        assert again.branch == "main"


def test_branches_without_a_name_get_one_that_is_free(session: Session) -> None:
    session.branch_at(2, "branch-2")
    assert [session.branch_at(2) for _ in range(2)] == ["branch-3", "branch-4"]


@pytest.mark.parametrize("name", ["main", "other", ""])
def test_a_name_that_is_taken_or_empty_is_refused(session: Session, name: str) -> None:
    session.branch_at(2, "other")
    with pytest.raises(UsageError, match="it has to have a name of its own"):
        session.branch_at(3, name)
    assert len(session.branches) == 2


@pytest.mark.parametrize("entry_id", [-1, 5, 10**30])
def test_a_branch_at_an_entry_that_is_not_there_is_refused(session: Session, entry_id: int) -> None:
    with pytest.raises(UsageError, match=f"no entry {entry_id} to branch at; the last one is 4"):
        session.branch_at(entry_id)


def test_a_branch_that_is_not_there_is_named_with_those_that_are(session: Session) -> None:
    for call in (session.switch, session.history, session.entries, session.legs):
        with pytest.raises(UsageError, match="no branch 'x'; it has main"):
            call("x")


def test_legs_say_what_a_branch_shares_with_which(session: Session) -> None:
    session.branch_at(3, "one")
    session.branch_at(3, "two")
    assert session.legs("main") == (Leg(0, None),)
    assert session.legs("two") == (Leg(0, 3), Leg(2, None))


@pytest.mark.parametrize(
    ("number", "made", "entry_id"),
    [
        (2, Branched("a", 0, 1), 5),  # a number is left out
        (0, Branched("a", 0, 1), 5),  # the first one is there already
        (1, Branched("main", 0, 1), 5),
        (1, Branched("a", 1, 1), 5),  # it leaves itself
        (1, Branched("a", 7, 1), 5),
        (1, Branched("a", 0, 5), 5),  # it shares itself
        (1, Branched("a", 0, -1), 5),
    ],
)
def test_a_branch_that_cannot_be_is_damage(number: int, made: Branched, entry_id: int) -> None:
    with pytest.raises(SessionCorrupt, match="that cannot be"):
        BranchTree().add(number, made, entry_id, 0.0)


class Branching(RuleBasedStateMachine):
    """A session beside lists that are copied at every branch, which is what sharing must look like."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.session = Session.create(Path(self.folder.name) / "a.sqlite")
        self.lists: dict[str, list[int]] = {"main": [1]}
        self.current = "main"

    @rule(count=st.integers(1, 3))
    def append(self, count: int) -> None:
        self.lists[self.current] += self.session.append(*[prompt("x")] * count)

    @rule(draw=st.randoms(use_true_random=False))
    def branch(self, draw: object) -> None:
        name = self.session.branch
        place = draw.randrange(len(self.lists[name]))  # type: ignore[attr-defined]
        entry_id = self.lists[name][place]
        self.current = self.session.branch_at(entry_id)
        self.lists[self.current] = [*self.lists[name][: place + 1], len(self.session)]

    @rule(draw=st.randoms(use_true_random=False))
    def switch(self, draw: object) -> None:
        self.current = draw.choice(sorted(self.lists))  # type: ignore[attr-defined]
        self.session.switch(self.current)

    @rule()
    def open_again(self) -> None:
        self.session.close()
        self.session = Session(self.session.path)
        self.session.switch(self.current)

    @invariant()
    def every_branch_is_what_a_copy_would_be(self) -> None:
        for name, ids in self.lists.items():
            assert [stored.id for stored in self.session.entries(name)] == ids

    def teardown(self) -> None:
        self.session.check()
        self.session.close()
        self.folder.cleanup()


TestBranching = pytest.mark.gauntlet(Branching.TestCase)
TestBranching.settings = settings(
    max_examples=sample(8, 200), stateful_step_count=sample(12, 40), deadline=None
)
