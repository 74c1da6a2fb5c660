"""Where HelixDB runs: a server that is asked over HTTP, or the engine in this process. Both take the same requests.

Sources: the project's query guides (https://docs.helix-db.com) and its Python SDK, from which the JSON of requests is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from agentlab.errors import StoreUnusable
from agentlab.http import Clock, HttpRequest, Secret
from agentlab.retrieval.stores.blocking import missing_extra
from agentlab.retrieval.stores.http_service import HttpService

__all__ = ["EmbeddedHelix", "Entries", "HelixServer", "Kind"]

Kind: TypeAlias = Literal["read", "write"]
Entries: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Operation trees by the names under which their results come back."""

_DATABASE: Final = "agentlab"

_UNPLANNED: Final = "did not contain a best physical alternative"
_PLANS: Final = 5


def _request(kind: Kind, entries: Entries) -> bytes:
    queries = [{"query": {"name": name, "root": root}} for name, root in entries.items()]
    body = {"request_type": kind, "query": {kind: {"entries": queries, "returns": list(entries)}}}
    return msgspec.json.encode(body)


def _results(answer: bytes) -> dict[str, Any]:
    return msgspec.json.decode(answer, type=dict[str, Any])


def _planned(attempt: Callable[[], bytes]) -> dict[str, Any]:
    """The results of a request, which is made again where the engine found no time to plan it.

    Its planner searches for so many milliseconds of the wall clock; where the machine gave it no core for as long, it has no
    plan at all. Nothing was done then.
    """
    for _ in range(_PLANS - 1):
        try:
            return _results(attempt())
        except StoreUnusable as error:
            if _UNPLANNED not in str(error):
                raise
    return _results(attempt())


class HelixServer:
    """A server. Calls block, and come from one thread at a time.

    Args:
        address: Its URL, without a path.
        api_key: The key of a database of Helix Cloud.
        clock: Time.
    """

    def __init__(self, address: str, api_key: Secret | None = None, clock: Clock | None = None) -> None:
        self._url = f"{address.rstrip('/')}/v2/query"
        self._key = api_key
        self._service = HttpService("HelixDB", clock)

    def ask(self, kind: Kind, entries: Entries) -> dict[str, Any]:
        """The results of operations by name; those of a write are done all together or not at all."""
        key = None if self._key is None else ("authorization", "Bearer ", self._key)
        headers = {"content-type": "application/json"}
        request = HttpRequest("POST", self._url, headers, _request(kind, entries), key)
        return _planned(lambda: self._answer(request))

    def _answer(self, request: HttpRequest) -> bytes:
        status, answer = self._service.ask(request)
        if status != 200:
            raise StoreUnusable(f"HelixDB answered {status}: {answer[:500].decode(errors='replace')}")
        return answer

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._service.pause(seconds)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()


class EmbeddedHelix:
    """The engine in this process, over a folder. Calls block, and come from one thread at a time.

    Args:
        folder: Where it keeps its files; made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import helixdb_uniffi as native  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("HelixVectorStore", "helix-db-embedded", "helixdb") from None
        self._error: type[Exception] = native.HelixError
        self._runner = asyncio.Runner()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            source = native.HelixDbSource.DISK(str(folder), _DATABASE)
            self._engine: Any = self._runner.run(native.HelixDb.open(source))
        except (OSError, self._error) as error:
            self._runner.close()
            raise StoreUnusable(f"HelixDB cannot open the folder {folder}: {error}") from error

    def ask(self, kind: Kind, entries: Entries) -> dict[str, Any]:
        """The results of operations by name; those of a write are done all together or not at all."""
        return _planned(lambda: self._answer(kind, entries))

    def _answer(self, kind: Kind, entries: Entries) -> bytes:
        try:
            answer: bytes = self._runner.run(self._engine.query_json(_request(kind, entries)))
        except self._error as error:
            raise StoreUnusable(f"HelixDB refuses a {kind}: {error}") from error
        return answer

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._runner.run(asyncio.sleep(seconds))

    def close(self) -> None:
        """Close the files."""
        self._runner.run(self._engine.close())
        self._runner.close()
