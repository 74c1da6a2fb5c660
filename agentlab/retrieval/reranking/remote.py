"""Rerankers behind a network: one wire, which Cohere, Voyage, llama.cpp and others speak with other field names.

Sources: https://docs.cohere.com/reference/rerank, https://docs.voyageai.com/reference/reranker-api,
https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from msgspec import Struct

from agentlab.errors import ProtocolError, UsageError
from agentlab.http import Clock, HttpClient, Retry, Secret
from agentlab.messages import Usage
from agentlab.models.endpoint import Endpoint
from agentlab.models.vendors import split_name
from agentlab.retrieval.reranking.reranker import Reranked, Reranker, RerankResponse
from agentlab.retrieval.vendors import RerankingRow, address_of, reranking_row

__all__ = ["RemoteReranker", "decode", "encode", "reranker"]


class _Result(Struct, frozen=True):
    index: int
    relevance_score: float


def encode(
    model: str, query: str, documents: Sequence[str], n: int | None, row: RerankingRow
) -> dict[str, Any]:
    """The body of a request."""
    body: dict[str, Any] = {"model": model, "query": query, "documents": list(documents), **row.body}
    if n is not None:
        body[row.limit_field] = n
    return body


def decode(
    body: bytes, documents: Sequence[str], n: int | None, row: RerankingRow
) -> tuple[tuple[Reranked, ...], Usage, str | None]:
    """The results of a response, the best first, its usage, and the model that answered.

    Raises:
        ProtocolError: It is not what the wire allows, or does not fit the documents.
    """
    try:
        payload = msgspec.json.decode(body, type=dict[str, Any])
        results = msgspec.convert(payload.get(row.results_field), list[_Result], strict=False)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ProtocolError(f"the answer is not what the wire allows: {error}") from None
    places = {result.index for result in results}
    if len(places) < len(results) or not places <= set(range(len(documents))):
        raise ProtocolError(
            f"the answer's indices do not name documents once each: {[result.index for result in results][:20]}"
        )
    wanted = len(documents) if n is None else min(n, len(documents))
    if len(results) < wanted:
        raise ProtocolError(f"{wanted} results were asked for, and the answer holds {len(results)}")
    if not all(math.isfinite(result.relevance_score) for result in results):
        raise ProtocolError("the answer holds scores that are no numbers")
    ordered = sorted(results, key=lambda result: (-result.relevance_score, result.index))[:wanted]
    ranked = tuple(Reranked(each.index, each.relevance_score, documents[each.index]) for each in ordered)
    model = payload.get("model")
    return ranked, _usage(payload), model if isinstance(model, str) else None


def _usage(payload: dict[str, Any]) -> Usage:
    meta = payload.get("meta")
    raw = payload.get("usage") or (meta.get("billed_units") if isinstance(meta, dict) else None)
    if not isinstance(raw, dict):
        return Usage()
    tokens = raw.get("prompt_tokens", raw.get("total_tokens", raw.get("input_tokens")))
    return Usage(input_tokens=tokens if isinstance(tokens, int) else None, raw=raw)


class RemoteReranker(Reranker):
    """A reranker reached over HTTP; made by `reranker`.

    Args:
        endpoint: Where it is.
        row: How its vendor reranks.
    """

    def __init__(self, endpoint: Endpoint, row: RerankingRow) -> None:
        self._endpoint = endpoint
        self._row = row

    def __repr__(self) -> str:
        return f"RemoteReranker({self.name!r})"

    @property
    def name(self) -> str:
        """Its name, `"vendor:model"`."""
        return self._endpoint.name

    @property
    def max_documents(self) -> int:
        """Most documents in one request."""
        return self._row.max_documents

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keep connections open between requests."""
        return self._endpoint.session()

    async def rerank(self, query: str, documents: Sequence[str], n: int | None = None) -> RerankResponse:
        """Order documents by how well they answer a query; without documents nothing is sent.

        Args:
            query: The question.
            documents: Texts, at most `max_documents` of them, none empty.
            n: How many to give back; all where None.

        Raises:
            UsageError: The query or a document is empty, or there are too many; nothing was sent.
            ModelError: The request failed, after retries.
            ProtocolError: The answer does not fit the documents.
        """
        listed = self._checked(query, documents, n)
        if not listed:
            return RerankResponse(())
        answer = await self._endpoint.post(
            self._row.path, encode(self._endpoint.model_id, query, listed, n, self._row)
        )
        try:
            results, usage, model = decode(answer.body, listed, n, self._row)
        except ProtocolError as error:
            raise self._endpoint.found_in(answer, error) from None
        return RerankResponse(
            results,
            usage,
            await self._endpoint.cost(usage, answer.started_at),
            model or self._endpoint.model_id,
            answer.request_id,
            answer.attempts,
        )

    def _checked(self, query: str, documents: Sequence[str], n: int | None) -> list[str]:
        if isinstance(documents, str):
            raise UsageError(f"{self.name} orders a list of texts, not one text")
        if not query.strip():
            raise UsageError(f"the query for {self.name} is empty")
        if n is not None and n < 1:
            raise UsageError(f"`n` is 1 or more, or None for all; not {n}")
        listed = list(documents)
        if len(listed) > self.max_documents:
            raise UsageError(
                f"{self.name} orders {self.max_documents} documents at a time, not {len(listed)}"
            )
        for place, document in enumerate(listed):
            given: object = document
            if not isinstance(given, str) or not given:
                raise UsageError(f"document {place} for {self.name} is empty, or no text")
        return listed


def reranker(
    name: str,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> RemoteReranker:
    """A reranker by name.

    Args:
        name: `"cohere:rerank-v4.0-pro"`, `"voyage:rerank-2.5"`, `"llamacpp:bge-reranker-v2-m3"`.
        api_key: The key; else the vendor's environment variable, else the keyring.
        base_url: Another address: a proxy, a gateway, a server of your own.
        http: A client with timeouts of your choice; one of its own where None.
        retry: When a failed request is sent again.
        clock: Time; for tests.
        seed: Seed of the retries' jitter.

    Raises:
        UsageError: The name is not of that form, or no vendor of that name reranks.
        MissingKey: The vendor needs a key and there is none.
    """
    vendor, model_id = split_name(name)
    row = reranking_row(vendor)
    endpoint = Endpoint(
        address_of(vendor),
        model_id,
        api_key=api_key,
        base_url=base_url,
        http=http,
        retry=retry,
        clock=clock,
        seed=seed,
        priced_as=row.priced_as,
    )
    return RemoteReranker(endpoint, row)
