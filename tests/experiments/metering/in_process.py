"""The simulator without sockets: the real wires and the real accounts, on whatever loop runs, in its time.

What it bills is what its log says. An answer that was left early is billed as far as it was sent: every event holds at most
`chunk_tokens` tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from msgspec import structs

from agentlab.caching import turn_cost
from agentlab.http import HttpClient, Retry
from agentlab.models import WireModel, model
from agentlab.simulator import Latency, LoggedRequest, RateLimit
from agentlab.simulator.behaviours import Behaviour
from agentlab.simulator.cache import Accounts, policy_factory
from agentlab.simulator.faults import FaultQueue
from agentlab.simulator.latency import VirtualClock
from agentlab.simulator.provider import Answer, Incoming, Provider
from agentlab.simulator.rate_limit import RateLimits
from tests.experiments.metering.virtual_time import EPOCH, LoopClock

__all__ = ["InProcess"]

_HOST = "simulated.test"
_TOKEN = "sim-token"


class _Response:
    http_version = "HTTP/1.1"

    def __init__(self, answer: Answer, entry: LoggedRequest) -> None:
        self.status_code = answer.status
        self.headers = dict(answer.headers)
        self._answer = answer
        self._entry = entry

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        answer, entry = self._answer, self._entry
        for index, event in enumerate(answer.events):
            if index and answer.latency is not None:
                await asyncio.sleep(answer.latency.between(answer.event_tokens))
            entry.events_sent += 1
            yield event
        if answer.ending == "stall":
            await asyncio.Event().wait()
        if answer.ending in {"fin", "rst"}:
            raise httpx.RemoteProtocolError("peer closed the connection")
        entry.finished = True

    async def aclose(self) -> None:
        if not self._entry.finished:
            self._entry.disconnected = True
            self._entry.finished = True


class InProcess:
    """A provider, and models that reach it without a network. Make it while its loop runs."""

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        latency: Latency | None = None,
        rate_limit: RateLimit | None = None,
        refusal_s: float = 0.002,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.log: list[LoggedRequest] = []
        self.faults = FaultQueue()
        self.limits = RateLimits(rate_limit)
        self.in_flight = 0
        self.most_in_flight = 0
        self._refusal_s = refusal_s
        self._provider = Provider(
            behaviour,
            token=_TOKEN,
            hosts=(_HOST,),
            clock=VirtualClock(loop.time),
            faults=self.faults,
            accounts=Accounts(policy_factory("provider")),
            rate_limits=self.limits,
            latency=latency,
        )

    def model(self, name: str, *, retry: Retry | None = None, seed: int = 0) -> WireModel:
        """A model by name, whose requests come here."""
        vendor = name.partition(":")[0]
        root = {"anthropic": "", "ollama": "", "gemini": "/v1beta"}.get(vendor, "/v1")
        return model(
            name,
            api_key=_TOKEN,
            base_url=f"http://{_HOST}/{vendor}{root}",
            http=HttpClient(client=self),
            retry=retry,
            clock=LoopClock(),
            seed=seed,
        )

    def billed_usd(self, *, chunk_tokens: int = 1) -> float:
        """What the provider billed in all, by its own log; `chunk_tokens` are the most that one event holds."""
        total = 0.0
        for entry in self.log:
            if entry.usage is None:
                continue
            usage = entry.usage
            if entry.disconnected and usage.output_tokens is not None:
                usage = structs.replace(
                    usage, output_tokens=min(usage.output_tokens, entry.events_sent * chunk_tokens)
                )
            asked = entry.json.get("model") if entry.json else None
            name = asked or entry.path.rpartition("/")[2].partition(":")[0]
            total += turn_cost(entry.vendor, name, usage, EPOCH + entry.at_s).total_usd
        return total

    # What `HttpClient` needs of a client.

    def build_request(self, method: str, url: str, **options: Any) -> httpx.Request:
        options.pop("timeout")
        return httpx.Request(method, url, **options)

    async def send(
        self, outgoing: httpx.Request, *, auth: Callable[[Any], Any] | None = None, **_: Any
    ) -> _Response:
        if auth is not None:
            outgoing = auth(outgoing)
        incoming = _incoming(outgoing)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            entry = LoggedRequest(
                serial=len(self.log),
                method=incoming.method,
                path=incoming.path,
                headers=incoming.headers,
                body=incoming.body,
                at_s=asyncio.get_running_loop().time(),
            )
            self.log.append(entry)
            answer = self._provider.answer(incoming, entry)
            if answer.before_headers and answer.ending in {"fin", "rst"}:
                raise httpx.RemoteProtocolError("peer closed the connection")
            first = answer.latency.before_first(answer.unread_tokens) if answer.latency else self._refusal_s
            await asyncio.sleep(first)
        finally:
            self.in_flight -= 1
        return _Response(answer, entry)

    async def aclose(self) -> None:
        with suppress(Exception):
            self.log.clear()


def _incoming(outgoing: httpx.Request) -> Incoming:
    parts = urlsplit(str(outgoing.url))
    headers: Mapping[str, str] = {name.lower(): value for name, value in outgoing.headers.items()}
    return Incoming(
        method=outgoing.method,
        path=parts.path,
        query=dict(parse_qsl(parts.query)),
        headers={**headers, "host": _HOST},
        body=outgoing.content,
    )
