"""Whether a history may be sent, and how to mend one that may not.

Every provider refuses a tool call without a result, so none is ever sent: a run that was cut off leaves such calls, and
`repair` answers them. It uses no clock and no randomness, so the bytes sent, and with them the cached prefix, stay put.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import structs

from agentlab.errors import InvalidHistory
from agentlab.messages.message import AssistantMessage, Message, SystemMessage, UserMessage
from agentlab.messages.parts import Text, ToolCall, ToolResult, UserPart

__all__ = ["INTERRUPTED_TEXT", "repair", "validate"]

INTERRUPTED_TEXT: Final = "The tool call was interrupted before it had a result."


def validate(messages: Sequence[Message]) -> None:
    """Check that a history may be sent to any provider.

    Rules: it is not empty and does not end with the model's turn unanswered by a prompt or result; user and assistant
    messages have content; tool results have content, follow the turn that called, come first in their message, and answer
    each call exactly once; call ids are not empty and not used twice in a turn.

    Raises:
        InvalidHistory: The first broken rule, with the index and role of its message.
    """
    if not messages:
        raise InvalidHistory("the history is empty: there is nothing to send")
    waiting: dict[str, ToolCall] = {}
    for index, message in enumerate(messages):
        where = f"message {index} ({_role(message)})"
        if isinstance(message, SystemMessage):
            continue
        if not message.content or (isinstance(message, AssistantMessage) and message.is_empty):
            raise InvalidHistory(f"{where} has no content")
        if isinstance(message, AssistantMessage):
            if waiting:
                raise InvalidHistory(f"{where} comes before the results of {_names(waiting.values())}")
            waiting = _calls_by_id(message, where)
        else:
            _take_results(message, waiting, where)
    if waiting:
        raise InvalidHistory(f"the history ends without the results of {_names(waiting.values())}")


def repair(messages: Iterable[Message]) -> list[Message]:
    """Mend a history so that `validate` accepts it, changing as little as can be.

    Unanswered calls get an `interrupted` result right after their turn; calls cut off in mid-arguments are dropped from
    interrupted turns; results nobody asked for, second results of one call, results without content and empty messages
    are dropped or filled. Repairing twice changes nothing more, and a valid history comes back equal.

    Args:
        messages: Any history.

    Returns:
        The mended history. It may be empty.
    """
    mended: list[Message] = []
    waiting: dict[str, ToolCall] = {}
    for message in messages:
        if isinstance(message, SystemMessage):
            mended.append(message)
            continue
        if isinstance(message, AssistantMessage):
            turn = _without_broken_calls(message)
            if turn.is_empty:
                continue
            _answer(mended, waiting)
            waiting = {call.id: call for call in turn.tool_calls}
            mended.append(turn)
            continue
        content = _matching_content(message, waiting)
        if waiting and not any(isinstance(part, ToolResult) for part in content):
            _answer(mended, waiting)
            waiting = {}
        elif waiting:
            answered = {part.call_id for part in content if isinstance(part, ToolResult)}
            waiting = {key: call for key, call in waiting.items() if key not in answered}
            if waiting and len(answered) < len(content):  # it speaks, so all results belong before that
                content = (*content, *(_interrupted(call) for call in waiting.values()))
                waiting = {}
        if content:
            mended.append(message if content == message.content else UserMessage(content))
    _answer(mended, waiting)
    return _joined_results(mended)


def _role(message: Message) -> str:
    return str(message.__struct_config__.tag)


def _names(calls: Iterable[ToolCall]) -> str:
    return ", ".join(f"`{call.name}` ({call.id})" for call in calls)


def _calls_by_id(message: AssistantMessage, where: str) -> dict[str, ToolCall]:
    calls: dict[str, ToolCall] = {}
    for call in message.tool_calls:
        if not call.id:
            raise InvalidHistory(f"{where} calls `{call.name}` without an id")
        if call.id in calls:
            raise InvalidHistory(f"{where} uses the call id {call.id!r} twice")
        calls[call.id] = call
    return calls


def _take_results(message: UserMessage, waiting: dict[str, ToolCall], where: str) -> None:
    results = message.tool_results
    if results != message.content[: len(results)]:
        raise InvalidHistory(f"{where} says something before its tool results; results come first")
    for result in results:
        if not result.content:
            raise InvalidHistory(f"{where} holds an empty result of tool `{result.name}`")
        if waiting.pop(result.call_id, None) is None:
            raise InvalidHistory(
                f"{where} answers the call {result.call_id!r} of `{result.name}`, which is not open"
            )
    if waiting and len(message.tool_results) < len(message.content):
        raise InvalidHistory(f"{where} speaks before the results of {_names(waiting.values())}")


def _without_broken_calls(message: AssistantMessage) -> AssistantMessage:
    seen: set[str] = set()
    kept = []
    for part in message.content:
        if isinstance(part, ToolCall):
            if part.id in seen or (message.interrupted and not part.has_valid_arguments):
                continue
            seen.add(part.id)
        kept.append(part)
    return message if len(kept) == len(message.content) else structs.replace(message, content=tuple(kept))


def _matching_content(message: UserMessage, waiting: dict[str, ToolCall]) -> tuple[UserPart, ...]:
    """The content with only results that answer an open call, each once, none empty."""
    open_ids = set(waiting)
    kept: list[UserPart] = []
    for part in message.content:
        if isinstance(part, ToolResult):
            if part.call_id not in open_ids:
                continue
            open_ids.discard(part.call_id)
            kept.append(part if part.content else structs.replace(part, content=(Text(""),)))
        else:
            kept.append(part)
    return tuple(kept)


def _interrupted(call: ToolCall) -> ToolResult:
    return ToolResult(
        call_id=call.id,
        name=call.name,
        content=(Text(INTERRUPTED_TEXT),),
        status="interrupted",
        provider_id=call.provider_id,
    )


def _answer(mended: list[Message], waiting: dict[str, ToolCall]) -> None:
    """Append results for the calls still open, as one user message."""
    if waiting:
        mended.append(UserMessage(tuple(_interrupted(call) for call in waiting.values())))


def _joined_results(messages: list[Message]) -> list[Message]:
    """Merge neighbouring messages of tool results, and put results before other parts of the same message."""
    joined: list[Message] = []
    for message in messages:
        if not isinstance(message, UserMessage) or not message.tool_results:
            joined.append(message)
            continue
        results = message.tool_results
        rest = tuple(part for part in message.content if not isinstance(part, ToolResult))
        last = joined[-1] if joined else None
        if (
            isinstance(last, UserMessage)
            and last.tool_results
            and len(last.tool_results) == len(last.content)
        ):
            joined[-1] = UserMessage(last.content + results + rest)
        else:
            ordered = results + rest
            joined.append(message if ordered == message.content else UserMessage(ordered))
    return joined
