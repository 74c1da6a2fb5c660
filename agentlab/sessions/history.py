"""A history that any provider accepts, from the entries of a log. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agentlab.messages import AssistantMessage, Message, ToolResult, UserMessage, repair
from agentlab.sessions.entries import AssistantSaid, Stored, ToolAnswered, UserSaid

__all__ = ["HistoryBuilder", "history_of"]


def history_of(entries: Iterable[Stored]) -> list[Message]:
    """The messages that a branch's entries add up to.

    Results stand in one user message right after the turn that called, in the order of its calls. A call without a
    result was interrupted and is answered so; a turn that was cut off keeps its text and its mark (`interrupted`). Every
    beginning of a log gives a history that `validate` accepts, except one in which nothing was said.

    Args:
        entries: The path of one branch, in order.
    """
    builder = HistoryBuilder()
    for entry in entries:
        builder.add(entry)
    return builder.messages()


class HistoryBuilder:
    """The history of a log that grows: what came before the user's last word is not worked on again."""

    def __init__(self) -> None:
        self._settled: list[Message] = []
        self._open: list[Message] = []
        self._results: dict[str, ToolResult] = {}

    def add(self, stored: Stored) -> None:
        """Take the next entry of the path."""
        match stored.entry:
            case UserSaid(message=message):
                self._take_results()
                if not any(isinstance(part, ToolResult) for part in message.content):
                    self._settled += repair(self._open)
                    self._open.clear()
                self._open.append(message)
            case AssistantSaid(message=message):
                self._take_results()
                self._open.append(message)
            case ToolAnswered(result=result):
                self._results.setdefault(result.call_id, result)
            case _:
                pass

    def messages(self) -> list[Message]:
        """The history so far."""
        pending = _in_order(self._open, self._results)
        return [*self._settled, *repair([*self._open, *pending])]

    def _take_results(self) -> None:
        self._open += _in_order(self._open, self._results)
        self._results.clear()


def _in_order(messages: list[Message], results: dict[str, ToolResult]) -> list[Message]:
    """The results as one message, in the order in which the last turn called; those it did not ask for are left out."""
    last = messages[-1] if messages else None
    if not results or not isinstance(last, AssistantMessage):
        return []
    calls = [call.id for call in last.tool_calls]
    if results.keys() == set(calls) and len(results) == len(calls):
        return [UserMessage(tuple([results[call_id] for call_id in calls]))]
    # Repaired alone, the turn is followed by one result for each of its calls, all of them interrupted.
    placeholders = [part for message in repair([last])[1:] for part in _results_of(message)]
    answered = tuple(results.get(part.call_id, part) for part in placeholders)
    return [UserMessage(answered)] if answered else []


def _results_of(message: Message) -> tuple[ToolResult, ...]:
    return message.tool_results if isinstance(message, UserMessage) else ()
