"""What the user of a chat is asked: decisions, questions, and the way from a plan to building."""

from __future__ import annotations

import pytest

from agentlab.agent.approving import ApprovalPolicy, Rule
from agentlab.chat import (
    AgentConfig,
    ApprovalPending,
    ModeChanged,
    Observation,
    QuestionPending,
    Stopped,
)
from agentlab.chat.modes import GUARD_TEXT
from agentlab.errors import UsageError
from agentlab.messages import UserMessage, messages_to_json
from agentlab.sessions import (
    Decided,
    DecisionAsked,
    ToolAnswered,
    UserSaid,
)
from agentlab.simulator import call, reply
from agentlab.tools import tool
from tests.chat.desk import LOOK, Desk, events_of

pytestmark = pytest.mark.anyio


async def test_plan_mode_writes_only_the_plan_and_build_mode_comes_with_the_users_approval(
    desk: Desk,
) -> None:
    desk.says(
        [
            reply(calls=[call("write", path="main.py", content="x")]),
            reply(calls=[call("plan_write", title="The job", content="1. write main.py")]),
            reply(calls=[call("exit_plan_mode", plan="plans/the-job.plan")]),
            reply(calls=[call("write", path="main.py", content="done")]),
            "Done.",
            "Yes.",
        ]
    )
    with desk.chat(agent=desk.agent(), config=AgentConfig(model="x:y", mode="plan")) as chat:
        chat.set_mode("plan")
        stream = chat.stream("Plan it and do it.")
        events = [event async for event in stream]
        assert GUARD_TEXT.split(".")[0] in next(e for e in events if isinstance(e, Observation)).summary
        assert isinstance(events[-1], Stopped)
        assert "main.py" not in [each.path for each in desk.files.walk()]
        (waiting,) = chat.waiting
        assert waiting.tool == "exit_plan_mode"
        assert "1. write main.py" in waiting.reason
        chat.decide(waiting.call_id, approved=True)
        events = [event async for event in chat.resume()]
        assert ModeChanged("build", "plan", "plans/the-job.plan") in events
        assert desk.files.read("main.py", 100).data == b"done"
        assert (chat.mode, chat.state.plan_text) == ("build", "1. write main.py")
        await chat.prompt("Is that all?")
        told = [
            message for message in chat.history if "APPROVED EXECUTION PLAN" in messages_to_json([message])
        ]
        assert len(told) == 1
        assert isinstance(told[0], UserMessage)
        assert [result.name for result in told[0].tool_results] == ["exit_plan_mode"]
        assert "APPROVED EXECUTION PLAN" not in (chat.agent.settings.preamble or "")


async def test_a_decision_survives_a_restart_and_a_refusal_is_told_to_the_model(desk: Desk) -> None:
    ran: list[str] = []

    @tool(approval="it sends", effect="network")
    def send(text: str) -> str:
        """Send a text."""
        ran.append(text)
        return "sent"

    desk.says([reply(calls=[call("send", text="a"), call("send", text="b")]), "Done."])
    with desk.chat(tools=[send]) as chat:
        events = await events_of(chat, "Send them.")
        assert len([event for event in events if isinstance(event, ApprovalPending)]) == 2
        assert ran == []
    with desk.chat(tools=[send]) as again:
        first, second = again.waiting
        again.decide(first.call_id, approved=True)
    with desk.chat(tools=[send]) as again:
        assert [each.call_id for each in again.waiting] == [second.call_id]
        again.decide(second.call_id, approved=False, note="not that one")
        with pytest.raises(UsageError, match="no call"):
            again.decide(second.call_id, approved=True)
        result = await again.resume()
        assert result is not None
        assert result.text == "Done."
        assert ran == ["a"]
        told = [
            s.entry.result.content[0] for s in again.session.entries() if isinstance(s.entry, ToolAnswered)
        ]
        assert "not that one" in str(told)
        decisions = [s.entry for s in again.session.entries() if isinstance(s.entry, Decided | DecisionAsked)]
        assert [type(each).__name__ for each in decisions[:2]] == ["DecisionAsked", "DecisionAsked"]
        with pytest.raises(UsageError, match="nothing to resume"):
            again.resume()


async def test_somebody_who_attends_decides_while_the_answer_goes_on(desk: Desk) -> None:
    @tool(approval=True)
    def send(text: str) -> str:
        """Send a text."""
        return f"sent {text}"

    desk.says([reply(calls=[call("send", text="a")]), "Done."])
    with desk.chat(tools=[send]) as chat:
        chat.attended = True
        stream = chat.stream("Send it.")
        async for event in stream:
            if isinstance(event, ApprovalPending):
                chat.decide(event.call_id, approved=True)
        result = await stream
        assert result is not None
        assert result.text == "Done."
        decided = next(s.entry for s in chat.session.entries() if isinstance(s.entry, Decided))
        assert (decided.verdict, decided.by, decided.stood_still) == ("allow", "user", False)


async def test_a_policy_refuses_and_the_log_says_why(desk: Desk) -> None:
    desk.says([reply(calls=[call("rm", path="notes.txt")]), "I may not."])
    policy = ApprovalPolicy(rules=(Rule("rm", verdict="deny", reason="nothing is removed here"),))
    with desk.chat(approvals=policy) as chat:
        assert (await chat.prompt("Remove it.")).text == "I may not."
        decided = next(s.entry for s in chat.session.entries() if isinstance(s.entry, Decided))
        assert (decided.verdict, decided.by) == ("deny", "policy")
        assert "nothing is removed here" in decided.reason
        assert desk.files.info("notes.txt").kind == "file"


async def test_a_file_that_was_read_taints_so_that_sending_asks(desk: Desk) -> None:
    @tool(effect="network")
    def fetch(url: str) -> str:
        """Fetch a page."""
        return "page"

    desk.says([LOOK, reply(calls=[call("fetch", url="http://x/?q=milk")]), "Done."])
    with desk.chat(tools=[fetch]) as chat:
        await chat.prompt("Look it up.")
        assert [each.tool for each in chat.waiting] == ["fetch"]
        assert chat.state.tainted_by is not None


async def test_a_question_ends_the_answer_and_its_answer_goes_on_in_another_process(desk: Desk) -> None:
    question = {"name": "colour", "question": "Which colour?", "schema": {"enum": ["red", "blue"]}}
    desk.says([reply(calls=[call("ask_user", questions=[question])]), "Red it is."])
    with desk.chat() as chat:
        events = await events_of(chat, "Paint it.")
        pending = next(event for event in events if isinstance(event, QuestionPending))
        assert pending.questions[0]["question"] == "Which colour?"
        assert isinstance(events[-1], Stopped)
        assert len(desk.sim.requests) == 1
    with desk.chat() as again:
        assert again.question is not None
        with pytest.raises(UsageError, match="colour"):
            again.answer({"colour": "green"})
        with pytest.raises(UsageError, match="size"):
            again.answer({"size": "1"})
        result = await again.answer({"colour": "red"})
        assert result is not None
        assert result.text == "Red it is."
        assert again.state.question is None
        said = [s.entry for s in again.session.entries() if isinstance(s.entry, UserSaid)][-1]
        assert (said.text, said.question_id) == ("Which colour? red", pending.question_id)
        with pytest.raises(UsageError, match="no question"):
            again.answer("red")


async def test_a_mode_that_is_none_is_refused(desk: Desk) -> None:
    with desk.chat() as chat, pytest.raises(UsageError, match="plan and build"):
        chat.set_mode("fly")  # type: ignore[arg-type]
