"""Cut at every await of a run that asks, nothing has run without a decision on record, and what is kept can go on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from itertools import count

import pytest

from agentlab.agent import Run, RunStream
from agentlab.agent.approving import ApprovalPolicy
from agentlab.messages import ApprovalAsked, AssistantMessage
from agentlab.tools import FunctionTool
from tests.agent.approving.scripted import agent_of, calls
from tests.agent.bench import assert_sendable
from tests.agent.stepping import Suspended, assert_nothing_left

pytestmark = pytest.mark.anyio
GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"


class Sent:
    """Counts what left, and checks at that moment that it was allowed."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.unrecorded: list[str] = []
        self.stream: RunStream

        async def read() -> str:
            """Read."""
            return "anybody's words"

        def send(text: str) -> str:
            """Send, from a thread."""
            return self._sent(text)

        async def post(text: str) -> str:
            """Send."""
            return self._sent(text)

        self.tools = [
            FunctionTool(read, effect="read", returns="untrusted"),
            FunctionTool(send, effect="network", returns="trusted"),
            FunctionTool(post, effect="network", returns="trusted"),
        ]

    def _sent(self, text: str) -> str:
        run = self.stream.run
        allowed = {judged.call_id for judged in run.judged if judged.verdict == "allow"}
        # Of the whole run: a call that goes on in its thread while the run is cancelled is pending no more.
        turns = [message for message in run.messages if isinstance(message, AssistantMessage)]
        ids = {call.arguments.get("text"): call.id for turn in turns for call in turn.tool_calls}
        if ids.get(text) not in allowed & set(run.decisions):
            self.unrecorded.append(text)
        self.texts.append(text)
        return "sent"


async def consumed(stream: RunStream) -> None:
    """Answer each question: yes to those that send one, no to those that send two."""
    stream.attended = True
    async for event in stream:
        if isinstance(event, ApprovalAsked):
            text = next(
                call.arguments["text"] for call in stream.run.pending_calls if call.id == event.call_id
            )
            stream.decide(event.call_id, approved=text == "one")


async def cut(stream: RunStream, at: int, later: int) -> bool:
    """Consume a run in a task of its own, cancelled at one suspension; whether it was."""

    async def consume() -> int:
        suspended = Suspended(consumed(stream), at, later)
        await suspended
        return suspended.count

    task = asyncio.create_task(consume())
    await asyncio.wait([task])
    return task.cancelled() or task.result() >= at


async def assert_nothing_unrecorded(laters: Iterable[int]) -> int:
    """Cut a run everywhere, this many turns of the loop later; how many cuts were made."""
    cuts = 0
    for later in laters:
        for at in count(1):
            sent = Sent()
            turn = [calls("send", text="one"), calls("post", text="two")]
            agent = agent_of([calls("read")], turn, tools=sent.tools, approvals=ApprovalPolicy())
            stream = sent.stream = agent.stream_prompt("Go.")
            was_cut = await cut(stream, at, later)
            assert sent.unrecorded == [], f"cut at {at}, {later} turns of the loop later"
            assert set(sent.texts) <= {"one"}
            assert_sendable(stream.run.all_messages)
            again = Run.from_json(stream.run.to_json())
            assert (again.judged, again.tainted) == (stream.run.judged, stream.run.tainted)
            if not was_cut:
                break
            cuts += 1
        assert at > 8
        assert sent.texts == ["one"]
        assert [judged.verdict for judged in stream.run.judged].count("ask") == 2
    await assert_nothing_left(1)
    return cuts


async def test_cut_at_any_await_nothing_was_sent_without_a_recorded_decision() -> None:
    assert await assert_nothing_unrecorded(range(2)) > 16


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="all cuts are made in `make gauntlet`")
async def test_cut_at_any_await_and_a_while_later_nothing_was_sent_without_a_recorded_decision(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = await assert_nothing_unrecorded(range(40))
    with capsys.disabled():
        print(f"\n{cuts} cuts of a run that asks: 0 executions without a recorded decision")
