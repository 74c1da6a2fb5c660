"""A simulated provider and agents against it: what the tests of the agent stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from agentlab.agent import Agent, RunResult
from agentlab.http import HttpClient, ManualClock, Retry, Timeouts
from agentlab.messages import Message, ToolResult, UserMessage, validate
from agentlab.models import WireModel, model
from agentlab.simulator import Function, LoggedRequest, SimRequest, Simulator, Turn, serve
from agentlab.tools import tool

__all__ = ["VENDORS", "Bench", "add", "assert_sendable", "bench_of", "results_of"]

VENDORS: Final = {
    "openai-chat": "openai-chat:gpt-5.6",
    "openai": "openai:gpt-5.6",
    "anthropic": "anthropic:claude-sonnet-4-6",
    "gemini": "gemini:gemini-2.5-flash",
    "ollama": "ollama:qwen3:4b",
    "cohere": "cohere:command-a-reasoning-08-2025",
    "bedrock": "bedrock:anthropic.claude-sonnet-4-6",
}
"""One vendor of each of the seven wires, and a model of it."""


class Bench:
    """A simulator, and agents that ask it.

    Args:
        sim: The simulator.
    """

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.clock = ManualClock()

    def model(
        self,
        vendor: str,
        *,
        event_gap_s: float | None = None,
        key: str | None = None,
        retry: Retry | None = None,
    ) -> WireModel:
        """A model behind the vendor's wire; its retries wait in virtual time."""
        timeouts = Timeouts() if event_gap_s is None else Timeouts(event_gap=event_gap_s)
        return model(
            VENDORS[vendor],
            base_url=self.sim.base_url(vendor),
            api_key=key or self.sim.token,
            http=HttpClient(timeouts=timeouts),
            clock=self.clock,
            retry=retry,
            seed=0,
        )

    def agent(
        self, vendor: str, says: Iterable[Turn] | Callable[[SimRequest], Turn], **options: Any
    ) -> Agent:
        """An agent, and a provider that says this next; a list is used up in order."""
        if callable(says):
            self.sim.behaviour = Function(says)
        else:
            self.sim.script(says)
        return Agent(self.model(vendor), **options)

    @property
    def requests(self) -> list[LoggedRequest]:
        """What the provider was asked, once it is done with all of it."""
        assert self.sim.requests.wait_idle(), "a request is still being answered"
        return list(self.sim.requests)

    @property
    def refused(self) -> list[str]:
        """What the provider found wrong with requests."""
        return [request.error for request in self.requests if request.error]


@contextmanager
def bench_of(**options: Any) -> Iterator[Bench]:
    """A bench with a simulator of its own; options are those of `serve`."""
    with serve(**options) as sim:
        yield Bench(sim)


@tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


def results_of(run: RunResult | Sequence[Message]) -> list[ToolResult]:
    """All tool results, in the order of the history."""
    messages = run.messages if isinstance(run, RunResult) else run
    return [
        result for message in messages if isinstance(message, UserMessage) for result in message.tool_results
    ]


def assert_sendable(messages: Sequence[Message]) -> None:
    """Fail unless the history can be sent with a further prompt."""
    validate([*messages, UserMessage.of("and now?")])
