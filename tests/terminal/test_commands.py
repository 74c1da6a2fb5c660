"""Commands change the conversation and answer in lines that a hostile name cannot make act."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlab.agent import Agent
from agentlab.messages import UserMessage, messages_from_json
from agentlab.simulator import reply
from agentlab.terminal.commands import COMMANDS, Command, parse_command, perform
from agentlab.terminal.conversation import Conversation
from agentlab.tools import FunctionTool
from tests.agent.bench import Bench, add, bench_of


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of() as made:
        yield made


def asked(bench: Bench) -> Conversation:
    agent = bench.agent("openai", [reply("one"), reply("two")])
    conversation = Conversation(agent)
    for prompt in ("first", "second"):
        conversation.take(agent.prompt_sync(prompt, history=conversation.messages).run)
    return conversation


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/help", Command("help")),
        ("  /model openai:gpt-5.6 ", Command("model", "openai:gpt-5.6")),
        ("exit", Command("exit")),
        ("/save my chat.json", Command("save", "my chat.json")),
        ("/usr/bin is what?", None),
        ("//help", None),
        ("exit now", None),
        ("what is /help", None),
        ("/ help", None),
    ],
)
def test_a_line_is_a_command_only_where_it_looks_like_one(line: str, command: Command | None) -> None:
    assert parse_command(line) == command


def test_every_command_that_help_lists_can_be_given(bench: Bench) -> None:
    for usage in COMMANDS:
        said = perform(Command(usage.split()[0][1:]), asked(bench))
        assert said is None if usage == "/exit" else said
        assert "there is no command" not in str(said)


def test_usage_is_summed_over_answers_and_survives_a_reset(bench: Bench) -> None:
    conversation = asked(bench)
    before = perform(Command("usage"), conversation)
    assert before is not None
    assert before[0].startswith("2 answers · ")
    perform(Command("reset"), conversation)
    assert conversation.messages == []
    assert perform(Command("usage"), conversation) == before


def test_the_model_can_be_changed_and_a_wrong_name_changes_nothing(bench: Bench) -> None:
    conversation = asked(bench)
    before = conversation.agent.model
    assert "did you mean `openai`" in str(perform(Command("model", "opnai:x"), conversation))
    assert conversation.agent.model is before
    perform(Command("model", "sim:openai/gpt-5.6"), conversation)
    assert conversation.agent.model.name == "sim:openai/gpt-5.6"


def test_saving_writes_the_messages_and_never_over_a_file(bench: Bench, tmp_path: Path) -> None:
    conversation, path = asked(bench), tmp_path / "chat.json"
    perform(Command("save", str(path)), conversation)
    assert messages_from_json(path.read_text(encoding="utf-8")) == conversation.messages
    assert "is there already" in str(perform(Command("save", str(path)), conversation))
    assert "cannot be written" in str(
        perform(Command("save", str(tmp_path / "no" / "such.json")), conversation)
    )
    assert "say where" in str(perform(Command("save"), conversation))


def test_a_tool_from_elsewhere_cannot_act_through_its_description(bench: Bench) -> None:
    def bad(x: int) -> int:
        return x

    agent = bench.agent("openai", ["-"], tools=[add, FunctionTool(bad, description="evil\x1b[2J\nline")])
    assert perform(Command("tools"), Conversation(agent)) == ["add  Add two integers.", "bad  evil line"]
    none = Agent(bench.model("openai"))
    assert perform(Command("tools"), Conversation(none)) == ["the agent has no tools"]


def test_a_prompt_the_model_never_answered_is_forgotten_a_stopped_one_is_not(bench: Bench) -> None:
    agent = bench.agent("openai", [])
    conversation = Conversation(agent)
    with pytest.raises(Exception, match="script") as failed:
        agent.prompt_sync("lost")
    run = agent.start("lost")
    run.end("error", str(failed.value))
    conversation.take(run)
    assert conversation.messages == []
    assert conversation.answers == 0
    assert UserMessage.of("lost") not in conversation.messages
