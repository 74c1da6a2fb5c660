"""What changes is found, and the order that is cheapest for it comes first."""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from agentlab.caching import workloads
from agentlab.caching.orderings.ordering import PARTS, Ordering
from agentlab.caching.replaying.stability import part_changes, stability_order
from agentlab.caching.replaying.what_if import what_if
from agentlab.errors import UsageError

SIZES = workloads.Sizes(system=1500, tools=1, tool=10, documents=600, retrieved=200, result=200)
CHAT = workloads.chat(prompts=2, calls=2, sizes=SIZES)


def test_each_part_is_counted_within_and_between_runs() -> None:
    table = part_changes(CHAT)
    assert table.loc["volatile", "changed"] == 1
    assert table.loc["retrieved", "within_run"] == 0
    assert table.loc["retrieved", "between_runs"] == 1
    assert table.loc["retrieved", "changed"] == pytest.approx(1 / 3)
    assert (table.loc[["tools", "preamble", "documents", "few_shots"], "changed"] == 0).all()
    assert table.loc["history", "changed"] == 0
    assert table.loc["preamble", "tokens"] == 1500


def test_a_rewritten_history_has_changed() -> None:
    cut = [
        structs.replace(
            call, request=structs.replace(call.request, messages=call.request.messages[2:], prompt_index=None)
        )
        for call in CHAT[3:]
        if call.request
    ]
    assert part_changes([CHAT[2:3], cut]).loc["history", "between_runs"] == 1


def test_one_call_has_no_steps() -> None:
    assert math.isnan(part_changes(CHAT[:1]).loc["tools", "changed"])


def test_the_cheapest_order_keeps_what_changes_behind_what_stays() -> None:
    table = stability_order(CHAT, provider="anthropic:claude-sonnet-4-5")
    best = list(table.iloc[0]["parts"])
    assert best.index("preamble") < best.index("history") < best.index("volatile")
    assert best.index("documents") < best.index("history")
    assert best.index("history") < best.index("retrieved")
    worst = list(table.iloc[-1]["parts"])
    assert worst.index("volatile") < worst.index("preamble")
    assert (table["cost_usd"].diff().dropna() >= 0).all()
    proposed = table.attrs["proposed"]
    assert isinstance(proposed, Ordering)
    assert table.attrs["changes"]["volatile"] == 1


def test_every_order_of_the_present_parts_is_tried_once() -> None:
    bare = workloads.agent_loop(calls=2, sizes=SIZES, system_tokens=1500, volatile=False)
    calls = [
        structs.replace(call, request=structs.replace(call.request, retrieved=(), context=()))
        for call in bare
        if call.request
    ]
    table = stability_order(calls)
    # preamble and prompt: there is no history yet, and the prompt cannot stand before the system prompt
    assert list(table["parts"]) == [("preamble", "prompt")]
    with_documents = stability_order(
        [
            structs.replace(each, request=structs.replace(each.request, context=bare[0].request.context))
            for each in calls
        ]
    )
    assert len(with_documents) == len(set(with_documents["parts"])) > 1


def test_bodies_alone_have_no_parts() -> None:
    with pytest.raises(UsageError, match="body only"):
        stability_order([structs.replace(call, request=None) for call in CHAT])
    with pytest.raises(UsageError, match="no call"):
        stability_order([])


@pytest.mark.parametrize("provider", ["anthropic:claude-sonnet-4-5", "openai:gpt-5.2"])
def test_the_ranking_is_that_of_every_order_replayed_alone(provider: str) -> None:
    sizes = workloads.Sizes(system=1200, tools=1, tool=10, documents=300, result=100)
    calls = workloads.chat(prompts=2, calls=2, sizes=sizes)
    table = stability_order(calls, provider=provider)
    for _, row in table.iterrows():
        parts = list(row["parts"])
        rest = [part for part in PARTS[1:] if part not in parts]
        place = next(at for at, part in enumerate(parts) if part not in {"preamble", "volatile"})
        place += parts[place] == "documents"
        alone = what_if(
            calls, ordering=("tools", *parts[:place], *rest, *parts[place:]), provider=provider
        ).attrs["totals"]
        assert row["cost_usd"] == pytest.approx(alone["cost_usd"], rel=1e-12), parts
        assert row["hit_share"] == pytest.approx(alone["hit_share"], rel=1e-12), parts
