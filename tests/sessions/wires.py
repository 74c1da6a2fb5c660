"""Whether a history can be sent: by the rules that all providers share, and in the words of each."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.messages import Message, Request, UserMessage, validate
from agentlab.models.registry import WIRES, wire_for
from agentlab.models.vendors import vendor
from tests.models.whole_request import SPOKEN

PROMPT = UserMessage.of("And now?")


def assert_sendable(history: Sequence[Message], wires: Sequence[str] = tuple(WIRES)) -> None:
    """Check that every provider would take a history with a new prompt after it.

    Args:
        history: What was said.
        wires: The wires to write it in.
    """
    messages = (*history, PROMPT)
    validate(messages)
    for name in wires:
        called, model = SPOKEN[name]
        encoded = wire_for(name).encode(Request(model=model, messages=messages), vendor(called))
        assert PROMPT.text in encoded.body.decode()
