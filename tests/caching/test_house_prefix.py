"""Our own house obeys: what an agent sent is the start of what it sends next, on every wire, block- and bytewise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest

from agentlab.agent import Agent, Hook, RequestPatch
from agentlab.caching import shared_prefix, split
from agentlab.messages import CacheOptions, Document, Notice, ReasoningOptions
from agentlab.models.registry import WIRES
from agentlab.models.vendors import vendor as vendor_row
from agentlab.simulator import LoggedRequest, Turn, call, reply
from agentlab.tools import tool
from tests.agent.bench import VENDORS, Bench, add, bench_of

CONVERSATION: Final = {
    "anthropic-messages": "messages",
    "gemini": "contents",
    "ollama": "messages",
    "cohere-chat": "messages",
    "bedrock-converse": "messages",
    "openai-chat": "messages",
    "openai-responses": "input",
}
"""The list that grows, by wire. All that stands before its end may not change."""

VENDOR_OF_WIRE: Final = {vendor_row(name).wire: name for name in VENDORS}


@tool
def ping() -> str:
    """Answer."""
    return "pong"


@tool
def fail(reason: str) -> str:
    """Fail."""
    raise ValueError(reason)


def sums() -> list[Turn]:
    return [
        call("add", a=1, b=2),
        reply("Now two.", calls=[call("add", a=3, b=4), call("ping")]),
        call("ping"),
        "done",
    ]


def mishaps() -> list[Turn]:
    wrong = reply(calls=[call("nope", x=1), call("add", a="many", b=2), call("fail", reason='"ö\n')])
    return [wrong, call("ping"), "recovered"]


def thoughts() -> list[Turn]:
    return [
        reply(reasoning="First I ping.", calls=[call("ping")]),
        reply("Again.", reasoning="Once more.", calls=[call("ping")]),
        reply("done", reasoning="Enough."),
    ]


DOCUMENTS: Final = (
    Document.from_text("A fact.", "fact", zone="b", area="a"),
    Document.from_text("Another."),
)
SCENARIOS: Final[dict[str, tuple[Callable[[], list[Turn]], dict[str, Any]]]] = {
    "plain": (sums, {}),
    "with context": (sums, {"preamble": "You add.", "context": DOCUMENTS}),
    "with settings": (sums, {"temperature": 0.5, "max_tokens": 500}),
    "mishaps": (mishaps, {"preamble": "You add."}),
    "reasoning": (thoughts, {"reasoning": ReasoningOptions(effort="low")}),
    "with markers": (
        sums,
        {
            "preamble": "You add.",
            "context": DOCUMENTS,
            "cache": CacheOptions(("tools", "preamble", "context", "last")),
        },
    ),
}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of() as made:
        yield made


def start_of(wire: str, body: bytes) -> bytes:
    """The body up to the end of the conversation's last item: what the next body has to begin with."""
    name = CONVERSATION[wire]
    written = f'"{name}":'.encode() + bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw])[name])
    assert body.count(written) == 1
    return body[: body.index(written) + len(written) - len(b"]")]


def moved_blocks(wire: str, requests: Sequence[LoggedRequest]) -> list[str]:
    """The kinds of blocks that changed between one request and the next."""
    blocks = [split(wire, request.body) for request in requests]
    matches = [shared_prefix(one, other) for one, other in pairwise(blocks)]
    return [match.before.kind for match in matches if match.before is not None]


def moved_bytes(wire: str, requests: Sequence[LoggedRequest]) -> list[int]:
    """The places of requests that do not begin with the bytes of the one before."""
    return [
        place
        for place, (one, other) in enumerate(pairwise(requests), 1)
        if not other.body.startswith(start_of(wire, one.body))
    ]


async def conversation(bench: Bench, vendor: str, scenario: str, *, stream: bool) -> list[LoggedRequest]:
    """Run a scenario, and a second prompt on its history; give every request it made."""
    turns, options = SCENARIOS[scenario]
    agent: Agent = bench.agent(vendor, [*turns(), "fine"], tools=[add, ping, fail], stream=stream, **options)
    first = await agent.prompt("go")
    second = await agent.prompt("and now?", history=first.all_messages)
    assert not list(first.trace.of(Notice))
    assert not list(second.trace.of(Notice))
    assert bench.refused == []
    return bench.requests


def test_every_wire_is_covered() -> None:
    assert VENDOR_OF_WIRE.keys() == CONVERSATION.keys() == WIRES.keys()


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "unary"])
@pytest.mark.parametrize("scenario", list(SCENARIOS))
@pytest.mark.parametrize("wire", list(WIRES))
async def test_each_request_begins_with_the_one_before(
    bench: Bench, wire: str, scenario: str, stream: bool
) -> None:
    requests = await conversation(bench, VENDOR_OF_WIRE[wire], scenario, stream=stream)
    assert len(requests) >= 4
    assert all(request.status == 200 for request in requests)
    assert moved_blocks(wire, requests) == []
    if wire in {"anthropic-messages", "bedrock-converse"} and scenario == "with markers":
        return  # its one marker moves on, and the bytes with it; the blocks above have none
    assert moved_bytes(wire, requests) == []


@pytest.mark.anyio
@pytest.mark.parametrize("wire", list(WIRES))
async def test_a_prefix_that_moves_is_found_out(bench: Bench, wire: str) -> None:
    class Clockwork(Hook):
        def on_completion_call(self, context: Any, request: Any) -> RequestPatch:
            return RequestPatch(preamble=f"It is {context.turn} o'clock.")

    agent = bench.agent(
        VENDOR_OF_WIRE[wire], [call("ping"), "done"], tools=[ping], preamble="P", hooks=[Clockwork()]
    )
    run = await agent.prompt("go")
    assert moved_blocks(wire, bench.requests) == ["system"]
    assert moved_bytes(wire, bench.requests) == [1]
    assert [notice.kind for notice in run.trace.of(Notice)] == ["prefix_moved"]
