"""Rerankers: recorded answers, requests as their SDKs sent them, and answers that do not fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlab.errors import ProtocolError, ServerError, UsageError
from agentlab.http import ManualClock, Retry
from agentlab.retrieval.reranking import RemoteReranker, Reranker, reranker
from agentlab.retrieval.reranking.remote import decode, encode
from agentlab.retrieval.vendors import reranking_row
from tests.retrieval.json_server import Asked, Reply, json_server
from tests.retrieval.recorded import some_exchanges

pytestmark = pytest.mark.anyio

DOCUMENTS = ["hi", "it is a bear", "The giant panda is a bear species endemic to China."]


def reranker_at(url: str, name: str = "llamacpp:bge", **options: Any) -> RemoteReranker:
    return reranker(
        name, api_key="sk-test-0123456789abcdef", base_url=url, clock=ManualClock(), seed=1, **options
    )


def test_recorded_answers_are_decoded_best_first() -> None:
    decoded = 0
    for record in some_exchanges("rerank", "cohere-rerank"):
        if record["status"] != 200:
            continue
        row = reranking_row(record["provider"])
        body = record["request_json"]
        limit = body.get(row.limit_field)
        if limit == 0:
            continue
        documents = [each if isinstance(each, str) else each["text"] for each in body["documents"]]
        results, usage, _ = decode(record["response_body"].encode(), documents, limit, row)
        raw = json.loads(record["response_body"])[row.results_field]
        assert {(each.index, each.score) for each in results} == {
            (each["index"], each["relevance_score"]) for each in raw
        }
        assert [each.score for each in results] == sorted((each.score for each in results), reverse=True)
        assert all(each.document == documents[each.index] for each in results)
        assert len(results) == min(limit or len(documents), len(documents))
        if record["provider"] != "cohere":
            assert usage.input_tokens
        decoded += 1
    assert decoded >= 7


def test_our_requests_are_those_that_were_recorded() -> None:
    for record in some_exchanges("rerank", "cohere-rerank"):
        if record["path"] != "/v1/rerank" or record["provider"] != "cohere":  # not of the older version
            row = reranking_row(record["provider"])
            body = record["request_json"]
            made = encode(body["model"], body["query"], body["documents"], body.get(row.limit_field), row)
            assert made == {key: value for key, value in body.items() if key != "truncation"}  # on by default


def answer(asked: Asked) -> dict[str, Any]:
    """Longer documents fit better; results come in the order of the documents, all of them."""
    results = [{"index": n, "relevance_score": len(text)} for n, text in enumerate(asked.body["documents"])]
    return {"model": "bge", "results": results, "data": results, "usage": {"total_tokens": 9}}


@pytest.mark.parametrize(
    ("name", "path", "limit"),
    [
        ("llamacpp:bge", "/rerank", "top_n"),
        ("cohere:rerank-v4.0-pro", "/v2/rerank", "top_n"),
        ("voyage:rerank-2.5", "/rerank", "top_k"),
    ],
)
async def test_a_vendor_is_asked_in_its_own_words(name: str, path: str, limit: str) -> None:
    async with json_server(answer) as server:
        model = reranker_at(server.url, name)
        response = await model.rerank("What is a panda?", DOCUMENTS, 2)
    assert isinstance(model, Reranker)
    assert [each.index for each in response.results] == [2, 1]
    assert response.results[0].document == DOCUMENTS[2]
    assert response.usage.input_tokens == 9
    assert server.asked[0].path == path
    assert server.asked[0].body[limit] == 2


async def test_all_documents_come_back_where_no_number_is_given() -> None:
    async with json_server(answer) as server:
        response = await reranker_at(server.url).rerank("q", [*DOCUMENTS, "hi"])
    assert [each.index for each in response.results] == [2, 1, 0, 3], "equal scores in the order given"
    assert "top_n" not in server.asked[0].body


async def test_no_documents_need_no_request() -> None:
    assert (await reranker_at("http://127.0.0.1:1").rerank("q", [])).results == ()


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([{"index": 0, "relevance_score": 1}], "2 results were asked for, and the answer holds 1"),
        ([{"index": 0, "relevance_score": 1}] * 2, "do not name documents once"),
        (
            [{"index": 0, "relevance_score": 1}, {"index": 9, "relevance_score": 1}],
            "do not name documents once",
        ),
        (
            [{"index": 0, "relevance_score": 1}, {"index": -1, "relevance_score": 1}],
            "do not name documents once",
        ),
        (
            [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": None}],
            "not what the wire allows",
        ),
        ("no list", "not what the wire allows"),
        (None, "not what the wire allows"),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(results: Any, said: str) -> None:
    async with json_server(lambda _: {"results": results}) as server:
        with pytest.raises(ProtocolError, match=f"llamacpp:bge: .*{said}"):
            await reranker_at(server.url).rerank("q", DOCUMENTS, 2)


async def test_a_server_that_cannot_rerank_says_so() -> None:
    body = {
        "error": {"code": 501, "message": "This server does not support reranking.", "type": "not_supported"}
    }
    async with json_server(lambda _: Reply(body, "501 Not Implemented")) as server:
        with pytest.raises(
            ServerError, match="llamacpp:bge: HTTP 501: This server does not support reranking"
        ):
            await reranker_at(server.url, retry=Retry(attempts=1)).rerank("q", DOCUMENTS)


async def test_wrong_calls_are_refused_before_anything_is_sent() -> None:
    model = reranker_at("http://127.0.0.1:1", "voyage:rerank-2.5")
    text: Any = "text"
    for query, documents, n, said in (
        ("", DOCUMENTS, 1, "the query .* is empty"),
        ("q", ["a", ""], 1, "document 1"),
        ("q", DOCUMENTS, 0, "`n` is 1 or more"),
        ("q", text, 1, "not one text"),
        ("q", ["a"] * 1001, 1, "1000 documents at a time, not 1001"),
    ):
        with pytest.raises(UsageError, match=said):
            await model.rerank(query, documents, n)
    with pytest.raises(UsageError, match="no vendor `openai` has rerankers"):
        reranker("openai:x")
