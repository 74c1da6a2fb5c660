"""What was said is found again, wherever it stands, and hits say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.errors import UsageError
from agentlab.sessions import SessionStore
from tests.sessions.spoken import SECRET_THOUGHT, TEXTS, answer, prompt, turn


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    store = SessionStore(tmp_path)
    with store.new("Animals", id="one") as session:
        session.append(*turn(1), texts=TEXTS)
    with store.new("Places", id="two") as session:
        session.append(
            prompt('Where is "Straße\n  9"?'), answer("In the north, " + "far " * 100 + "from here.")
        )
        session.branch_at(2)
        session.append(prompt("on a branch of its own"))
    return store


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("QUESTION 1", ("one", "user")),
        ("answer 1", ("one", "assistant")),
        ("line two", ("one", "tool")),
        ("2 lines", ("one", "tool")),
        ("hidden word: quokka", ("one", "tool")),
        ('"straße 9"', ("two", "user")),
        ("from   here", ("two", "assistant")),
        ("a branch of", ("two", "user")),
    ],
)
def test_prompts_answers_results_and_their_whole_texts_are_found(
    text: str, where: tuple[str, str], store: SessionStore
) -> None:
    [hit] = store.search(text)
    assert (hit.session, hit.role) == where
    assert " ".join(text.split()).casefold() in hit.excerpt.casefold()
    with store.open(hit.session, read_only=True) as session:
        assert session.all_entries()[hit.entry - 1].at == hit.at
        assert hit.title == session.title


@pytest.mark.parametrize("text", ["nowhere said", SECRET_THOUGHT, "tool_result", "notes.mdx", ".*"])
def test_reasoning_names_of_fields_and_patterns_are_not_found(text: str, store: SessionStore) -> None:
    assert len(store.search(text)) == 0


def test_an_excerpt_is_one_short_line(store: SessionStore) -> None:
    [hit] = store.search("far far far")
    assert hit.excerpt.endswith("…")
    assert "\n" not in hit.excerpt
    assert len(hit.excerpt) < 160


def test_more_hits_than_wanted_are_said_and_a_frame_holds_them(store: SessionStore) -> None:
    some = store.search("e", limit=2)
    assert len(some) == 2
    assert some.is_cut
    assert list(some.df["session"]) == [hit.session for hit in some]
    assert not store.search("e").is_cut


def test_a_damaged_session_is_named_and_the_others_are_searched(store: SessionStore) -> None:
    (store.folder / "bad.sqlite").write_bytes(b"no database at all")
    found = store.search("question 1")
    assert len(found) == 1
    assert list(found.unread) == ["bad"]


@pytest.mark.parametrize("text", ["", " \n", "x" * 1001])
def test_nothing_and_too_much_are_not_searched_for(text: str, store: SessionStore) -> None:
    with pytest.raises(UsageError, match="search"):
        store.search(text)
