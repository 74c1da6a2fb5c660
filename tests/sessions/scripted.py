"""Conversations in which everything occurs: the same for the same number, in every process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from agentlab.messages import (
    AssistantMessage,
    Json,
    Reasoning,
    ReasoningText,
    Text,
    Timing,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
)
from agentlab.sessions import (
    AssistantSaid,
    Attached,
    Configured,
    Decided,
    DecisionAsked,
    Detached,
    Entry,
    ModeChanged,
    ModelChanged,
    Noticed,
    QuestionAsked,
    RunEnded,
    Tagged,
    Titled,
    ToolAnswered,
    UserSaid,
    digest_of,
)

MODEL = "anthropic:claude-sonnet-5"


class Batch(Struct, frozen=True):
    """Entries that are written together, and the texts kept with them."""

    entries: tuple[Entry, ...]
    texts: dict[str, str] = {}


def two_turn_chat(number: int, size: int = 600) -> Iterator[Batch]:
    """A prompt, a turn with two calls, their results, an answer; then a second prompt with a turn that is cut off.

    Args:
        number: Which chat it is.
        size: Length of the longer texts, in characters.
    """
    run_id, first, second = f"run-{number}", f"call-{number}-a", f"call-{number}-b"
    said = f"chat {number} " * (size // 10)
    full = f"the whole of {number}: " + said * 4
    calls = (ToolCall(first, "grep", '{"pattern": "müller"}'), ToolCall(second, "ls", '{"path": "/"}'))
    thought = Reasoning((ReasoningText("Look first. ", signature=f"sig-{number}"),), id=f"rs-{number}")
    yield Batch((UserSaid(UserMessage.of(said, "a note 🗒"), text=said),))
    yield Batch(
        (
            AssistantSaid(
                AssistantMessage((thought, Text("I look."), *calls), id=f"msg-{number}", model=MODEL),
                model=MODEL,
                usage=Usage(input_tokens=100 + number, output_tokens=20, cache_read_tokens=64),
                cost_usd=0.001,
                finish_reason="tool_calls",
                timing=Timing(started_at=1.7e9, duration_s=1.25),
                run_id=run_id,
                reasoning_id=f"thought-{number}",
            ),
            DecisionAsked(first, "grep", '{"pattern": "müller"}', reason="it reads", run_id=run_id),
            Decided(first, "grep", "allow", by="user"),
        )
    )
    # The second call is answered before the first.
    yield Batch((ToolAnswered(ToolResult(second, "ls", (Json({"files": [said[:40]]}),)), summary="1 file"),))
    yield Batch(
        (
            ToolAnswered(
                ToolResult(first, "grep", (Text(full[:80]),)),
                arguments_json='{"pattern": "müller"}',
                full=digest_of(full),
                duration_s=0.2,
                untrusted=True,
                run_id=run_id,
            ),
        ),
        {digest_of(full): full},
    )
    yield Batch(
        (
            AssistantSaid(
                AssistantMessage.of(f"There are {number}. {said}"), MODEL, Usage(input_tokens=180), turn=2
            ),
            RunEnded(run_id),
        )
    )
    yield Batch((UserSaid(UserMessage.of(f"And in {number}?"), text=f"And in {number}?"),))
    cut = AssistantMessage(
        (
            Text("In that "),
            ToolCall(f"call-{number}-c", "read", '{"path": "a.md"}'),
            ToolCall("cut", "rm", '{"pa'),
        ),
        interrupted=True,
    )
    yield Batch((AssistantSaid(cut, MODEL), RunEnded(f"{run_id}-2", "cancelled", "the user stopped it")))


def one_of_each() -> tuple[Entry, ...]:
    """An entry of every kind that `append` takes, with most fields set."""
    chat: list[Entry] = [entry for batch in two_turn_chat(1) for entry in batch.entries]
    config: dict[str, Any] = {"model": MODEL, "nested": {"list": [1, 2.5, None, True], "text": "ü"}}
    return (
        *chat,
        ModelChanged("openai:gpt-5.6", MODEL, "the user's wish"),
        ModeChanged("build", "plan", "plans/a.md", "1. Begin."),
        DecisionAsked("call-9", "rm", '{"path": "a"}', "it deletes", "run-9"),
        Decided("call-9", "rm", "deny", "policy", "it deletes", "keep it"),
        QuestionAsked("q-1", "call-10", ({"name": "size", "schema": {"type": "integer"}},)),
        UserSaid(UserMessage.of("Three."), "Three.", question_id="q-1"),
        Attached("notes/a.md", 3, digest_of("a"), 12),
        Detached("notes/a.md"),
        Titled("Über alles"),
        Tagged(("draft", "zwei")),
        Configured(config),
        Noticed("fallback", "another region answers"),
    )
