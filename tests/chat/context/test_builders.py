"""The context builders over whole sessions: what every builder keeps to, and what each does of its own."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings

from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.builder import ContextBuilder, ContextInput
from agentlab.chat.context.builders import BUILDERS, AttachmentsFirst, SeedOrdering, Stable, builder_of
from agentlab.chat.context.exchanges import exchanges_of
from agentlab.chat.context.pruning import Cut, cut_of
from agentlab.chat.context.told import MODE, told_in
from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, Text, UserMessage, validate
from agentlab.sessions import UserSaid
from tests.chat.context.played_session import BUDGETS, MOVES, Move, Step, mode_block, play, stored

ALL = pytest.mark.parametrize("builder", list(BUILDERS.values()), ids=list(BUILDERS))
FEW = settings(max_examples=500 if os.environ.get("AGENTLAB_GAUNTLET") == "1" else 40)
TELLING = pytest.mark.parametrize(
    "builder", [Stable(), AttachmentsFirst()], ids=["stable", "attachments_first"]
)


def cut(step: Step) -> Cut:
    found = exchanges_of(step.given.entries)
    return cut_of(found.sizes, found.briefs, step.given.budgets)


def texts(message: UserMessage) -> list[str]:
    return [part.text for part in message.content if isinstance(part, Text)]


@ALL
@FEW
@given(moves=MOVES, budgets=BUDGETS)
def test_every_context_is_valid_the_same_again_and_holds_calls_with_results_and_essential_files(
    builder: ContextBuilder, moves: list[Move], budgets: Budgets
) -> None:
    for step in play(builder, moves, budgets):
        validate([*step.built.history, step.built.prompt])
        validate([*step.built.history, step.built.kept_prompt])
        assert_calls_have_results(step)
        assert_essential_files_are_told(step)
    assert builder.build(step.given) == step.built


def assert_calls_have_results(step: Step) -> None:
    called, answered = [], []
    for message in step.built.history:
        if isinstance(message, UserMessage):
            answered += [result.call_id for result in message.tool_results]
        elif isinstance(message, AssistantMessage):
            called += [call.id for call in message.tool_calls]
    assert called == answered


def assert_essential_files_are_told(step: Step) -> None:
    messages = (*step.built.history, step.built.prompt)
    told = [text for each in messages if isinstance(each, UserMessage) for text in texts(each)]
    assert all(each.rendered in told for each in step.given.attachments if each.is_essential)


@FEW
@given(moves=MOVES, budgets=BUDGETS)
def test_the_default_begins_with_the_last_request_unless_cut_and_the_model_knows_what_holds(
    moves: list[Move], budgets: Budgets
) -> None:
    steps = play(Stable(), moves, budgets)
    for before, after in pairwise(steps):
        if before.answer is not None and cut(after).crossings == cut(before).crossings:
            sent = (*before.sent, before.answer)
            assert (*after.built.history, after.built.prompt)[: len(sent)] == sent
            assert after.built.preamble == before.built.preamble
    for step in steps:
        told = [each for message in (*step.built.history, step.built.prompt) for each in told_in(message)]
        last = {each.key: each.text for each in told}
        assert last[MODE] == step.given.mode_block
        kept = {row.part for row in step.built.parts if row.kind == "attachment" and row.is_kept}
        for each in step.given.attachments:
            assert (last.get(each.path) == each.rendered) == (each.path in kept)
        for key in last:
            of_key = [each.text for each in told if each.key == key]
            assert all(one != other for one, other in pairwise(of_key)), "told twice in a row"


def test_a_file_is_told_when_it_is_attached_and_when_it_changes() -> None:
    first, same, changed = (("notes.md", 0, 5),), (("notes.md", 0, 5),), (("notes.md", 1, 5),)
    steps = play(Stable(), [Move(files=files) for files in (first, same, changed, changed)], Budgets())
    told = [[each.text for each in told_in(step.built.prompt) if each.key] for step in steps]
    assert [len(each) for each in told] == [1, 0, 1, 0]
    assert "version 0" in told[0][0]
    assert "version 1" in told[2][0]


def test_a_file_that_changed_and_fits_no_more_is_said_to_have_changed_once() -> None:
    small, large = (("draft.md", 0, 5),), (("draft.md", 1, 900),)
    steps = play(Stable(), [Move(files=files) for files in (small, large, large)], Budgets(attachments=100))
    told = [[each.text for each in told_in(step.built.prompt) if each.key] for step in steps]
    assert told[1] == [
        '<file_context path="draft.md" status="changed since it was shown; too large to be shown again" />'
    ]
    assert told[2] == []


def test_a_file_that_is_detached_is_said_to_be_and_told_again_when_it_comes_back() -> None:
    here, gone = (("draft.md", 0, 5),), ()
    steps = play(Stable(), [Move(files=files) for files in (here, gone, gone, here)], Budgets())
    told = [[each.text for each in told_in(step.built.prompt) if each.key] for step in steps]
    assert told[1] == ['<file_context path="draft.md" status="no longer attached" />']
    assert told[2] == []
    assert told[3] == told[0]


@TELLING
def test_a_mode_is_told_when_it_begins_and_not_again(builder: ContextBuilder) -> None:
    steps = play(builder, [Move(mode=mode) for mode in ("plan", "plan", "build", "build")], Budgets())
    told = [[each.text for each in told_in(step.built.prompt)] for step in steps]
    assert told == [[mode_block("plan")], [], [mode_block("build")], []]
    assert {step.built.preamble for step in steps} == {"You are terse."}


def test_a_plan_that_was_told_with_its_approval_is_not_told_again() -> None:
    steps = play(Stable(), [Move(exits=True), Move(mode="build")], Budgets())
    assert steps[1].given.mode_block == mode_block("build", 1)
    assert steps[1].built.prompt == UserMessage(steps[1].given.prompt)


def test_the_seeds_ordering_puts_the_mode_in_the_preamble_and_renders_attachments_anew() -> None:
    files = (("notes.md", 0, 5), ("draft.md", 0, 5))
    steps = play(SeedOrdering(), [Move(files=files), Move(files=files, mode="build")], Budgets())
    for step in steps:
        assert step.built.preamble == f"You are terse.\n\n{step.given.mode_block}"
        assert texts(step.built.prompt)[-2:] == [each.rendered for each in step.given.attachments]
        assert step.built.kept_prompt == UserMessage(step.given.prompt)
    assert steps[1].built.history[0] == UserMessage(steps[0].given.prompt)


def test_attachments_first_puts_them_before_the_history() -> None:
    files = (("notes.md", 0, 5), ("draft.md", 0, 5))
    steps = play(AttachmentsFirst(), [Move(files=files), Move(files=files)], Budgets())
    first = UserMessage(tuple(each.part for each in steps[1].given.attachments))
    assert steps[0].built.history == (first,)
    assert steps[1].built.history[0] == first
    assert steps[1].built.prompt == UserMessage(steps[1].given.prompt)


def test_a_mode_that_the_user_spoke_of_is_told_all_the_same() -> None:
    spoken = ContextInput(entries=(), prompt=(Text(mode_block("build")),), mode_block=mode_block("build"))
    entries = stored([UserSaid(UserMessage((Text(mode_block("plan")),)))])
    built = Stable().build(ContextInput(entries=entries, prompt=(Text("x"),), mode_block=mode_block("build")))
    assert texts(Stable().build(spoken).prompt) == [mode_block("build"), mode_block("build")]
    assert texts(built.prompt) == ["x", mode_block("build")]


def test_a_prompt_without_parts_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to ask"):
        Stable().build(ContextInput(entries=(), prompt=()))


def test_a_builder_is_found_by_its_name() -> None:
    assert builder_of("seed_ordering") == SeedOrdering()
    assert builder_of(Stable()) == Stable()
    with pytest.raises(UsageError, match="did you mean 'stable'"):
        builder_of("stabel")
