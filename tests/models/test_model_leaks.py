"""A key is in no message, traceback, log, trace or pickle, however a call fails."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any, Final

import pytest

from agentlab.agent import Agent
from agentlab.errors import AgentlabError
from agentlab.http import ManualClock, Retry
from agentlab.models import model
from agentlab.simulator import ErrorReply, Fault, reply
from tests.agent.bench import VENDORS, Bench, bench_of

pytestmark = pytest.mark.anyio

KEY: Final = "sk-CANARY-0123456789abcdefghij"
NEEDLE: Final = "CANARY"

FAILURES: Final[dict[str, Any]] = {
    "401 echo": lambda _: ErrorReply(401, f"Incorrect API key provided: {KEY}."),
    "400 echo": lambda _: ErrorReply(400, f"Bearer {KEY} is not allowed here.", code=KEY),
    "500 echo": lambda _: ErrorReply(500, f"upstream said: x-api-key={KEY}"),
    "error event echo": lambda _: reply(
        "some words here",
        fault=Fault("error_event", at_event=3, message=f"key {KEY} expired", code=KEY, status=400),
    ),
    "truncated": lambda _: reply("some words here", fault=Fault("truncate")),
    "reset": lambda _: reply("some words here", fault=Fault("rst")),
    "corrupt": lambda _: reply(f"some {KEY} words here", fault=Fault("corrupt")),
    "stalled": lambda _: reply("some words here", fault=Fault("stall", at_event=3)),
}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of() as made:
        made.sim._provider._token = KEY.encode()
        yield made


class Lines(logging.Handler):
    """Collects every log record as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + repr(record.args) + "\n"


async def failed(agent: Agent) -> tuple[AgentlabError, dict[str, str]]:
    """The error of a run, and everything that could show a key."""
    lines = Lines()
    root = logging.getLogger()
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    try:
        stream = agent.stream_prompt("go")
        error: AgentlabError | None = None
        try:
            async for _ in stream:
                pass
        except AgentlabError as caught:
            error = caught
        assert error is not None
    finally:
        root.removeHandler(lines)
        root.setLevel(level)
    shown = {
        "str": str(error),
        "repr": repr(error),
        "attributes": repr(vars(error)),
        "traceback": "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        ),
        "log": lines.text,
        "trace": stream.trace.to_json(),
        "run": stream.run.to_json(),
        "pickle": pickle.dumps(error).decode("latin-1"),
        "agent": repr(agent) + repr(agent.model) + repr(vars(agent.model)),
    }
    return error, shown


def assert_no_key(shown: dict[str, str], *, said: bool = False) -> None:
    """Fail where the key is seen; `said` where the model itself said it, which is its answer and stays."""
    for place, text in shown.items():
        if said and place in {"trace", "run", "attributes", "pickle", "traceback"}:
            continue
        assert NEEDLE not in text, (
            f"the key is in the {place}: {text[max(0, text.find(NEEDLE) - 80) :][:200]}"
        )


@pytest.mark.parametrize("failure", list(FAILURES))
@pytest.mark.parametrize("vendor", list(VENDORS))
async def test_no_failure_shows_the_key(bench: Bench, vendor: str, failure: str) -> None:
    bench.sim.behaviour = FAILURES[failure]
    made = bench.model(vendor, key=KEY, event_gap_s=0.03, retry=Retry(attempts=1))
    _, shown = await failed(Agent(made))
    assert shown["log"], "nothing was logged, so nothing is proven of the log"
    assert_no_key(shown, said=failure == "corrupt")


@pytest.mark.parametrize("vendor", list(VENDORS))
async def test_a_refused_connection_does_not_show_the_key(vendor: str) -> None:
    made = model(VENDORS[vendor], base_url="http://127.0.0.1:9", api_key=KEY, clock=ManualClock())
    _, shown = await failed(Agent(made))
    assert_no_key(shown)


@pytest.mark.parametrize("vendor", list(VENDORS))
@pytest.mark.parametrize("ending", ["\n", "\r\nX: y", "\u2028", " "], ids=repr)
async def test_a_malformed_key_is_not_shown(bench: Bench, vendor: str, ending: str) -> None:
    try:
        made = bench.model(vendor, key=KEY + ending)
    except AgentlabError as refused:
        assert_no_key({"str": str(refused), "repr": repr(refused)})
        return
    bench.sim.behaviour = FAILURES["401 echo"]
    _, shown = await failed(Agent(made))
    assert_no_key(shown)


@pytest.mark.parametrize("vendor", list(VENDORS))
async def test_a_wrong_key_is_not_shown(vendor: str) -> None:
    with bench_of() as bench:
        _, shown = await failed(Agent(bench.model(vendor, key=KEY)))
        assert_no_key(shown)
