"""What the official SDKs send is what we send."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentlab.retrieval.embeddings import embedding_model
from tests.retrieval.json_server import Asked, json_server

pytestmark = pytest.mark.anyio

TEXTS = ["the first text", "ein zweiter, größer"]


def answer(asked: Asked) -> Any:
    if asked.path == "/api/embed":
        return {"model": "m", "embeddings": [[0.5, 0.25]] * 2}
    if asked.path.endswith(":batchEmbedContents"):
        return {"embeddings": [{"values": [0.5, 0.25]}] * 2}
    return {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": n, "embedding": "AAAAPwAAgD4="} for n in range(2)],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


async def test_openai() -> None:
    import openai  # noqa: PLC0415 - heavy

    async with json_server(answer) as server:
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url, max_retries=0) as client:
            theirs = await client.embeddings.create(model="text-embedding-3-small", input=TEXTS, dimensions=2)
        ours = await embedding_model(
            "openai:text-embedding-3-small", dimensions=2, api_key="k", base_url=server.url
        ).embed(TEXTS)
    sdk, mine = server.asked
    assert (mine.path, mine.body) == (sdk.path, sdk.body)
    assert mine.headers["authorization"] == sdk.headers["authorization"]
    assert ours.vectors.tolist() == [each.embedding for each in theirs.data]


async def test_gemini() -> None:
    from google import genai  # noqa: PLC0415 - heavy
    from google.genai import types  # noqa: PLC0415 - heavy

    async with json_server(answer) as server:
        options = types.HttpOptions(base_url=server.url, api_version="v1beta")
        client = genai.Client(api_key="k", vertexai=False, http_options=options)
        config = types.EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT", output_dimensionality=2)
        theirs = await asyncio.to_thread(
            client.models.embed_content,
            model="gemini-embedding-001",
            contents=list[Any](TEXTS),
            config=config,
        )
        client.close()
        model = embedding_model(
            "gemini:gemini-embedding-001", dimensions=2, api_key="k", base_url=f"{server.url}/v1beta"
        )
        ours = await model.embed(TEXTS)
    sdk, mine = server.asked
    assert mine.path == sdk.path
    assert plain(mine.body) == plain(sdk.body)
    assert mine.headers["x-goog-api-key"] == sdk.headers["x-goog-api-key"]
    assert ours.vectors.tolist() == [each.values for each in theirs.embeddings or []]


def plain(body: dict[str, Any]) -> list[Any]:
    """The requests without the role, which the SDK sets and the API ignores."""
    return [
        {**{key: value for key, value in each.items() if key != "content"}, "parts": each["content"]["parts"]}
        for each in body["requests"]
    ]


async def test_ollama() -> None:
    import ollama  # noqa: PLC0415 - heavy

    async with json_server(answer) as server:
        client = ollama.AsyncClient(host=server.url)
        theirs = await client.embed(model="embeddinggemma", input=TEXTS, truncate=False, dimensions=2)
        await client._client.aclose()
        ours = await embedding_model("ollama:embeddinggemma", dimensions=2, base_url=server.url).embed(TEXTS)
    sdk, mine = server.asked
    assert mine.path == sdk.path
    assert mine.body == {key: value for key, value in sdk.body.items() if value not in (None, {})}
    assert ours.vectors.tolist() == [list(each) for each in theirs.embeddings]
