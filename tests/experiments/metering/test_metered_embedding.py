"""Embedding requests out of a sweep's budget."""

from __future__ import annotations

import pytest

from agentlab.errors import BudgetSpent, ConnectionFailed, RateLimited, SweepStopped, UsageError
from agentlab.experiments.metering import Budget, StopSignal
from agentlab.experiments.metering.metered_embedding import MeteredEmbedding
from agentlab.http import HttpClient, ManualClock, Retry
from agentlab.retrieval.embeddings import RemoteEmbeddingModel, embedding_model
from tests.experiments.scoring.test_similarity import Charging
from tests.retrieval.json_server import Asked, Reply, json_server

pytestmark = pytest.mark.anyio

PRICE = 2e-8
"""Of one token of text-embedding-3-small, in US dollars."""


def answered(asked: Asked) -> object:
    return {
        "data": [{"index": place, "embedding": [1.0, 0.0]} for place in range(len(asked.body["input"]))],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }


def at(url: str, name: str = "openai:text-embedding-3-small") -> RemoteEmbeddingModel:
    return embedding_model(
        name,
        base_url=url,
        api_key="k",
        dimensions=2,
        http=HttpClient(),
        retry=Retry(attempts=1),
        clock=ManualClock(),
    )


async def test_a_request_is_booked_at_what_it_cost() -> None:
    async with json_server(answered) as server:
        budget = Budget(1.0)
        model = MeteredEmbedding(at(server.url), budget, stop=StopSignal())
        response = await model.embed(["hello", "you"])
        assert response.cost_usd == pytest.approx(4 * PRICE)
        assert budget.spent_usd == pytest.approx(4 * PRICE)
        assert (budget.in_flight, budget.reserved_usd) == (0, 0)
        assert (model.name, model.max_documents) == ("openai:text-embedding-3-small", 2048)


async def test_a_request_that_might_cost_more_than_is_left_is_not_sent() -> None:
    async with json_server(answered) as server:
        model = MeteredEmbedding(at(server.url), Budget(100 * PRICE), stop=StopSignal())
        await model.embed(["x" * 90])
        with pytest.raises(BudgetSpent):
            await model.embed(["x" * 99])
        assert len(server.asked) == 1


async def test_a_refusal_is_free_and_a_broken_connection_is_booked_in_full() -> None:
    async with json_server(
        lambda _: Reply({"error": {"message": "Slow."}}, "429 Too Many Requests")
    ) as server:
        budget = Budget(1.0)
        with pytest.raises(RateLimited):
            await MeteredEmbedding(at(server.url), budget, stop=StopSignal()).embed(["hello"])
        assert budget.spent_usd == 0
    with pytest.raises(ConnectionFailed):
        await MeteredEmbedding(at("http://127.0.0.1:9"), budget, stop=StopSignal()).embed(["hello"])
    assert budget.spent_usd == pytest.approx(5 * PRICE)
    with pytest.raises(UsageError):
        await MeteredEmbedding(at("http://127.0.0.1:9"), budget, stop=StopSignal()).embed([""])
    assert (budget.spent_usd, budget.in_flight) == (pytest.approx(5 * PRICE), 0)


async def test_nothing_is_sent_once_the_sweep_is_stopped() -> None:
    stop = StopSignal()
    stop.set("enough")
    with pytest.raises(SweepStopped):
        await MeteredEmbedding(Charging(), None, stop=stop).embed(["a"])


async def test_a_model_of_this_process_needs_no_price() -> None:
    budget = Budget(1.0)
    response = await MeteredEmbedding(Charging(0.25), budget, stop=StopSignal()).embed(["a"])
    assert (response.cost_usd, budget.spent_usd) == (0.25, 0.25)


async def test_a_model_without_a_price_is_refused_unless_that_is_allowed() -> None:
    model = at("http://127.0.0.1:9", "openai:my-own")
    with pytest.raises(UsageError, match="no price for it"):
        MeteredEmbedding(model, Budget(1.0), stop=StopSignal())
    MeteredEmbedding(model, Budget(1.0), stop=StopSignal(), allow_unpriced=True)
    MeteredEmbedding(model, None, stop=StopSignal())
