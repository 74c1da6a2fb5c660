"""Through pipes the chat reads a prompt a line and writes plain text."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from agentlab.messages import AssistantMessage
from agentlab.simulator import Fault, call, reply
from agentlab.terminal.conversation import Conversation
from agentlab.terminal.plain_chat import run_plain_chat
from agentlab.tools import FunctionTool
from tests.agent.bench import Bench, add, bench_of


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of() as made:
        yield made


def talked(conversation: Conversation, *lines: str) -> tuple[int, str, str]:
    output, errors = io.StringIO(), io.StringIO()
    status = run_plain_chat(conversation, io.StringIO("\n".join(lines)), output, errors)
    return status, output.getvalue(), errors.getvalue()


def test_each_line_is_a_prompt_in_one_conversation(bench: Bench) -> None:
    conversation = Conversation(bench.agent("openai", ["one", "two\n", "three"]))
    assert talked(conversation, "a", "", "b", "//c") == (0, "one\ntwo\nthree\n", "")
    assert [len(request.json["input"]) for request in bench.requests] == [1, 3, 5]
    assert "/c" in bench.requests[-1].body.decode()
    assert "//c" not in bench.requests[-1].body.decode()


def test_exit_ends_it_before_the_end_of_the_input(bench: Bench) -> None:
    conversation = Conversation(bench.agent("openai", ["one", "two"]))
    assert talked(conversation, "a", "exit", "b")[:2] == (0, "one\n")


def test_texts_before_and_after_a_tool_call_are_lines_of_their_own(bench: Bench) -> None:
    agent = bench.agent(
        "anthropic", [reply("Let me see.", calls=[call("add", a=1, b=2)]), "It is 3."], tools=[add]
    )
    assert talked(Conversation(agent), "a")[1] == "Let me see.\nIt is 3.\n"


def test_a_failed_prompt_is_a_line_on_stderr_and_status_1_and_the_next_is_asked(bench: Bench) -> None:
    conversation = Conversation(bench.agent("openai", ["fine"]))
    bench.sim.faults.add(Fault("status", status=401, message="no\x1b[2J key"))
    status, output, errors = talked(conversation, "a", "b")
    assert (status, output) == (1, "\nfine\n")
    assert "no key" in errors
    assert [type(message).__name__ for message in conversation.messages] == [
        "UserMessage",
        "AssistantMessage",
    ]


def test_a_tool_that_asks_is_refused_and_the_model_is_told(bench: Bench) -> None:
    ran: list[str] = []

    def buy(thing: str) -> None:
        """Buy."""
        ran.append(thing)

    says = [reply(calls=[call("buy", thing="a cow")]), "As you like."]
    agent = bench.agent("openai", says, tools=[FunctionTool(buy, approval=True)])
    assert talked(Conversation(agent), "a")[1] == "As you like.\n"
    assert not ran
    assert "nobody is there to approve it" in bench.requests[-1].body.decode()


def test_what_a_model_says_is_plain_text(bench: Bench) -> None:
    conversation = Conversation(bench.agent("openai", ["a\x1b]0;title\x07b\x1b[31mc\u202ed"]))
    assert talked(conversation, "x")[1] == "abcd\n"
    assert isinstance(conversation.messages[-1], AssistantMessage)
    assert "\x1b" in conversation.messages[-1].text  # what was said is kept as it was
