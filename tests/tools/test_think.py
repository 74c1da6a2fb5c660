"""The tool to think with."""

from __future__ import annotations

import pytest

from agentlab.errors import InvalidToolArguments
from agentlab.tools import ToolContext
from agentlab.tools.think import think

pytestmark = pytest.mark.anyio


async def test_it_gives_the_thought_back_and_takes_nothing_else() -> None:
    assert think.definition.name == "think"
    assert think.definition.parameters["required"] == ["thought"]
    assert await think.call({"thought": "First the refund."}, ToolContext()) == "First the refund."
    with pytest.raises(InvalidToolArguments, match="thought"):
        await think.call({}, ToolContext())
