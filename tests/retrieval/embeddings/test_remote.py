"""Embedding models over a real connection: requests, retries, errors, prices, keys."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from agentlab.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ContextTooLong,
    MissingKey,
    NotFound,
    ProtocolError,
    RateLimited,
    ServerError,
    UnsupportedCapability,
    UsageError,
)
from agentlab.http import ManualClock, Retry
from agentlab.messages import Image
from agentlab.retrieval.embeddings import (
    EmbeddingModel,
    EmbeddingsBuilder,
    ImageEmbeddingModel,
    embedding_model,
)
from agentlab.retrieval.embeddings.remote import RemoteEmbeddingModel
from agentlab.retrieval.index import EmbedsQueries
from tests.http.loopback import unused_port
from tests.retrieval.json_server import Asked, Reply, json_server

pytestmark = pytest.mark.anyio

KEY = "sk-test-0123456789abcdef"
PNG = b"\x89PNG not really"


def model_at(url: str, name: str = "openai:text-embedding-3-small", **options: Any) -> RemoteEmbeddingModel:
    options.setdefault("clock", ManualClock())
    return embedding_model(name, api_key=KEY, base_url=url, seed=1, **options)


def openai_answer(asked: Asked, width: int = 1536) -> dict[str, Any]:
    """Vectors whose first number is the text's length, in reverse order."""
    rows = [np.array([len(text), *[0.5] * (width - 1)], "<f4") for text in asked.body["input"]]
    data = [
        {"object": "embedding", "index": place, "embedding": base64.b64encode(row.tobytes()).decode()}
        for place, row in enumerate(rows)
    ]
    usage = {"prompt_tokens": 5 * len(rows), "total_tokens": 5 * len(rows)}
    return {"object": "list", "data": data[::-1], "model": asked.body["model"], "usage": usage}


async def test_texts_go_in_one_request_and_come_back_in_order_with_their_price() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(openai_answer(asked), headers=("x-request-id: r-1",))

    async with json_server(answer) as server:
        model = model_at(server.url)
        response = await model.embed(["a", "bbb", "cc"])
        query = await model.embed_query("four")
    assert [each.document for each in response.embeddings] == ["a", "bbb", "cc"]
    assert response.vectors[:, 0].tolist() == [1, 3, 2]
    assert response.vectors.dtype == np.float32
    assert (response.usage.input_tokens, response.request_id, response.attempts) == (15, "r-1", 1)
    assert response.cost_usd == pytest.approx(15 * 0.02e-6)
    assert query.shape == (1536,)
    first = server.asked[0]
    assert first.path == "/embeddings"
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.body == {
        "model": "text-embedding-3-small",
        "input": ["a", "bbb", "cc"],
        "encoding_format": "base64",
    }


async def test_it_is_an_embedding_model_for_texts_queries_and_images() -> None:
    model = model_at("http://127.0.0.1:1", "cohere:embed-v4.0")
    assert isinstance(model, EmbeddingModel)
    assert isinstance(model, EmbedsQueries)
    assert isinstance(model, ImageEmbeddingModel)
    assert (model.name, model.dimensions, model.max_documents) == ("cohere:embed-v4.0", 1536, 96)
    assert KEY not in repr(model) + repr(vars(model))


async def test_a_busy_server_is_asked_again_when_it_says() -> None:
    replies = iter(
        [
            Reply({"error": {"message": "slow down"}}, "429 Too Many Requests", ("retry-after: 7",)),
            Reply({"error": {"message": "oops"}}, "500 Internal Server Error"),
        ]
    )
    clock = ManualClock()
    async with json_server(lambda asked: next(replies, None) or openai_answer(asked)) as server:
        response = await model_at(server.url, clock=clock).embed(["a"])
    assert response.attempts == 3
    assert clock.slept[0] >= 7


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (
            "401 Unauthorized",
            {"error": {"message": f"Incorrect API key provided: {KEY}"}},
            AuthenticationFailed,
            "HTTP 401",
        ),
        ("404 Not Found", {"message": "model 'x' not found"}, NotFound, "model 'x' not found"),
        (
            "400 Bad Request",
            {"error": {"message": "maximum context length is 8192"}},
            ContextTooLong,
            "maximum context",
        ),
        ("429 Too Many Requests", {"detail": "too many"}, RateLimited, "too many"),
        ("503 Service Unavailable", {"error": "loading the model"}, ServerError, "loading the model"),
        ("502 Bad Gateway", b"<html>bad gateway</html>", ServerError, "bad gateway"),
        (
            "400 Bad Request",
            {"error": {"message": "API key not valid", "details": [{"reason": "API_KEY_INVALID"}]}},
            AuthenticationFailed,
            "API key not valid",
        ),
    ],
)
async def test_errors_are_told_with_the_models_name_and_without_the_key(
    status: str, body: Any, error: type[Exception], said: str
) -> None:
    async with json_server(lambda _: Reply(body, status, ("x-request-id: r-9",))) as server:
        with pytest.raises(error) as caught:
            await model_at(server.url, retry=Retry(attempts=2)).embed(["a"])
    failure: Any = caught.value
    assert said in str(failure)
    assert str(failure).startswith("openai:text-embedding-3-small: ")
    assert KEY not in str(failure) + str(failure.body)
    assert failure.request_id == "r-9"
    assert failure.attempts == (2 if failure.status in {429, 500, 502, 503} else 1)


async def test_no_frame_of_an_errors_traceback_holds_what_the_provider_sent() -> None:
    body = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    async with json_server(lambda _: Reply(body, "401 Unauthorized")) as server:
        try:
            await model_at(server.url).embed(["a"])
        except AuthenticationFailed as error:
            failure: BaseException = error
    assert failure.__context__ is None
    frame = failure.__traceback__
    while frame is not None:
        if "tests" not in frame.tb_frame.f_code.co_filename:
            assert KEY not in repr(frame.tb_frame.f_locals)
        frame = frame.tb_next


async def test_a_large_answer_is_decoded_too() -> None:
    async with json_server(lambda asked: openai_answer(asked, 1536)) as server:
        response = await model_at(server.url).embed([f"{n:>300}" for n in range(200)])
    assert response.vectors.shape == (200, 1536)


async def test_no_server_is_a_connection_that_failed_after_all_attempts() -> None:
    with pytest.raises(ConnectionFailed) as caught:
        await model_at(f"http://127.0.0.1:{unused_port()}", retry=Retry(attempts=3)).embed(["a"])
    assert caught.value.attempts == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda body: body["data"].pop(),
            "2 inputs were sent, and the answer holds 1 vectors|do not name each",
        ),
        (lambda body: body["data"].append(dict(body["data"][0], index=2)), "holds 3 vectors"),
        (lambda body: body["data"][0].update(index=0), "do not name each text once"),
        (lambda body: body["data"][0].update(embedding="AAAA"), "not base64 of float32"),
        (lambda body: body["data"][0].update(embedding="?"), "not base64"),
        (lambda body: body["data"][0].update(embedding=[1.0, 2.0]), "different widths"),
        (
            lambda body: [each.update(embedding=[1.0, 2.0]) for each in body["data"]],
            "1536 dimensions were expected",
        ),
        (lambda body: body["data"][0].update(embedding=[1e99] * 1536), "NaN or infinity"),
        (lambda body: body.pop("data"), "not what the wire allows"),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(change: Any, said: str) -> None:
    def answer(asked: Asked) -> Any:
        body = openai_answer(asked)
        change(body)
        return body

    async with json_server(answer) as server:
        with pytest.raises(ProtocolError, match=said):
            await model_at(server.url).embed(["a", "b"])


@pytest.mark.parametrize("garbage", [b"", b"[]", b"{}", b"null", b"\xff\xfe", b'{"data": 3}', b"not json"])
@pytest.mark.parametrize("vendor", ["openai", "gemini", "cohere", "ollama"])
async def test_garbage_is_a_protocol_error_on_every_wire(vendor: str, garbage: bytes) -> None:
    async with json_server(lambda _: garbage) as server:
        with pytest.raises(ProtocolError, match=f"{vendor}:m"):
            await model_at(server.url, f"{vendor}:m").embed(["a"])


async def test_the_width_is_learned_from_the_first_answer_and_held_to() -> None:
    widths = iter([8, 8, 9])
    async with json_server(lambda asked: openai_answer(asked, next(widths))) as server:
        model = model_at(server.url, "local-openai:mine")
        assert model.dimensions is None
        await model.embed(["a"])
        assert model.dimensions == 8
        await model.embed(["b"])
        with pytest.raises(ProtocolError, match="8 dimensions were expected, and the answer's have 9"):
            await model.embed(["c"])


async def test_fewer_dimensions_are_asked_for_by_the_vendors_name_for_them() -> None:
    async with json_server(lambda asked: openai_answer(asked, 64)) as server:
        for name in ("openai:text-embedding-3-small", "mistral:codestral-embed", "voyage:voyage-3.5"):
            model = model_at(server.url, name, dimensions=64)
            assert model.dimensions == 64
            await model.embed(["a"])
    assert [asked.body.get("dimensions", asked.body.get("output_dimension")) for asked in server.asked] == [
        64
    ] * 3
    assert "output_dimension" in server.asked[1].body
    with pytest.raises(UnsupportedCapability, match="does not take `dimensions`"):
        model_at(server.url, "together:m", dimensions=64)
    with pytest.raises(UsageError, match="1 dimension or more"):
        model_at(server.url, dimensions=0)


async def test_a_vendor_that_tells_queries_from_documents_is_told() -> None:
    async with json_server(lambda asked: openai_answer(asked, 1024)) as server:
        model = model_at(server.url, "voyage:voyage-4")
        await model.embed(["a"])
        await model.embed_query("b")
    assert [asked.body["input_type"] for asked in server.asked] == ["document", "query"]
    assert server.asked[0].body["truncation"] is False


async def test_what_stands_before_a_text_is_not_part_of_the_document() -> None:
    prefixes: Any = {"query": "search_query: ", "document": "search_document: "}
    async with json_server(
        lambda asked: {"embeddings": [[1.0, 2.0]] * len(asked.body["input"]), "prompt_eval_count": 4}
    ) as server:
        model = model_at(server.url, "ollama:nomic-embed-text", prefixes=prefixes)
        response = await model.embed(["a"])
        await model.embed_query("b")
    assert [asked.body["input"] for asked in server.asked] == [["search_document: a"], ["search_query: b"]]
    assert response.embeddings[0].document == "a"
    assert response.usage.input_tokens == 4
    assert response.cost_usd is None, "a machine of your own has no price"


async def test_gemini_2_gets_its_task_before_the_text_and_gemini_1_as_a_field() -> None:
    async with json_server(
        lambda asked: {"embeddings": [{"values": [0.5] * 3072}] * len(asked.body["requests"])}
    ) as server:
        await model_at(server.url, "gemini:gemini-embedding-2").embed_query("q")
        await model_at(server.url, "gemini:gemini-embedding-001").embed_query("q")
    new, old = (asked.body["requests"][0] for asked in server.asked)
    assert new["content"]["parts"] == [{"text": "task: search result | query: q"}]
    assert "taskType" not in new
    assert (old["content"]["parts"], old["taskType"]) == ([{"text": "q"}], "RETRIEVAL_QUERY")
    assert server.asked[0].headers["x-goog-api-key"] == KEY


async def test_images_go_in_as_many_requests_as_the_vendor_needs() -> None:
    async with json_server(
        lambda asked: {
            "embeddings": {"float": [[float(len(server.asked)), 1.0]]},
            "meta": {"billed_units": {"images": 1}},
        }
    ) as server:
        model = model_at(server.url, "cohere:embed-v4.0-mine")
        response = await model.embed_images([Image.from_bytes(PNG), Image.from_bytes(PNG, "image/jpeg")])
    assert [each.document for each in response.embeddings] == ["image 0", "image 1"]
    assert response.vectors.tolist() == [[1, 1], [2, 1]]
    assert response.attempts == 2
    assert server.asked[1].body["images"] == ["data:image/jpeg;base64," + base64.b64encode(PNG).decode()]
    assert server.asked[1].body["input_type"] == "image"


async def test_images_that_cannot_be_sent_are_refused_before_anything_is() -> None:
    model = model_at("http://127.0.0.1:1", "cohere:embed-v4.0")
    with pytest.raises(UnsupportedCapability, match="image 1 is not given as bytes"):
        await model.embed_images([Image.from_bytes(PNG), Image.from_url("https://example.org/a.png")])
    with pytest.raises(UnsupportedCapability, match="does not embed images"):
        await model_at("http://127.0.0.1:1").embed_images([Image.from_bytes(PNG)])


async def test_wrong_calls_are_refused_before_anything_is_sent() -> None:
    model = model_at("http://127.0.0.1:1", "cohere:embed-v4.0")
    one_text: Any = "one text"
    number: Any = [3]
    for texts, said in (
        ([], "nothing to embed"),
        (["a", ""], "text 1 .* is empty"),
        (["a"] * 97, "takes 96 texts in a request, not 97"),
        (one_text, r"write `\[text\]`"),
        (number, "is no text but int"),
        (["\ud800"], "lone surrogate"),
    ):
        with pytest.raises(UsageError, match=said):
            await model.embed(texts)


async def test_names_that_lead_nowhere_say_what_is_near() -> None:
    with pytest.raises(UsageError, match="did you mean `mistral`"):
        embedding_model("mistrel:x")
    with pytest.raises(UsageError, match="no vendor `anthropic`"):
        embedding_model("anthropic:x")
    with pytest.raises(UsageError, match="vendor:model"):
        embedding_model("text-embedding-3-small")
    with pytest.raises(UsageError, match="1 text or more"):
        embedding_model("ollama:x", max_documents=0)


async def test_a_key_is_needed_where_the_vendor_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COHERE_API_KEY", raising=False)
    monkeypatch.delenv("CO_API_KEY", raising=False)
    with pytest.raises(MissingKey, match="COHERE_API_KEY"):
        embedding_model("cohere:embed-v4.0")
    assert embedding_model("ollama:embeddinggemma").name == "ollama:embeddinggemma"


async def test_many_documents_are_sent_within_the_vendors_limits() -> None:
    async with json_server(openai_answer) as server:
        model = model_at(server.url, max_documents=5)
        texts = [f"text {n}" for n in range(23)]
        built = await EmbeddingsBuilder[str](model, concurrency=3).documents(texts).build()
    assert [document for document, _ in built] == texts
    assert sorted(len(asked.body["input"]) for asked in server.asked) == [3, 5, 5, 5, 5]
    assert built.usage.input_tokens == 23 * 5
    assert built.cost_usd == pytest.approx(23 * 5 * 0.02e-6)


async def test_a_limit_of_tokens_cuts_requests_too() -> None:
    async with json_server(openai_answer) as server:
        texts = ["x" * 250_000] * 5  # 600,000 bytes fit into a request
        await EmbeddingsBuilder[str](model_at(server.url)).documents(texts).build()
    assert [len(asked.body["input"]) for asked in server.asked] == [2, 2, 1]
