"""A provider whose time passes when somebody waits, and models that are asked there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlab.experiments.batch import BatchCall, JsonFileLedger
from agentlab.http import ManualClock
from agentlab.messages import Message, Request, UserMessage
from agentlab.models.model import WireModel
from agentlab.models.registry import model
from agentlab.simulator import BatchPace, Simulator, serve

VENDORS = {"openai": "gpt-5.6", "openai-chat": "gpt-5.6", "anthropic": "claude-sonnet-5"}


class SharedClock(ManualClock):
    """The client's clock; the provider's goes with it."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__(sim.clock.timestamp())
        self._sim = sim

    async def sleep(self, seconds: float) -> None:
        self._sim.advance(seconds)
        await super().sleep(seconds)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A provider whose batches take two minutes and a second a request."""
    with serve() as simulator:
        simulator.batches.pace = BatchPace(validating_s=60, request_s=1, finalizing_s=60)
        yield simulator


@pytest.fixture
def clock(sim: Simulator) -> SharedClock:
    return SharedClock(sim)


@pytest.fixture
def ledger(tmp_path: Path) -> JsonFileLedger:
    return JsonFileLedger(tmp_path / "batches.json")


def model_of(sim: Simulator, vendor: str, clock: ManualClock, name: str | None = None) -> WireModel:
    """A model of a vendor, asked at the simulator."""
    return model(
        f"{vendor}:{name or VENDORS[vendor]}",
        base_url=sim.base_url(vendor),
        api_key=sim.token,
        clock=clock,
        seed=1,
    )


def asking(text: str, model_id: str, **settings: object) -> Request:
    """A request of one user message."""
    messages: tuple[Message, ...] = (UserMessage.of(text),)
    return Request(model=model_id, messages=messages, max_tokens=200, **settings)  # type: ignore[arg-type]


def made(sim: Simulator) -> int:
    """How many batches the provider was asked to make."""
    return sum(request.method == "POST" and request.path.endswith("/batches") for request in sim.requests)


def calls_of(
    sim: Simulator, vendor: str, clock: ManualClock, *texts: str, model_id: str | None = None
) -> list[BatchCall]:
    asked = model_of(sim, vendor, clock, model_id)
    return [BatchCall(f"key {text}", asked, asking(text, asked.model_id)) for text in texts]
