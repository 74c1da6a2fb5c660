"""llm: an async model's chain, every piece read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import llm
from llm.default_plugins.openai_models import AsyncChat

from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, AgentWay, add

__all__ = ["WAYS"]


class Chat(AgentWay):
    """Over Chat Completions."""

    sits_out: ClassVar[frozenset[str]] = frozenset({"history"})

    async def open(self) -> None:
        """Make a model."""
        self._tools = [add, self.saver()]
        self._model = AsyncChat(self.model, key=KEY, api_base=f"{self.url}/v1", supports_tools=True)

    async def answer(self, past: Sequence[Any] = ()) -> str:  # noqa: ARG002 - it is always asked without
        """Answer the prompt; see `AgentWay`."""
        conversation = self._model.conversation(tools=self._tools, chain_limit=0)
        chain = conversation.chain(PROMPT, system=PREAMBLE, key=KEY)
        pieces = [piece async for piece in chain]
        return "".join(pieces)

    def schema(self, function: Any) -> object:
        """A tool."""
        return llm.Tool.function(function).input_schema


WAYS = {"llm": Chat}
