"""The state machine alone, against the simulated interfaces without sockets: it may die or lose an answer at any step."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest

from agentlab.errors import AuthenticationFailed, ConnectionFailed, ModelError, NotFound, ServerError
from agentlab.experiments.batch.api import ApiRequest
from agentlab.experiments.batch.call import BatchCall, EncodedCall, encode_calls
from agentlab.experiments.batch.job import (
    Answer,
    BatchJob,
    Close,
    Fail,
    Fetch,
    Note,
    Send,
    Step,
    is_transient,
)
from agentlab.experiments.batch.ledger import BatchRecord
from agentlab.experiments.batch.running import batch_apis
from agentlab.messages import Request, UserMessage
from agentlab.models.registry import model
from agentlab.simulator.batches import Batches, BatchPace
from agentlab.simulator.batches.asked import Asked
from agentlab.simulator.batches.work import ItemAnswer
from agentlab.simulator.dialects import Ids

MODELS = {"openai": "gpt-5.6", "anthropic": "claude-sonnet-5"}
each_vendor = pytest.mark.parametrize("vendor", list(MODELS))


class Died(Exception):
    """The process is gone."""


@dataclass
class World:
    """A provider and what a process leaves behind when it dies."""

    vendor: str
    now: float = 0.0
    serial: int = 0
    made: int = 0
    record: BatchRecord | None = None
    closed: bool = False
    handed_out: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        body = msgspec.json.encode({"usage": {}})
        self.batches = Batches(lambda: self.now, lambda _: ItemAnswer(200, body))
        self.batches.pace = BatchPace(request_s=10)

    def calls(self, *names: str) -> list[EncodedCall]:
        asked = model(f"{self.vendor}:{MODELS[self.vendor]}", base_url="http://127.0.0.1:1/v1", api_key="k")
        request = Request(model=asked.model_id, messages=(UserMessage.of("hi"),), max_tokens=10)
        return encode_calls([BatchCall(name, asked, request) for name in names])

    def planned(self, *names: str) -> BatchRecord:
        return BatchRecord(
            key="key", vendor=self.vendor, base_url="u", count=len(names), custom_ids=names, planned_at=0.0
        )

    def sent(self, request: ApiRequest) -> tuple[int, bytes]:
        path = request.path if self.vendor == "anthropic" else f"/v1{request.path}"
        self.serial += 1
        self.made += request.method == "POST" and path.endswith("/batches")
        asked = Asked(
            vendor=self.vendor,
            method=request.method,
            path=path,
            query=request.query,
            headers=request.headers,
            body=request.body,
            ids=Ids(0, self.serial, self.now),
        )
        said = self.batches.answer(asked)
        return said.status, said.body

    def done(self, step: Step, calls: list[EncodedCall], job: BatchJob) -> Answer:
        """Carry out a step."""
        own = {call.wire_id for call in calls}
        match step:
            case Send(request):
                status, body = self.sent(request)
                if status >= 400:
                    kind = NotFound if status == 404 else ModelError
                    return Answer(error=kind(body.decode(), status=status))
                return Answer(body)
            case Note(record):
                self.record = record
            case Close():
                self.closed = True
            case Fetch(request, _, foreign_stops):
                for line in self.sent(request)[1].splitlines():
                    item = job.api.item(line)
                    if foreign_stops and item.wire_id not in own:
                        return Answer(foreign=True)
                    self.handed_out[item.wire_id] = "answer" if item.succeeded else "error"
            case Fail():
                for name in own - self.handed_out.keys():
                    self.handed_out[name] = "error"
            case _:
                self.now += 7.0
        return Answer()

    def process(self, *names: str, dies_at: int = -1, loses: int = -1, after: bool = False) -> int:
        """One process: it brings the calls to their outcomes, or dies at a step; gives how many steps it did."""
        calls = self.calls(*names)
        fresh = self.record is None
        job = BatchJob(batch_apis()[self.vendor], self.record or self.planned(*names), calls, fresh=fresh)
        steps = job.steps()
        step, count = next(steps), 0
        while True:
            if count == dies_at and not after:
                raise Died
            answer = self.done(step, calls, job)
            if count == dies_at:
                raise Died
            if count == loses and isinstance(step, Send):
                answer = Answer(error=ConnectionFailed("lost"), may_be_done=True)
            count += 1
            try:
                step = steps.send(answer)
            except StopIteration:
                return count


@each_vendor
def test_whenever_the_process_dies_the_next_one_finishes_and_one_batch_is_made(vendor: str) -> None:
    length = World(vendor).process("a", "b", "c")
    assert length > 8
    for place in range(length):
        for after in (False, True):
            world = World(vendor)
            world.sent(ApiRequest("GET", "/v1/messages/batches" if vendor == "anthropic" else "/batches"))
            with pytest.raises(Died):
                world.process("a", "b", "c", dies_at=place, after=after)
            world.process("a", "b", "c")
            assert world.made == 1, (place, after)
            assert world.handed_out == dict.fromkeys("abc", "answer"), (place, after)


@each_vendor
def test_whichever_answer_is_lost_one_batch_is_made(vendor: str) -> None:
    length = World(vendor).process("a", "b", "c")
    for place in range(length):
        world = World(vendor)
        try:
            world.process("a", "b", "c", loses=place)
        except ConnectionFailed:
            world.process("a", "b", "c")  # it gave up before it made anything
        assert world.made == 1, place
        assert world.handed_out == dict.fromkeys("abc", "answer"), place


def test_a_process_that_dies_twice_in_a_row_still_makes_one_batch() -> None:
    length = World("anthropic").process("a", "b")
    for first in range(length):
        for second in range(6):
            world = World("anthropic")
            with pytest.raises(Died):
                world.process("a", "b", dies_at=first, after=True)
            try:
                world.process("a", "b", dies_at=second, after=True)
            except Died:
                world.process("a", "b")
            assert world.made == 1, (first, second)
            assert world.handed_out == {"a": "answer", "b": "answer"}, (first, second)


@each_vendor
def test_a_refusal_is_not_tried_again_and_leaves_no_record_behind(vendor: str) -> None:
    world = World(vendor)
    calls = world.calls("a")
    job = BatchJob(batch_apis()[vendor], world.planned("a"), calls, fresh=True)
    steps = job.steps()
    step = next(steps)
    while not (isinstance(step, Send) and step.once):
        step = steps.send(world.done(step, calls, job))
    step = steps.send(Answer(error=AuthenticationFailed("no", status=401)))
    assert step == Close(job.record)
    with pytest.raises(AuthenticationFailed):
        steps.send(Answer())


@each_vendor
def test_a_provider_that_keeps_failing_is_given_up_and_the_record_kept(vendor: str) -> None:
    world = World(vendor)
    calls = world.calls("a")
    job = BatchJob(batch_apis()[vendor], world.planned("a"), calls, fresh=True)
    steps = job.steps()
    tries = 0

    def next_step(step: Step) -> Step:
        if isinstance(step, Send) and step.once:
            return steps.send(Answer(error=ServerError("down", status=500), may_be_done=True))
        return steps.send(world.done(step, calls, job))

    step = next(steps)
    while tries < 3:
        tries += isinstance(step, Send) and step.once
        step = next_step(step) if tries < 3 else step
    step = next_step(step)  # it waits and looks once more
    while not isinstance(step, Send):
        step = next_step(step)
    with pytest.raises(ServerError):
        next_step(step)
    assert (world.closed, world.record is not None) == (False, True)


def test_many_batches_in_the_list_are_paged_through() -> None:
    for vendor in MODELS:
        world = World(vendor)
        with pytest.raises(Died):
            world.process("a", "b", dies_at=4 if vendor == "anthropic" else 3)
        assert world.made == 1
        noted = world.record
        for number in range(130):
            world.record = None
            with pytest.raises(Died):
                world.process(f"x{number}", dies_at=5)
        world.record = noted
        made = world.made
        world.process("a", "b")
        assert world.made == made


def test_what_may_be_better_later_is_transient() -> None:
    assert is_transient(ServerError("busy", status=529))
    assert is_transient(ConnectionFailed("broken"))
    assert not is_transient(AuthenticationFailed("no", status=401))
    assert not is_transient(NotFound("gone", status=404))
