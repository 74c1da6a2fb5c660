"""Small conversations that tests of stores, transcripts and files use."""

from __future__ import annotations

from agentlab.messages import (
    AssistantMessage,
    Reasoning,
    ReasoningText,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
)
from agentlab.sessions import AssistantSaid, Entry, RunEnded, ToolAnswered, UserSaid, digest_of

MODEL = "sim:openai/gpt-5.6"
SECRET_THOUGHT = "a thought that nobody else reads"
WHOLE = "the whole text of the file, with a hidden word: quokka"


def prompt(text: str) -> UserSaid:
    """The user says something."""
    return UserSaid(UserMessage.of(text), text)


def answer(text: str, *, cost_usd: float | None = 0.25, usage: Usage | None = None) -> AssistantSaid:
    """The model answers in words, after a thought."""
    thought = Reasoning((ReasoningText(SECRET_THOUGHT),), id="rs_1")
    return AssistantSaid(AssistantMessage((thought, Text(text))), MODEL, usage=usage, cost_usd=cost_usd)


def call_and_result(call_id: str = "c1", *, path: str = "/notes.md") -> tuple[AssistantSaid, ToolAnswered]:
    """The model calls a tool, and it answers; its whole text is kept beside the entry."""
    arguments = f'{{"path":"{path}"}}'
    called = AssistantSaid(AssistantMessage.of("I look.", ToolCall(call_id, "read", arguments)), MODEL)
    result = ToolResult(call_id, "read", (Text("line one\nline two"),))
    return called, ToolAnswered(result, arguments, "2 lines", full=digest_of(WHOLE))


def turn(number: int = 1) -> list[Entry]:
    """A prompt, a call, its result, an answer, the end of the run."""
    called, answered = call_and_result(f"c{number}")
    return [
        prompt(f"question {number}"),
        called,
        answered,
        answer(f"answer {number}"),
        RunEnded(f"run{number}"),
    ]


TEXTS = {digest_of(WHOLE): WHOLE}
