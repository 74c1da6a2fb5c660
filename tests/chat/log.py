"""Logs to read: entries as a session would give them, without a file."""

from __future__ import annotations

from agentlab.messages import AssistantMessage, Text, ToolCall, ToolResult, UserMessage
from agentlab.sessions import AssistantSaid, Entry, Stored, ToolAnswered, UserSaid
from agentlab.sessions.entries import entry_to_json, kind_of

__all__ = ["answered", "called", "logged", "prompted", "said"]


def logged(*entries: Entry) -> list[Stored]:
    """Entries with their places."""
    return [
        Stored(place, 0, float(place), kind_of(entry), 1, entry_to_json(entry), entry)
        for place, entry in enumerate(entries, start=1)
    ]


def prompted(text: str) -> UserSaid:
    """The user says a text."""
    return UserSaid(UserMessage.of(text), text)


def said(text: str) -> AssistantSaid:
    """The model says a text."""
    return AssistantSaid(AssistantMessage.of(text), "vendor:model", run_id="r")


def called(*ids: str, tool: str = "read") -> AssistantSaid:
    """The model calls a tool, once for each id."""
    calls = tuple(ToolCall(each, tool, "{}") for each in ids)
    return AssistantSaid(AssistantMessage(calls), "vendor:model", run_id="r")


def answered(call_id: str, text: str = "ok", *, tool: str = "read", untrusted: bool = False) -> ToolAnswered:
    """A tool answers a call."""
    return ToolAnswered(ToolResult(call_id, tool, (Text(text),)), untrusted=untrusted)
