"""What is told again in front of a history that was cut, and that it stays the same until the next cut."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.builders import Stable
from agentlab.chat.context.told import told_in
from agentlab.messages import Json, Text, ToolResult, UserMessage
from tests.chat.context.played_session import Move, Step, mode_block, play

NOTES, DRAFT = ("notes.md", 0, 5), ("draft.md", 0, 5)
BUDGETS = Budgets(history=600, in_full=0)


def long(count: int, **fields: Any) -> list[Move]:
    """Exchanges of some 100 tokens that nothing shortens."""
    return [Move(words=90, **fields) for _ in range(count)]


def front(step: Step) -> list[str]:
    """What stands before the exchanges that are left; empty where nothing was cut."""
    first = step.built.history[0] if step.built.history else None
    found = (
        [part.text for part in first.content if isinstance(part, Text)]
        if isinstance(first, UserMessage)
        else []
    )
    return found if found and found[0].startswith("<left_out>") else []


def told(step: Step) -> list[str]:
    return [each.text for each in told_in(step.built.prompt)]


def test_the_mode_the_plan_and_essential_files_are_told_again() -> None:
    moves = [Move(files=(NOTES, DRAFT), exits=True), *long(8, files=(NOTES, DRAFT), mode="build")]
    last = play(Stable(), moves, BUDGETS)[-1]
    note, file, mode = front(last)
    assert note.startswith("<left_out>The first ")
    assert file == last.given.attachments[0].rendered
    assert mode == mode_block("build", 1)


def test_what_is_told_again_stands_until_the_next_cut() -> None:
    moves = [Move(files=(NOTES,)), *long(30, files=(NOTES,))]
    fronts = [front(step) for step in play(Stable(), moves, BUDGETS)]
    different = [each for each, before in zip(fronts[1:], fronts, strict=False) if each != before]
    assert 3 <= len(different) <= 30 // 4


def test_a_file_that_is_not_essential_is_told_with_the_prompt_after_the_cut() -> None:
    moves = [Move(files=(NOTES, DRAFT)), *long(8, files=(NOTES, DRAFT))]
    steps = play(Stable(), moves, BUDGETS)
    cut = next(place for place, step in enumerate(steps) if front(step))
    draft = steps[cut].given.attachments[1].rendered
    assert told(steps[cut]) == [draft]
    assert draft not in front(steps[cut])
    assert told(steps[cut + 1]) == []


def test_a_file_that_was_detached_is_not_told_again() -> None:
    moves = [Move(files=(NOTES,)), Move(), *long(8)]
    assert all("version" not in text for text in front(play(Stable(), moves, BUDGETS)[-1]))


def test_what_the_exchanges_left_tell_anew_is_not_told_before_them() -> None:
    moves = [Move(files=(NOTES,)), *long(4, files=(NOTES,)), Move(files=(("notes.md", 1, 5),), mode="build")]
    moves += long(2, files=(("notes.md", 1, 5),), mode="build")
    last = play(Stable(), moves, BUDGETS)[-1]
    assert len(front(last)) == 1, front(last)
    sent = [each.text for message in last.built.history for each in told_in(message)]
    assert sent == [mode_block("build"), last.given.attachments[0].rendered]


def test_a_plan_outlives_a_mode_that_came_after_it() -> None:
    moves = [Move(exits=True), Move(mode="build"), Move(mode="plan"), *long(8, mode="plan")]
    assert front(play(Stable(), moves, BUDGETS)[-1])[1:] == [mode_block("build", 1), mode_block("plan")]


def test_only_the_tool_that_ends_plan_mode_tells_a_mode_in_its_result() -> None:
    said = (Json({"told": mode_block("build")}),)
    done = ToolResult("call", "exit_plan_mode", said)
    for result, expected in (
        (done, 1),
        (structs.replace(done, status="failed"), 0),
        (structs.replace(done, name="read"), 0),
    ):
        assert len(list(told_in(UserMessage((result,))))) == expected


def test_a_mode_is_found_in_a_result_that_was_kept_as_text() -> None:
    text = '{"mode": "build", "told": "<mode name=\\"build\\">\\nx\\n</mode>"}'
    found = told_in(UserMessage((ToolResult("call", "exit_plan_mode", (Text(text), Text("no JSON"))),)))
    assert [each.text for each in found] == ['<mode name="build">\nx\n</mode>']


def test_what_was_left_out_is_counted() -> None:
    one = play(Stable(), [Move(words=300), Move(words=10), Move()], Budgets(history=320, keep=100, in_full=0))
    assert front(one[-1])[0].startswith("<left_out>The first exchange of this conversation is left out.")
