"""The transcript follows the log, and heals when it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import SessionUnusable
from agentlab.sessions import (
    Attached,
    Configured,
    ModeChanged,
    ModelChanged,
    RunEnded,
    Session,
    Tagged,
    Titled,
    Transcript,
)
from agentlab.sessions.entries import Stored, entry_to_json
from agentlab.sessions.front_matter import read_front_matter, split_front_matter
from agentlab.sessions.transcript_checks import Body, cut_at, read_body
from tests.sessions.gauntlet import GAUNTLET
from tests.sessions.spoken import MODEL, SECRET_THOUGHT, TEXTS, WHOLE, call_and_result, prompt, turn


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session.create(tmp_path / "kept.sqlite", title="First", tags=["a"], config={"model": MODEL}) as made:
        yield made


def fields_of(transcript: Transcript) -> dict[str, object]:
    """What the front matter says."""
    head, _ = split_front_matter(transcript.path.read_text(encoding="utf-8"))
    assert head is not None
    return read_front_matter(head)


def body_of(transcript: Transcript) -> str:
    """What stands below the front matter."""
    return split_front_matter(transcript.path.read_text(encoding="utf-8"))[1]


def anew(transcript: Transcript, session: Session) -> str:
    """The visible text of the transcript when it is made of the log alone."""
    transcript.path.unlink()
    transcript.check()
    return visible(transcript)


def visible(transcript: Transcript) -> str:
    """The body without its comments."""
    return "\n".join(line for line in body_of(transcript).split("\n") if not line.startswith("<!-- agentlab"))


def test_it_tells_prompts_answers_calls_and_results_in_short_and_no_reasoning(session: Session) -> None:
    transcript = Transcript(session)
    session.append(*turn(), texts=TEXTS)
    told = transcript.path.read_text(encoding="utf-8")
    places = [
        told.index(text) for text in ("question 1", "I look.", '{"path":"/notes.md"}', "2 lines", "answer 1")
    ]
    assert places == sorted(places)
    assert SECRET_THOUGHT not in told
    assert WHOLE not in told
    assert "line one" not in told


def test_long_arguments_are_cut_and_stay_json(session: Session) -> None:
    transcript = Transcript(session)
    session.append(*call_and_result(path="x" * 5000))
    told = transcript.path.read_text(encoding="utf-8")
    assert "(5,000 characters)" in told
    assert len(told) < 3000


def test_the_front_matter_follows_title_tags_model_and_configuration(session: Session) -> None:
    transcript = Transcript(session)
    assert fields_of(transcript)["model"] == MODEL
    session.append(prompt("hello"))
    session.append(Titled("Second"), Tagged(("b", "c")), ModelChanged("sim:other/m"))
    found = fields_of(transcript)
    assert (found["title"], found["tags"], found["model"]) == ("Second", ["b", "c"], "sim:other/m")
    session.append(Configured({"model": "sim:third/m", "preamble": "Be kind.\n"}))
    found = fields_of(transcript)
    assert found["model"] == "sim:third/m"
    assert found["config"] == {"model": "sim:third/m", "preamble": "Be kind.\n"}
    assert "hello" in body_of(transcript)
    assert anew(transcript, session) == visible(transcript)


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2]),
        lambda path: path.write_bytes(path.read_bytes() + b"added by hand"),
        lambda path: path.write_bytes(path.read_bytes().replace(b"answer 1", b"answer 9")),
        lambda path: path.write_bytes(path.read_bytes().replace(b"title: First", b"title: Wrong")),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"branch": "main"', b'"branch": "gone"')),
        lambda path: path.write_bytes(b"\xff\xfe\x00" * 100),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"entry":', b'"entry":9')),
    ],
    ids=["removed", "emptied", "torn", "half", "added", "edited", "head", "branch", "binary", "ahead"],
)
def test_a_transcript_that_was_harmed_is_as_before_after_opening(harm, session: Session) -> None:
    transcript = Transcript(session)
    session.append(*turn())
    before = (fields_of(transcript), visible(transcript))
    harm(transcript.path)
    healed = Transcript(session)
    assert (fields_of(healed), visible(healed)) == before
    assert healed.problem is None


def test_what_a_crash_left_behind_is_added_and_what_is_there_stays(session: Session, tmp_path: Path) -> None:
    transcript = Transcript(session)
    session.append(*turn(1))
    there = transcript.path.read_bytes()
    session.close()
    with Session(session.path) as writer:
        writer.append(*turn(2))  # nobody keeps the transcript
    with Session(session.path) as writer:
        healed = Transcript(writer)
        assert healed.path.read_bytes().startswith(there)
        assert "answer 2" in body_of(healed)
        assert anew(healed, writer) == visible(healed)


def test_a_title_given_while_nobody_kept_it_is_told(session: Session) -> None:
    transcript = Transcript(session)
    session.append(*turn(1))
    session.close()
    with Session(session.path) as writer:
        writer.append(Titled("Later"))
    with Session(session.path) as writer:
        assert fields_of(Transcript(writer))["title"] == "Later"
    assert transcript.path.exists()


def test_one_in_step_is_not_written_again(session: Session) -> None:
    transcript = Transcript(session)
    session.append(*turn(1))
    before = transcript.path.stat()
    Transcript(session)
    after = transcript.path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_it_heals_while_it_follows_too(session: Session) -> None:
    transcript = Transcript(session)
    session.append(*turn(1))
    transcript.path.write_text("scribbled over", encoding="utf-8")
    session.append(*turn(2))
    told = body_of(transcript)
    assert "answer 1" in told
    assert "answer 2" in told


def test_it_shows_the_current_branch(session: Session) -> None:
    transcript = Transcript(session)
    session.append(*turn(1))
    fork = len(session)
    session.append(*turn(2))
    session.branch_at(fork, "other")
    session.append(*turn(3))
    assert fields_of(transcript)["branch"] == "other"
    told = body_of(transcript)
    assert "answer 1" in told
    assert "answer 2" not in told
    assert "answer 3" in told
    session.switch("main")
    assert fields_of(transcript)["branch"] == "main"
    assert "answer 2" in body_of(transcript)
    assert "answer 3" not in body_of(transcript)


def test_a_branch_has_the_model_it_had_at_the_fork(session: Session) -> None:
    transcript = Transcript(session)
    session.append(prompt("a"))
    fork = len(session)
    session.append(ModelChanged("sim:later/m"))
    session.branch_at(fork)
    assert fields_of(transcript)["model"] == MODEL


def test_a_link_in_its_place_is_replaced_and_not_followed(session: Session, tmp_path: Path) -> None:
    target = tmp_path / "other.txt"
    target.write_text("mine", encoding="utf-8")
    session.path.with_suffix(".md").symlink_to(target)
    transcript = Transcript(session)
    session.append(*turn())
    assert target.read_text(encoding="utf-8") == "mine"
    assert not transcript.path.is_symlink()


def test_a_fifo_in_its_place_does_not_block(session: Session) -> None:
    os.mkfifo(session.path.with_suffix(".md"))
    assert Transcript(session).problem is None
    assert session.path.with_suffix(".md").is_file()


def test_a_transcript_that_cannot_be_written_harms_no_entry_and_comes_back(session: Session) -> None:
    session.path.with_suffix(".md").mkdir()
    transcript = Transcript(session)
    assert "is behind its session" in str(transcript.problem)
    assert session.append(*turn())
    transcript.path.rmdir()
    session.append(prompt("again"))
    assert transcript.problem is None
    assert "answer 1" in body_of(transcript)
    assert "again" in body_of(transcript)


def test_a_reader_keeps_no_transcript(session: Session) -> None:
    with Session(session.path, read_only=True) as reader, pytest.raises(SessionUnusable, match="read-only"):
        Transcript(reader)


steps = st.lists(
    st.sampled_from(
        ["turn", "quiet", "title", "model", "note", "branch", "switch", "cut", "remove", "reopen"]
    ),
    max_size=12,
)


@settings(max_examples=200 if GAUNTLET else 8)
@given(steps, st.randoms(use_true_random=False))
def test_whatever_happens_it_tells_what_one_made_anew_tells(
    tmp_path_factory: pytest.TempPathFactory, happened: list[str], random
) -> None:
    path = tmp_path_factory.mktemp("walk") / "s.sqlite"
    session = Session.create(path, config={"model": MODEL})
    transcript = Transcript(session)
    for number, step in enumerate(happened):
        match step:
            case "turn":
                session.append(*turn(number))
            case "quiet":
                session.append(RunEnded("r"))
            case "title":
                session.append(Titled(f"title {number}"))
            case "model":
                session.append(ModelChanged(f"sim:x/{number}"), Attached("/a"))
            case "note":
                session.append(ModeChanged("plan"))
            case "branch":
                session.branch_at(random.randint(0, len(session)))
            case "switch":
                session.switch(random.choice(session.branches).name)
            case "cut":
                data = transcript.path.read_bytes()
                transcript.path.write_bytes(data[: random.randint(0, len(data))])
            case "remove":
                transcript.path.unlink()
            case _:
                session.close()
                session = Session(path)
                transcript = Transcript(session)
        if step in {"cut", "remove"}:
            transcript.check()
        now = (fields_of(transcript), visible(transcript))
        assert now == ((fields_of(transcript)), anew(transcript, session))
        assert transcript.problem is None
    session.close()


@settings(max_examples=20)
@given(st.integers(0, 60), st.integers(0, 40))
def test_a_body_is_cut_after_the_last_entry_wanted(count: int, entry: int) -> None:

    said = [prompt(f"{number} " + "word " * 120) for number in range(count)]
    stored = [
        Stored(place, 0, 1.0, "user", 0, entry_to_json(one), one) for place, one in enumerate(said, start=1)
    ]
    whole = Body().take(stored)
    assert cut_at(whole, entry) == Body().take(stored[:entry])
    kept = read_body(cut_at(whole, entry))
    assert kept is not None
    assert kept.entry == min(entry, count)
