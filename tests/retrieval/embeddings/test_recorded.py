"""Real answers of providers, decoded; real requests of their SDKs, encoded."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from agentlab.errors import BadRequest, ModelError, NotFound
from agentlab.models.endpoint import error_from
from agentlab.retrieval.embeddings.wires.cohere import COHERE
from agentlab.retrieval.embeddings.wires.gemini import GEMINI
from agentlab.retrieval.embeddings.wires.openai import OPENAI
from agentlab.retrieval.embeddings.wires.wire import Inputs, Wire
from agentlab.retrieval.vendors import EmbeddingRow, address_of, embedding_row
from tests.retrieval.recorded import some_exchanges

WIRES = {"openai-embeddings": OPENAI, "gemini-embed": GEMINI, "cohere-embed": COHERE}


def wire_and_row(record: dict[str, Any]) -> tuple[Wire, EmbeddingRow]:
    provider = {"cohere": "cohere", "gemini": "gemini"}.get(record["provider"], record["provider"])
    return WIRES[record["api"]], embedding_row(provider)


def ours(record: dict[str, Any]) -> bool:
    """Vertex has one request a text, Ollama's older path is not the one we use."""
    return record["provider"] != "vertex" and record["path"] != "/api/embeddings"


def texts_in(record: dict[str, Any]) -> int:
    body = record["request_json"]
    given = body.get("input", body.get("texts", body.get("images", body.get("requests"))))
    return 1 if isinstance(given, str) else len(given)


def plain_vectors(record: dict[str, Any]) -> np.ndarray:
    """The vectors of a recorded answer, read without any of our code."""
    body = json.loads(record["response_body"])
    if "data" in body:
        rows = [each["embedding"] for each in sorted(body["data"], key=lambda each: each["index"])]
    else:
        rows = body["embeddings"]
        rows = rows["float"] if isinstance(rows, dict) else rows
        rows = [row["values"] if isinstance(row, dict) else row for row in rows]
    kind = np.int8 if record["provider"] == "perplexity" else "<f4"
    rows = [np.frombuffer(base64.b64decode(row), kind) if isinstance(row, str) else row for row in rows]
    return np.array(rows, np.float32)


def test_every_recorded_answer_is_decoded_as_the_reference_decodes_it() -> None:
    decoded = 0
    for record in filter(ours, some_exchanges(*WIRES)):
        if record["status"] != 200:
            continue
        wire, row = wire_and_row(record)
        result = wire.decode(record["response_body"].encode(), row)
        assert np.array_equal(result.vectors, plain_vectors(record)), record["id"]
        assert len(result.vectors) == texts_in(record)
        expected = record["expected"]
        if expected and expected.get("n_vectors"):
            assert result.vectors.shape[0] == expected["n_vectors"]
            if record["provider"] != "perplexity":  # the reference counts its bytes as parts of float32
                assert [result.vectors.shape[1]] == expected["dims"]
        native = (expected or {}).get("usage_native") or {}
        told = native.get("prompt_tokens", native.get("total_tokens"))
        if record["api"] == "openai-embeddings":
            assert result.usage.input_tokens == told
        decoded += 1
    assert decoded >= 60


def test_a_reported_cost_is_kept() -> None:
    costs = {"openrouter": 0, "perplexity": 0}
    for record in filter(ours, some_exchanges(*WIRES)):
        if record["provider"] in costs and record["status"] == 200:
            wire, row = wire_and_row(record)
            usage = wire.decode(record["response_body"].encode(), row).usage
            assert usage.reported_cost_usd is not None
            assert 0 < usage.reported_cost_usd < 0.001
            costs[record["provider"]] += 1
    assert all(costs.values())


def test_every_recorded_error_says_what_the_provider_said() -> None:
    seen = set()
    for record in some_exchanges(*WIRES, "rerank"):
        if record["status"] == 200:
            continue
        error = error_from(record["status"], record["response_body"].encode())
        assert isinstance(error, ModelError)
        assert "{" not in str(error), "the sentence alone, not the JSON around it"
        assert len(str(error)) > len("HTTP 404: ")
        if record["status"] == 404:
            assert isinstance(error, NotFound)
        elif record["status"] == 400:
            assert isinstance(error, BadRequest)
        seen.add((record["provider"], record["status"]))
    assert len(seen) >= 8


def same_request(record: dict[str, Any], ignored: set[str]) -> tuple[Any, Any]:
    """What was recorded and what we encode for it, without what is None or may differ."""
    body = record["request_json"]
    wire, row = wire_and_row(record)
    inputs = Inputs(
        body["model"],
        texts=[body["input"]]
        if isinstance(body.get("input"), str)
        else body.get("input", body.get("texts", [])),
        input_type=body.get("input_type"),
        dimensions=body.get(row.dimensions_field) or body.get("output_dimension"),
    )
    made = dict(wire.encode(inputs, row).body)
    recorded = {key: value for key, value in body.items() if value is not None}
    if isinstance(recorded.get("input"), str):
        recorded["input"] = [recorded["input"]]
    for each in (made, recorded):
        for key in ignored:
            each.pop(key, None)
    return recorded, made


def test_our_requests_are_those_that_were_recorded() -> None:
    compared = 0
    for record in filter(ours, some_exchanges("openai-embeddings")):
        if "user" in record["request_json"]:
            continue
        recorded, made = same_request(record, {"encoding_format", "output_dtype", "truncation"})
        assert made == recorded, record["id"]
        compared += 1
    assert compared >= 40


def test_requests_go_where_the_recorded_ones_went() -> None:
    seen = set()
    for record in filter(ours, some_exchanges(*WIRES)):
        old = record["path"].startswith(("/openai/deployments/", "/v1/embed")) and record["provider"] in {
            "azure",
            "cohere",
        }
        if not old:
            wire, row = wire_and_row(record)
            model = record["path"].rpartition("/")[2].partition(":")[0]
            base = address_of(record["provider"]).base_url.partition("//")[2].partition("/")
            path = wire.encode(Inputs(model, texts=["x"]), row).path
            assert record["path"] == f"{base[1]}{base[2]}{path}"
            seen.add(record["provider"])
    assert len(seen) >= 12


def test_our_cohere_requests_are_those_its_sdk_sent() -> None:
    compared = 0
    for record in some_exchanges("cohere-embed"):
        if record["path"] == "/v2/embed" and record["source_repo"] == "pydantic/pydantic-ai":
            recorded, made = same_request(record, {"truncate"})
            assert made == recorded
            compared += 1
    assert compared >= 3


def test_a_cohere_image_goes_as_a_data_url() -> None:
    from agentlab.messages import Base64Source, Image  # noqa: PLC0415 - only here

    record = next(each for each in some_exchanges("cohere-embed") if each["request_json"].get("images"))
    media_type, _, data = record["request_json"]["images"][0].removeprefix("data:").partition(";base64,")
    inputs = Inputs(record["request_json"]["model"], images=[Image(Base64Source(data), media_type)])
    assert dict(COHERE.encode(inputs, embedding_row("cohere")).body) == record["request_json"]


@pytest.mark.parametrize("repo", ["pydantic/pydantic-ai", "crmne/ruby_llm"])
def test_our_gemini_requests_are_those_that_were_recorded(repo: str) -> None:
    compared = 0
    for record in some_exchanges("gemini-embed"):
        if record["source_repo"] != repo or not record["path"].endswith(":batchEmbedContents"):
            continue
        requests = record["request_json"]["requests"]
        if any(len(each["content"]["parts"]) > 1 for each in requests) or "inline_data" in json.dumps(
            requests
        ):
            continue
        first = requests[0]
        inputs = Inputs(
            first["model"].removeprefix("models/"),
            texts=[each["content"]["parts"][0]["text"] for each in requests],
            input_type=first.get("taskType"),
            dimensions=first.get("outputDimensionality"),
        )
        encoded = GEMINI.encode(inputs, embedding_row("gemini"))
        assert encoded.body == record["request_json"]
        assert record["path"].endswith(encoded.path)
        compared += 1
    assert compared
