"""What a chat tells its model beside the prompts: attachments, long results, what was retrieved."""

from __future__ import annotations

import pytest

from agentlab.chat import (
    AgentConfig,
)
from agentlab.errors import UsageError
from agentlab.messages import UserMessage
from agentlab.sessions import (
    ToolAnswered,
)
from agentlab.simulator import call, reply
from tests.chat.desk import Desk

pytestmark = pytest.mark.anyio


async def test_an_attachment_is_told_once_and_again_when_it_has_changed(desk: Desk) -> None:
    desk.says(["a", "b", "c"])
    with desk.chat() as chat:
        chat.attach("notes.txt", "essential")
        await chat.prompt("one")
        await chat.prompt("two")
        desk.files.write("notes.txt", b"buy bread\n")
        await chat.prompt("three")
        told = [
            "".join(getattr(part, "text", "") for part in message.content)
            for message in chat.history
            if isinstance(message, UserMessage)
        ]
        assert ["buy milk" in text for text in told] == [True, False, False]
        assert ["buy bread" in text for text in told] == [False, False, True]
        chat.detach("notes.txt")
        with pytest.raises(UsageError, match="not attached"):
            chat.detach("notes.txt")
        report = chat.context_report("four")
        assert {"part", "tokens", "is_kept", "why"} <= set(report.columns)


async def test_a_long_result_is_shortened_before_the_model_sees_it_and_kept_whole(desk: Desk) -> None:
    whole = "".join(f"line {number} of a long file\n" for number in range(400))
    desk.files.write("long.txt", whole.encode())
    desk.says([reply(calls=[call("cat", paths=["long.txt"])]), "Long."])
    config = AgentConfig(model="x:y", result_chars=1_000)
    with desk.chat(config=config) as chat:
        await chat.prompt("Read it.")
        (answered,) = (s.entry for s in chat.session.entries() if isinstance(s.entry, ToolAnswered))
        shown = str(answered.result.content)
        assert len(shown) < 1_200
        assert answered.full is not None
        assert "line 399 of" in chat.full_text(answered.result.call_id)
        with pytest.raises(UsageError, match="no tool answered"):
            chat.full_text("none")
        sent = desk.sim.requests[-1].body.decode()
        assert "line 200 of" not in sent


async def test_what_was_retrieved_for_a_prompt_stays_in_the_history_as_it_was_sent(desk: Desk) -> None:
    desk.says(["One.", "Two."])
    agent = desk.agent(volatile=["It is raining."])
    with desk.chat(agent=agent) as chat:
        await chat.prompt("first")
        await chat.prompt("second")
        first, second = desk.sim.requests[-2].json or {}, desk.sim.requests[-1].json or {}
        assert "It is raining." in str(first["messages"])
        assert [each["role"] for each in second["messages"]] == ["user", "assistant", "user"]
        assert str(second["messages"][0]["content"]).count("It is raining.") == 1
