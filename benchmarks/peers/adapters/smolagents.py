"""smolagents: its model and its `ToolCallingAgent`, streamed; it works in threads, so it takes no part in concurrent streams."""

from __future__ import annotations

from typing import Any

from smolagents import ChatMessage, OpenAIModel, ToolCallingAgent, tool
from smolagents.models import MessageRole, agglomerate_stream_deltas
from smolagents.monitoring import LogLevel

from benchmarks.peers.way import KEY, PROMPT, Way, add, said

__all__ = ["WAYS"]


class Model(Way):
    """`OpenAIModel.generate_stream`, its deltas put together in the end."""

    async def open(self) -> None:
        """Make a model."""
        self._model = self._new_model(self.url)

    def _new_model(self, url: str) -> Any:
        base = f"{url}/v1"
        return OpenAIModel(self.model, api_base=base, api_key=KEY, client_kwargs={"max_retries": 0})

    def text(self) -> str:
        """One call."""
        return self.continued([])

    def past(self, messages: int) -> list[Any]:
        """Texts in turn."""
        roles = (MessageRole.USER, MessageRole.ASSISTANT)
        return [
            ChatMessage(roles[place % 2], [{"type": "text", "text": said(place)}])
            for place in range(messages)
        ]

    def continued(self, past: list[Any]) -> str:
        """One more call."""
        prompt = ChatMessage(MessageRole.USER, [{"type": "text", "text": PROMPT}])
        deltas = list(self._model.generate_stream([*past, prompt]))
        return str(agglomerate_stream_deltas(deltas).content)

    def schema(self, function: Any) -> object:
        """A tool."""
        return tool(function).inputs

    def run(self) -> str:
        """A run of a `ToolCallingAgent`, which ends by a tool of its own, `final_answer`."""
        model = self._new_model(self.url.replace("/loop-", "/finished-"))
        agent = ToolCallingAgent(
            tools=[tool(add)], model=model, stream_outputs=True, verbosity_level=LogLevel.OFF
        )
        last = ""
        for step in agent.run(PROMPT, stream=True, max_steps=1000):
            last = str(getattr(step, "output", last))
        return last


WAYS = {"smolagents": Model}
