"""The report: every part and every policy, what they do to the cached prefix, and what that costs."""

from __future__ import annotations

import math
from itertools import pairwise

import pandas as pd
import pytest
from msgspec import structs

from agentlab.caching import rates
from agentlab.caching.calls import RecordedCall
from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.builder import BuiltContext, ContextBuilder
from agentlab.chat.context.builders import BUILDERS, AttachmentsFirst, SeedOrdering, Stable
from agentlab.chat.context.report import ReportRow, report_frame
from agentlab.messages import Request, Usage
from tests.chat.context.played_session import Move, Step, play

MODEL = "claude-sonnet-4-6"
NOTES, DRAFT = ("notes.md", 0, 30), ("draft.md", 0, 120)


def row(built: BuiltContext, part: str, kind: str = "policy") -> ReportRow:
    return next(each for each in built.parts if (each.part, each.kind) == (part, kind))


def as_sent(step: Step, tokens: int | None = None) -> RecordedCall:
    """The last request of a step, as a trace has it."""
    request = Request(model=MODEL, preamble=step.built.preamble, messages=step.sent)
    usage = Usage(input_tokens=tokens) if tokens else None
    return RecordedCall("anthropic-messages", "{}", "anthropic", MODEL, usage=usage, request=request)


def built_after(step: Step, last: Step, tokens: int | None = None) -> BuiltContext:
    """A step's context where the last request is known."""
    builder = next(each for each in BUILDERS.values() if each.build(step.given) == step.built)
    return builder.build(structs.replace(step.given, last=as_sent(last, tokens)))


def test_every_part_stands_in_the_order_it_is_sent_and_policies_behind() -> None:
    steps = play(Stable(), [Move(files=(NOTES, DRAFT))], Budgets(attachments=60))
    assert [(each.part, each.kind, each.is_kept) for each in steps[0].built.parts] == [
        ("preamble", "preamble", True),
        ("mode", "mode", True),
        ("notes.md", "attachment", True),
        ("draft.md", "attachment", False),
        ("prompt", "prompt", True),
        ("attachment budget", "policy", True),
        ("mode", "policy", True),
        ("summaries of old results", "policy", True),
        ("leaving out old exchanges", "policy", True),
        ("request", "request", True),
    ]
    draft = row(steps[0].built, "draft.md", "attachment")
    assert (draft.priority, draft.saved_tokens) == (10, draft.tokens)
    assert "by itself" in draft.why


@pytest.mark.parametrize("builder", list(BUILDERS.values()), ids=list(BUILDERS))
def test_the_parts_that_are_kept_add_up_to_the_request(builder: ContextBuilder) -> None:
    moves = [Move(files=(NOTES,), results=(100, 20))] * 7
    for step in play(builder, moves, Budgets(history=900, in_full=1)):
        kept = [
            each.tokens
            for each in step.built.parts
            if each.is_kept
            and each.kind not in {"policy", "request"}
            and "counted with the history" not in each.why
        ]
        whole = row(step.built, "request", "request").tokens
        assert abs(sum(kept) - whole) <= 2 * len(kept)


def test_the_default_moves_nothing_while_no_budget_is_crossed() -> None:
    steps = play(
        Stable(), [Move(files=(NOTES,)), Move(files=(("notes.md", 1, 30),)), Move(mode="build")], Budgets()
    )
    for before, after in pairwise(steps):
        for each in built_after(after, before).parts:
            assert (each.moves_prefix_at, each.lost_cache_tokens) == ("", 0)


def test_a_mode_in_the_preamble_loses_the_whole_prefix() -> None:
    first, second = play(SeedOrdering(), [Move(words=40), Move(mode="build")], Budgets())
    known = built_after(second, first)
    assert row(known, "request", "request").moves_prefix_at.startswith("preamble")
    mode = row(known, "mode")
    assert mode.moves_prefix_at == "preamble"
    assert mode.lost_cache_tokens >= row(known, "request", "request").lost_cache_tokens - 20
    assert row(second.built, "mode").moves_prefix_at == "preamble", "the log alone says it too"
    quiet = play(SeedOrdering(), [Move(), Move()], Budgets())
    assert row(built_after(quiet[1], quiet[0]), "mode").moves_prefix_at == ""


def test_attachments_told_anew_lose_the_last_exchange() -> None:
    first, second = play(SeedOrdering(), [Move(files=(NOTES,), words=40), Move(files=(NOTES,))], Budgets())
    known = built_after(second, first)
    policy, request = row(known, "attachment budget"), row(known, "request", "request")
    assert policy.moves_prefix_at == "exchange 1"
    assert request.moves_prefix_at.startswith("message")
    assert abs(policy.lost_cache_tokens - request.lost_cache_tokens) < 30


def test_attachments_before_the_history_lose_all_of_it_when_one_changes() -> None:
    files = [(NOTES,), (NOTES,), (("notes.md", 1, 30),)]
    steps = play(AttachmentsFirst(), [Move(files=each, words=40) for each in files], Budgets())
    assert row(steps[1].built, "attachment budget").moves_prefix_at == ""
    assert row(steps[2].built, "attachment budget").moves_prefix_at == "attachments"
    assert row(built_after(steps[2], steps[1]), "request", "request").lost_cache_tokens > 100


def crossed(*, briefly: bool) -> tuple[Step, Step]:
    """The prompts before and after the first crossing, which summaries alone can mend or cannot."""
    moves = [Move(words=3, results=(100,)) if briefly else Move(words=100)] * 9
    steps = play(Stable(), moves, Budgets(history=500, in_full=1))
    place = next(
        place for place, step in enumerate(steps) if any(each.moves_prefix_at for each in step.built.parts)
    )
    return steps[place - 1], steps[place]


def test_summaries_tell_what_they_move_save_and_cost() -> None:
    before, after = crossed(briefly=True)
    policy = row(built_after(after, before), "summaries of old results")
    request = row(built_after(after, before), "request", "request")
    assert policy.moves_prefix_at == "exchange 1"
    assert 0 < policy.saved_tokens < policy.lost_cache_tokens
    assert request.moves_prefix_at.startswith("message")
    assert "pays" in policy.why
    assert row(after.built, "leaving out old exchanges").moves_prefix_at == ""


def test_a_cut_costs_what_is_written_anew_less_what_is_not_read_any_more() -> None:
    before, after = crossed(briefly=False)
    policy = row(built_after(after, before), "leaving out old exchanges")
    price = rates("anthropic", MODEL, after.given.at)
    gone = policy.tokens
    again = policy.lost_cache_tokens - gone
    front = row(after.built, "told again", "told again").tokens
    paid = again * (price.write_5m - price.read) - gone * price.read + front * price.write_5m
    assert policy.cost_delta_usd == pytest.approx(paid)
    assert not policy.is_kept


def test_later_requests_save_what_was_left_out_and_move_nothing() -> None:
    steps = play(Stable(), [Move(words=100)] * 7, Budgets(history=500, in_full=1))
    place = next(place for place, step in enumerate(steps) if step.built.parts[-2].moves_prefix_at)
    policy = row(steps[place + 1].built, "leaving out old exchanges")
    assert (policy.moves_prefix_at, policy.why) == ("", "made earlier; nothing changes now")
    read = rates("anthropic", MODEL, steps[place].given.at).read
    assert policy.cost_delta_usd == pytest.approx(-policy.saved_tokens * read)


def test_the_request_counts_as_its_provider_did() -> None:
    first, second = play(SeedOrdering(), [Move(words=40), Move(mode="build")], Budgets())
    lost = row(built_after(second, first), "request", "request").lost_cache_tokens
    doubled = row(built_after(second, first, tokens=10_000), "request", "request").lost_cache_tokens
    assert lost < doubled <= 10_000


def test_another_model_can_read_nothing_of_the_last_request() -> None:
    first, second = play(Stable(), [Move(words=40), Move()], Budgets())
    other = structs.replace(second.given, model="anthropic:claude-opus-4-5", last=as_sent(first, 700))
    request = row(Stable().build(other), "request", "request")
    assert (request.moves_prefix_at, request.lost_cache_tokens) == ("model", 700)
    assert request.cost_delta_usd > 0


def test_a_model_without_a_price_has_no_cost_and_no_last_request_says_so() -> None:
    (step,) = play(Stable(), [Move()], Budgets())
    unknown = Stable().build(structs.replace(step.given, model="vendor:unheard-of"))
    assert math.isnan(row(unknown, "mode").cost_delta_usd)
    assert row(unknown, "request", "request").why == "the last request is not known"


def test_the_frame_has_a_row_a_part_and_unknown_costs_are_missing() -> None:
    (step,) = play(Stable(), [Move(files=(NOTES,))], Budgets())
    frame = step.built.df
    assert list(frame["part"]) == [each.part for each in step.built.parts]
    assert str(frame["priority"].dtype) == "Int64"
    assert frame["priority"].isna().sum() == len(frame) - 1
    assert list(frame.columns) == list(ReportRow.__struct_fields__)
    missing = report_frame([ReportRow("a", "prompt", cost_delta_usd=math.nan)])
    assert missing["cost_delta_usd"].isna().all()
    assert isinstance(report_frame([]), pd.DataFrame)
