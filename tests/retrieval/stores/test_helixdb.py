"""What is special to HelixDB: the engine behind HTTP, and what is sent to it and refused.

The server here is the real engine with HelixDB's HTTP contract before it; that the store keeps the common promises is in
the contract suite, which runs on the engine itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agentlab.errors import StoreUnusable, UsageError
from agentlab.retrieval.filters import F
from agentlab.retrieval.index import EmbeddedDocument
from agentlab.retrieval.stores.helixdb import HelixVectorStore
from agentlab.retrieval.stores.helixdb_source import EmbeddedHelix
from tests.retrieval.stores.loopback import Loopback

pytestmark = pytest.mark.anyio

DOCUMENTS = [
    EmbeddedDocument("east", "sunrise", [1.0, 0.0], {"year": 2001, "lang": "it's"}),
    EmbeddedDocument("north", "pole", [[0.0, 1.0], [0.0, -1.0]], {"year": 2010}),
]


UNPLANNED = (
    "Query error: planner error: unsupported cascades plan: selected optimizer result did not contain a best"
    " physical alternative"
)


class HelixHttpServer(Loopback):
    """`POST /v2/query`, as HelixDB's HTTP guide describes it, over the engine in this process.

    Attributes:
        requests: What was asked, with the key it was asked with.
        busy: How many requests are still answered with 429.
        unplanned: How many requests the engine still finds no plan for, in its own words.
    """

    def __init__(self, folder: Path) -> None:
        self.engine = EmbeddedHelix(folder)
        self.lock = threading.Lock()
        self.requests: list[tuple[str | None, dict[str, Any]]] = []
        self.busy = 0
        self.unplanned = 0
        super().__init__(_Connection)

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the body of an answer."""
        if self.busy:
            self.busy -= 1
            return 429, {"error": "rate_limited", "msg": "later"}
        if self.unplanned:
            self.unplanned -= 1
            return 400, {"error": "invalid_request", "msg": UNPLANNED}
        kind = asked["request_type"]
        batch = asked["query"][kind]
        entries = {each["query"]["name"]: each["query"]["root"] for each in batch["entries"]}
        assert batch["returns"] == list(entries)
        try:
            with self.lock:
                return 200, self.engine.ask(kind, entries)
        except StoreUnusable as error:
            return 400, {"error": "invalid_request", "msg": str(error)}

    def stop(self) -> None:
        super().stop()
        self.engine.close()


class _Connection(BaseHTTPRequestHandler):
    server: HelixHttpServer
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert self.path == "/v2/query"
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.headers["Authorization"], asked))
        status, body = self.server.answer(asked)
        encoded = json.dumps(body).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelixHttpServer]:
    running = HelixHttpServer(tmp_path_factory.mktemp("helix"))
    yield running
    running.stop()


def opened(server: HelixHttpServer, label: str, **options: Any) -> HelixVectorStore:
    return HelixVectorStore(f"http://127.0.0.1:{server.port}/", label, **options)


async def test_a_server_is_asked_over_http(server: HelixHttpServer) -> None:
    async with opened(server, "Asked", api_key="key") as store:
        await store.insert(DOCUMENTS)
        assert await store.count() == 2
        (hit,) = await store.top_n([0.6, 0.8], filter=F("lang") == "it's")
        assert (hit.id, hit.document, hit.score) == ("east", "sunrise", pytest.approx(0.6, abs=1e-6))
        (kept,) = await store.get(["north"])
        assert np.asarray(kept.vectors).tolist() == [[0.0, 1.0], [0.0, -1.0]]
        assert await store.delete(["north", "nobody"]) == 1
        assert await store.count() == 1
    assert {key for key, _ in server.requests} == {"Bearer key"}


async def test_a_document_is_replaced_in_one_transaction(server: HelixHttpServer) -> None:
    async with opened(server, "Replaced") as store:
        await store.insert(DOCUMENTS)
        await store.upsert([EmbeddedDocument("north", "star", [0.0, 1.0])])
        asked = server.requests[-1][1]
        assert asked["query"]["write"]["returns"] == ["drop", "add_0"]
        assert await store.top_n_ids([0.0, -1.0], threshold=0.5) == []


async def test_what_is_large_is_written_in_several_requests(server: HelixHttpServer) -> None:
    async with opened(server, "Large") as store:
        before = len(server.requests)
        await store.insert(
            [EmbeddedDocument(f"d{number}", "x" * 400_000, [1.0, number]) for number in range(5)]
        )
        written = [asked for _, asked in server.requests[before:] if "drop" in json.dumps(asked)[:200]]
        assert [len(asked["query"]["write"]["entries"]) for asked in written] == [3, 3, 2]
        assert await store.count() == 5


async def test_what_the_engine_found_no_time_to_plan_is_asked_again_and_not_for_ever(
    server: HelixHttpServer,
) -> None:
    async with opened(server, "Unplanned") as store:
        server.unplanned = 2
        await store.insert(DOCUMENTS)
        assert await store.count() == 2
        server.unplanned = 1_000
        before = len(server.requests)
        with pytest.raises(StoreUnusable, match="best physical alternative"):
            await store.count()
        server.unplanned = 0
        assert len(server.requests) - before == 5


async def test_a_busy_server_is_asked_again(server: HelixHttpServer) -> None:
    async with opened(server, "Busy") as store:
        server.busy = 2
        assert await store.count() == 0
        await store.insert(DOCUMENTS)
        assert server.busy == 0


async def test_a_label_keeps_its_width(server: HelixHttpServer) -> None:
    async with opened(server, "Wide") as store:
        await store.insert(DOCUMENTS)
        await store.delete(["east", "north"])
    async with opened(server, "Wide") as store:
        with pytest.raises(StoreUnusable, match="vector_dimension"):
            await store.insert([EmbeddedDocument("wide", "", [1.0, 0.0, 0.0])])


def test_a_label_is_not_empty() -> None:
    with pytest.raises(UsageError, match="not empty"):
        HelixVectorStore("http://127.0.0.1", "")


async def test_an_engine_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    async with HelixVectorStore(tmp_path / "file") as store:
        with pytest.raises(StoreUnusable, match="cannot open the folder"):
            await store.count()
