"""Anthropic's Message Batches, by Anthropic's own SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from agentlab.simulator import BatchPace, ErrorReply, SimRequest, Simulator, Turn, reply
from agentlab.simulator.behaviours import Function

LONG = "The archive of the northern light holds every ship that passed. " * 400


@pytest.fixture
def client(sim: Simulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=sim.base_url("anthropic"), api_key=sim.token, max_retries=0) as sdk:
        yield sdk


def item(custom_id: str, text: Any = "hello", **params: Any) -> Any:
    asked = {"model": "claude-sonnet-5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "params": {**asked, **params}}


def test_a_batch_passes_through_its_states_as_the_clock_goes_on(
    client: anthropic.Anthropic, sim: Simulator
) -> None:
    sim.batches.pace = BatchPace(request_s=30)
    batch = client.messages.batches.create(requests=[item("a"), item("b")])
    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 2)
    assert batch.results_url is None
    sim.advance(45)
    batch = client.messages.batches.retrieve(batch.id)
    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 2)
    with pytest.raises(anthropic.AnthropicError, match="Has it finished processing"):
        client.messages.batches.results(batch.id)
    sim.advance(15)
    batch = client.messages.batches.retrieve(batch.id)
    assert (batch.processing_status, batch.request_counts.succeeded) == ("ended", 2)
    assert batch.ended_at is not None
    assert (batch.ended_at - batch.created_at).total_seconds() == 60
    assert (batch.expires_at - batch.created_at).total_seconds() == 86_400


def test_the_results_are_what_the_same_requests_alone_would_have_got(client: anthropic.Anthropic) -> None:
    asked = item("a", "What is 2 + 3?")
    alone = client.messages.create(**asked["params"])
    batch = client.messages.batches.create(requests=[asked])
    (found,) = client.messages.batches.results(batch.id)
    assert found.custom_id == "a"
    assert found.result.type == "succeeded"
    assert found.result.message.content == alone.content
    assert found.result.message.stop_reason == alone.stop_reason
    assert found.result.message.usage.input_tokens == alone.usage.input_tokens
    assert found.result.message.usage.service_tier == "batch"


def test_requests_of_a_batch_read_what_an_earlier_one_wrote(client: anthropic.Anthropic) -> None:
    text = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    batch = client.messages.batches.create(requests=[item("a", text), item("b", text)])
    first, second = client.messages.batches.results(batch.id)
    assert first.result.type == second.result.type == "succeeded"
    assert first.result.message.usage.cache_creation_input_tokens > 1024
    read = second.result.message.usage.cache_read_input_tokens
    assert read == first.result.message.usage.cache_creation_input_tokens


def test_a_request_that_fails_is_an_errored_result(client: anthropic.Anthropic, sim: Simulator) -> None:
    def answers(request: SimRequest) -> Turn:
        return ErrorReply(529, "Overloaded") if request.messages[-1].text == "no" else reply("fine")

    sim.behaviour = Function(answers)
    batch = client.messages.batches.create(requests=[item("a"), item("b", "no"), item("c", temperature=9)])
    good, busy, bad = client.messages.batches.results(batch.id)
    assert good.result.type == "succeeded"
    assert busy.result.type == "errored"
    assert (busy.result.error.error.type, busy.result.error.error.message) == (
        "overloaded_error",
        "Overloaded",
    )
    assert bad.result.type == "errored"
    assert bad.result.error.error.type == "invalid_request_error"
    counts = client.messages.batches.retrieve(batch.id).request_counts
    assert (counts.succeeded, counts.errored, counts.processing) == (1, 2, 0)


def test_what_is_not_answered_in_a_day_expires(client: anthropic.Anthropic, sim: Simulator) -> None:
    sim.batches.pace = BatchPace(request_s=50_000)
    batch = client.messages.batches.create(requests=[item("a"), item("b")])
    sim.advance("25h")
    results = client.messages.batches.results(batch.id)
    assert [(each.custom_id, each.result.type) for each in results] == [("a", "succeeded"), ("b", "expired")]
    assert client.messages.batches.retrieve(batch.id).request_counts.expired == 1


def test_a_cancelled_batch_keeps_what_was_answered(client: anthropic.Anthropic, sim: Simulator) -> None:
    sim.batches.pace = BatchPace(request_s=10, cancelling_s=30)
    batch = client.messages.batches.create(requests=[item("a"), item("b")])
    sim.advance(15)
    batch = client.messages.batches.cancel(batch.id)
    assert batch.processing_status == "canceling"
    assert batch.cancel_initiated_at is not None
    with pytest.raises(anthropic.BadRequestError, match="still being processed"):
        client.messages.batches.delete(batch.id)
    sim.advance(30)
    results = client.messages.batches.results(batch.id)
    assert [(each.custom_id, each.result.type) for each in results] == [("a", "succeeded"), ("b", "canceled")]
    with pytest.raises(anthropic.BadRequestError, match="already ended"):
        client.messages.batches.cancel(batch.id)


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ([], "between 1 and 100000"),
        ([item("a"), item("a")], "must be unique"),
        ([item("a b")], "requests.0.custom_id: String should match pattern"),
        ([item("x" * 65)], "requests.0.custom_id: String should match pattern"),
        ([item("a"), {"custom_id": "b"}], "requests.1.params: Field required"),
        ([{"params": {}}], "requests.0.custom_id: Field required"),
        ([item("a", stream=True)], "requests.0.params.stream"),
        ([item("a", max_tokens=0)], "requests.0.params.max_tokens"),
        ("no list", "Input should be a valid array"),
    ],
)
def test_a_batch_that_is_asked_for_wrongly_is_refused(
    client: anthropic.Anthropic, requests: Any, message: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=message):
        client.messages.batches.create(requests=requests)


def test_what_is_not_there_is_404(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="msgbatch_x not found"):
        client.messages.batches.retrieve("msgbatch_x")


def test_lists_are_paged_the_newest_first_in_both_directions(client: anthropic.Anthropic) -> None:
    ids = [client.messages.batches.create(requests=[item("a")]).id for _ in range(5)]
    assert [batch.id for batch in client.messages.batches.list(limit=2)] == ids[::-1]
    newer = client.messages.batches.list(limit=2, before_id=ids[1])
    assert [batch.id for batch in newer.data] == [ids[3], ids[2]]
    assert newer.has_more
    with pytest.raises(anthropic.BadRequestError, match="between 1 and 1000"):
        client.messages.batches.list(limit=1001)


def test_a_batch_that_is_over_can_be_deleted(client: anthropic.Anthropic) -> None:
    batch = client.messages.batches.create(requests=[item("a")])
    assert client.messages.batches.delete(batch.id).type == "message_batch_deleted"
    assert list(client.messages.batches.list()) == []
