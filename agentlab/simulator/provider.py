"""The provider without its sockets: an HTTP request in, what to send back out.

Order of checks: the host, the route, the key, the request's shape, the rate limit, waiting faults, then the behaviour. Whatever goes
wrong is said in the body the provider of that wire would send.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from agentlab.caching.policies.policy import CacheRefused
from agentlab.messages import AssistantMessage, Usage
from agentlab.simulator.aws_signature import is_signed_with
from agentlab.simulator.batches import Batches
from agentlab.simulator.batches.asked import Asked, LoneRequest
from agentlab.simulator.batches.work import ItemAnswer
from agentlab.simulator.behaviours import Behaviour
from agentlab.simulator.cache import Accounts, output_usage
from agentlab.simulator.cache_diagnosis import Diagnoses
from agentlab.simulator.cached_contents import CachedContents
from agentlab.simulator.dialects import DIALECTS, Dialect, Ids, NamesErrors, Rejected
from agentlab.simulator.exchange import ErrorReply, Recorded, Reply, SimRequest, limited
from agentlab.simulator.faults import Ending, Fault, FaultQueue, disturb
from agentlab.simulator.latency import Latency, VirtualClock
from agentlab.simulator.log import LoggedRequest
from agentlab.simulator.model_lists import model_list, wire_of_list
from agentlab.simulator.rate_limit import RateLimits

__all__ = ["Answer", "Incoming", "Provider"]

_KEY_HEADERS: Final = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "x-portkey-api-key")
_REQUEST_ID: Final = {"anthropic": "request-id", "bedrock_converse": "x-amzn-requestid"}
_JSON: Final = "application/json"


class Incoming(Struct, frozen=True):
    """An HTTP request as it came: header names in lower case, the path decoded and without its query.

    `target` is path and query as they stood in the request line, for wires that sign them.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    target: str = ""


class Answer(Struct, frozen=True, kw_only=True):
    """What to send, and how.

    Attributes:
        status: HTTP status.
        headers: Response headers without the framing ones.
        events: The body, piece by piece.
        streamed: Whether the body goes out in chunks as it comes; else with its length.
        ending: How the body ends.
        before_headers: Whether the ending comes before the status line.
        latency: Its pace; None sends without waiting.
        unread_tokens: Prompt tokens to be computed before the first event.
        event_tokens: Tokens in one event, for the pace.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    events: Iterable[bytes]
    streamed: bool = False
    ending: Ending = "end"
    before_headers: bool = False
    latency: Latency | None = None
    unread_tokens: int = 0
    event_tokens: int = 1


class Provider:
    """All simulated vendors of one server.

    Args:
        behaviour: What answers.
        token: The key every request must carry.
        hosts: Accepted `Host` headers.
        clock: The server's time.
        faults: What goes wrong next.
        accounts: Usage and cache.
        contents: Gemini's cache resources.
        rate_limits: How many requests are let in.
        seed: Source of all ids.
        latency: Pace of replies that name none.
        dialects: The wires.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        token: str,
        hosts: Sequence[str],
        clock: VirtualClock,
        faults: FaultQueue,
        accounts: Accounts,
        contents: CachedContents | None = None,
        rate_limits: RateLimits | None = None,
        seed: int = 0,
        latency: Latency | None = None,
        dialects: Sequence[Dialect] = DIALECTS,
    ) -> None:
        self.behaviour = behaviour
        self.clock = clock
        self._token = token.encode()
        self._secret = token
        self._hosts = frozenset(hosts)
        self._faults = faults
        self._accounts = accounts
        self._contents = contents or CachedContents(clock.timestamp)
        self.batches = Batches(clock.timestamp, self._alone)
        self._rate_limits = rate_limits or RateLimits()
        self._diagnoses = Diagnoses()
        self._seed = seed
        self._latency = latency
        self._dialects = tuple(dialects)

    def answer(self, incoming: Incoming, entry: LoggedRequest) -> Answer:
        """Answer a request and note in its log entry what became of it."""
        if incoming.headers.get("host") not in self._hosts:
            return _plain(entry, 421, "This server answers only to its own address.")
        if incoming.path == "/" and incoming.method == "GET":
            wires = [dialect.wire for dialect in self._dialects]
            return _described(entry, {"service": "agentlab simulator", "simulated": True, "wires": wires})
        vendor, _, rest = incoming.path.removeprefix("/").partition("/")
        path = f"/{rest}"
        entry.vendor = vendor
        of_resource = self._contents.matches(incoming.method, path)
        of_batch = self.batches.wire(incoming.method, path)
        dialect = self._dialect(
            incoming,
            "/v1beta/models" if of_resource else path,
            wire="gemini" if of_resource else of_batch,
        )
        if dialect is None:
            return _plain(entry, 404, f"No simulated wire answers {incoming.method} {incoming.path}.")
        entry.wire = dialect.wire
        ids = Ids(self._seed, entry.serial, self.clock.timestamp())
        if not self._knows_key(incoming):
            return self._error(dialect, entry, ids, dialect.wrong_key)
        if of_batch is not None:
            return self._of_batch(dialect, incoming, path, entry, ids)
        if of_resource:
            return self._of_resource(dialect, incoming, path, entry, ids)
        if incoming.method == "GET":
            entry.status = 200
            return Answer(status=200, headers=(("content-type", _JSON),), events=(model_list(dialect, path),))
        query = {name: value for name, value in incoming.query.items() if name != "key"}
        headers = {name: value for name, value in incoming.headers.items() if name not in _KEY_HEADERS}
        try:
            request = dialect.parse(vendor, path, query, headers, incoming.body)
        except Rejected as refused:
            return self._error(dialect, entry, ids, refused.reply)
        except Exception as error:  # noqa: BLE001 - a hole in a dialect must not look like a lost connection
            fallen = f"The simulator could not read the request: {type(error).__name__}: {error}"
            return self._error(dialect, entry, ids, ErrorReply(500, fallen))
        entry.json = request.json
        return self._speak(dialect, request, entry, self._going_on(ids, request, entry))

    def _going_on(self, ids: Ids, request: SimRequest, entry: LoggedRequest) -> Ids:
        """The ids of an answer: names of its own where there is a history, which another server may have begun."""
        if not any(isinstance(message, AssistantMessage) for message in request.messages):
            return ids
        return Ids(self._seed, entry.serial, ids.created, zlib.crc32(request.body))

    def _dialect(self, incoming: Incoming, path: str, *, wire: str | None = None) -> Dialect | None:
        if wire is None and incoming.method == "GET":
            wire = wire_of_list(path, incoming.headers, incoming.query)
        for dialect in self._dialects:
            if dialect.wire == wire or dialect.matches(incoming.method, path):
                return dialect
        return None

    def _knows_key(self, incoming: Incoming) -> bool:
        shown = [incoming.headers.get(name, "") for name in _KEY_HEADERS] + [incoming.query.get("key", "")]
        if any(secrets.compare_digest(key.removeprefix("Bearer ").encode(), self._token) for key in shown):
            return True
        return is_signed_with(self._secret, incoming.method, incoming.target, incoming.headers, incoming.body)

    def _speak(self, dialect: Dialect, request: SimRequest, entry: LoggedRequest, ids: Ids) -> Answer:
        too_many = self._rate_limits.refusal(request.vendor, request.model, self.clock.now())
        if too_many is not None:
            return self._error(dialect, entry, ids, too_many)
        fault = self._faults.take(request.vendor)
        if fault is not None and fault.kind == "status":
            entry.fault = fault.kind
            return self._error(dialect, entry, ids, _failure(fault))
        said = self._said(request)
        if isinstance(said, ErrorReply):
            return self._error(dialect, entry, ids, said)
        if isinstance(said, Recorded):
            entry.status = said.status
            return self._disturbed(
                Answer(status=said.status, headers=said.headers, events=said.events, streamed=request.stream),
                fault,
                dialect,
                entry,
            )
        fault = fault or said.fault
        if fault is not None and fault.kind == "status":
            entry.fault = fault.kind
            return self._error(dialect, entry, ids, _failure(fault))
        said = limited(said, request.max_tokens)
        return self._disturbed(self._reply(dialect, request, said, entry, ids), fault, dialect, entry)

    def _said(self, request: SimRequest) -> Reply | ErrorReply | Recorded:
        """What the behaviour says, or why it is not asked."""
        refused = self._refusal(request)
        if refused is not None:
            return refused
        try:
            return self.behaviour(request)
        except Exception as error:  # noqa: BLE001 - whatever a user's function raises is the provider's failure
            return ErrorReply(500, f"The simulator's behaviour raised {type(error).__name__}: {error}")

    def _of_resource(
        self, dialect: Dialect, incoming: Incoming, path: str, entry: LoggedRequest, ids: Ids
    ) -> Answer:
        """A request for one of Gemini's cache resources."""
        try:
            said = self._contents.answer(entry.vendor, incoming.method, path, incoming.query, incoming.body)
        except Rejected as refused:
            return self._error(dialect, entry, ids, refused.reply)
        entry.status = 200
        return Answer(status=200, headers=(("content-type", _JSON),), events=(said,))

    def _of_batch(
        self, dialect: Dialect, incoming: Incoming, path: str, entry: LoggedRequest, ids: Ids
    ) -> Answer:
        """A request to a batch interface. A fault that breaks the answer comes after the deed: the batch is made."""
        fault = self._faults.take(entry.vendor)
        if fault is not None and fault.kind == "status":
            entry.fault = fault.kind
            return self._error(dialect, entry, ids, _failure(fault))
        said = self.batches.answer(
            Asked(
                vendor=entry.vendor,
                method=incoming.method,
                path=path,
                query=incoming.query,
                headers={name: value for name, value in incoming.headers.items() if name not in _KEY_HEADERS},
                body=incoming.body,
                ids=ids,
            )
        )
        entry.status, entry.error = said.status, said.error
        headers = (
            ("content-type", said.content_type),
            (_REQUEST_ID.get(dialect.wire, "x-request-id"), ids.new("req_")),
        )
        return self._disturbed(
            Answer(status=said.status, headers=headers, events=(said.body,)), fault, dialect, entry
        )

    def _alone(self, asked: LoneRequest) -> ItemAnswer:
        """One request of a batch, answered as if it had come alone at its moment."""
        dialect = next(each for each in self._dialects if each.wire == asked.wire)
        try:
            request = dialect.parse(asked.vendor, asked.path, {}, asked.headers, asked.body)
        except Rejected as refused:
            return ItemAnswer(refused.reply.status, dialect.error(refused.reply))
        except Exception as error:  # noqa: BLE001 - a hole in a dialect must not cost the other requests
            fallen = f"The simulator could not read the request: {type(error).__name__}: {error}"
            return ItemAnswer(500, dialect.error(ErrorReply(500, fallen)))
        said = self._said(request)
        if isinstance(said, Reply) and said.fault is not None and said.fault.kind == "status":
            said = _failure(said.fault)
        if isinstance(said, Recorded):
            said = ErrorReply(
                500, "A recorded answer cannot be part of a batch; let a function or a script answer."
            )
        if isinstance(said, ErrorReply):
            return ItemAnswer(said.status, dialect.error(said))
        said = limited(said, request.max_tokens)
        try:
            usage = self._accounts.account(request, said, self.clock.elapsed(asked.at))
        except CacheRefused as refused:
            return ItemAnswer(refused.status, dialect.error(ErrorReply(refused.status, str(refused))))
        return ItemAnswer(200, dialect.unary(request, said, usage, asked.ids), usage)

    def _refusal(self, request: SimRequest) -> ErrorReply | None:
        """What the provider says to a request that uses its cache wrongly; None where it does not."""
        try:
            self._contents.check(request.vendor, request.model, request.json)
        except CacheRefused as refused:
            return ErrorReply(refused.status, str(refused))
        return None

    def _reply(
        self, dialect: Dialect, request: SimRequest, said: Reply, entry: LoggedRequest, ids: Ids
    ) -> Answer:
        latency = said.latency or self._latency
        began_s = latency.before_first(0) if latency is not None and self.clock.is_real else 0.0
        try:
            usage = self._accounts.account(request, said, self.clock.now(), first_byte_s=began_s)
        except CacheRefused as refused:
            return self._error(dialect, entry, ids, ErrorReply(refused.status, str(refused)))
        entry.usage, entry.status = usage, 200
        diagnosis = self._diagnoses.of(request, usage)
        if diagnosis is not None:
            said = msgspec.structs.replace(said, diagnosis=diagnosis)
        unread = (usage.input_tokens or 0) - (usage.cache_read_tokens or 0)  # what is written is computed too
        _stamp(entry, latency, unread, usage)
        headers = [
            ("content-type", dialect.content_type(request)),
            (_REQUEST_ID.get(dialect.wire, "x-request-id"), ids.new("req_")),
        ]
        if request.stream:
            headers.append(("cache-control", "no-cache"))
        self._diagnoses.remember(request, usage, ids)
        return Answer(
            status=200,
            headers=tuple(headers),
            events=(
                dialect.stream(request, said, usage, ids)
                if request.stream
                else (dialect.unary(request, said, usage, ids),)
            ),
            streamed=request.stream,
            latency=latency,
            unread_tokens=unread,
            event_tokens=said.chunk_tokens
            if request.stream
            else output_usage(said.content).output_tokens or 0,
        )

    def _disturbed(
        self, answer: Answer, fault: Fault | None, dialect: Dialect, entry: LoggedRequest
    ) -> Answer:
        if fault is None:
            return answer
        entry.fault = fault.kind
        spoiled = disturb(tuple(answer.events), fault, dialect.error_event(_failure(fault)))
        return msgspec.structs.replace(
            answer, events=spoiled.chunks, ending=spoiled.ending, before_headers=fault.before_headers
        )

    def _error(self, dialect: Dialect, entry: LoggedRequest, ids: Ids, reply: ErrorReply) -> Answer:
        entry.status, entry.error = reply.status, reply.message
        headers = [("content-type", _JSON), (_REQUEST_ID.get(dialect.wire, "x-request-id"), ids.new("req_"))]
        if isinstance(dialect, NamesErrors):
            headers += dialect.error_headers(reply)
        if reply.retry_after is not None:
            headers.append(("retry-after", f"{reply.retry_after:g}"))
        return Answer(status=reply.status, headers=tuple(headers), events=(dialect.error(reply),))


def _failure(fault: Fault) -> ErrorReply:
    return ErrorReply(fault.status, fault.message, fault.code, fault.retry_after)


def _stamp(entry: LoggedRequest, latency: Latency | None, unread: int, usage: Usage) -> None:
    if latency is not None:
        entry.first_event_s = latency.before_first(unread)
        entry.duration_s = entry.first_event_s + latency.between(usage.output_tokens or 0)


def _plain(entry: LoggedRequest, status: int, message: str) -> Answer:
    """An error outside any wire."""
    entry.status, entry.error = status, message
    body = msgspec.json.encode({"error": {"message": message, "code": status}})
    return Answer(status=status, headers=(("content-type", _JSON),), events=(body,))


def _described(entry: LoggedRequest, description: object) -> Answer:
    entry.status = 200
    return Answer(status=200, headers=(("content-type", _JSON),), events=(msgspec.json.encode(description),))
