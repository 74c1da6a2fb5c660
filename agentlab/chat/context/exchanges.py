"""A session's log as exchanges: a prompt with all that followed it until the next, whole and shortened.

Nothing here reads a text it need not: sizes are those stored with the entries, and messages are made only of the exchanges that
are sent. A log of 10,000 messages takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import is_
from typing import Final

import msgspec
from msgspec import Struct, structs

from agentlab.chat.context.told import PLAN_TOOL
from agentlab.messages import Message, Text, ToolCall, ToolResult, UserMessage
from agentlab.sessions.entries import (
    AssistantSaid,
    Attached,
    Detached,
    ModeChanged,
    Stored,
    ToolAnswered,
    UserSaid,
)
from agentlab.sessions.history import history_of
from agentlab.short_repr import ShortRepr

__all__ = ["Exchanges", "exchanges_of"]

_CHARS_A_TOKEN: Final = 4
_NO_ARGUMENTS: Final = "{}"


class Exchanges(ShortRepr, Struct, frozen=True):
    """A branch's conversation, cut where the user speaks.

    Attributes:
        said: The entries in which something was said, in order, apart from all others.
        starts: Where in `said` each exchange begins.
        sizes: Estimated tokens of each.
        briefs: The same with tool results and inputs replaced by their summaries.
        files: What was attached and detached, each with the number of exchanges that had begun before.
        modes: How many exchanges had begun at each change of mode.
        telling: Entries that may tell modes and files, each with its exchange.
    """

    said: list[Stored]
    starts: list[int]
    sizes: list[int]
    briefs: list[int]
    files: list[tuple[int, Attached | Detached]]
    modes: list[int]
    telling: list[tuple[int, UserSaid | ToolAnswered]]

    @property
    def mode_changed(self) -> bool:
        """Whether the mode changed since the newest exchange began."""
        return self.modes[-1:] == [len(self.starts)]

    def __len__(self) -> int:
        return len(self.starts)

    def entries(self, place: int) -> list[Stored]:
        """What was said in an exchange."""
        end = self.starts[place + 1] if place + 1 < len(self.starts) else len(self.said)
        return self.said[self.starts[place] : end]

    def messages(self, place: int, *, brief: bool = False) -> list[Message]:
        """An exchange as messages, as `agentlab.sessions.history.history_of` makes them.

        Args:
            place: Which one.
            brief: Whether tool results and inputs are replaced by their summaries.
        """
        said = self.entries(place)
        if brief:
            said = _shortened(said)
        return _plain_messages(said) or history_of(said)


def exchanges_of(entries: Iterable[Stored]) -> Exchanges:
    """Cut a log into exchanges.

    Args:
        entries: A branch's entries, in order.
    """
    found = Exchanges([], [], [], [], [], [], [])
    calls: dict[str, ToolCall] = {}
    for stored in entries:
        entry = stored.entry
        saved = 0
        if isinstance(entry, ToolAnswered):
            saved = _saved(entry, stored.tokens, calls.get(entry.result.call_id))
        elif isinstance(entry, AssistantSaid):
            calls = {call.id: call for call in entry.message.tool_calls}
        elif isinstance(entry, Attached | Detached):
            found.files.append((len(found.starts), entry))
            continue
        elif not isinstance(entry, UserSaid):
            if isinstance(entry, ModeChanged):
                found.modes.append(len(found.starts))
            continue
        if not found.starts or (isinstance(entry, UserSaid) and not entry.message.tool_results):
            found.starts.append(len(found.said))
            found.sizes.append(0)
            found.briefs.append(0)
        if isinstance(entry, UserSaid) or (
            isinstance(entry, ToolAnswered) and entry.result.name == PLAN_TOOL
        ):
            found.telling.append((len(found.starts) - 1, entry))
        found.said.append(stored)
        found.sizes[-1] += stored.tokens
        found.briefs[-1] += stored.tokens - saved
    return found


def _plain_messages(said: Iterable[Stored]) -> list[Message] | None:
    """An exchange in which nothing needs mending, without a look into its texts; None of any other."""
    messages: list[Message] = []
    waiting: list[str] = []
    results: list[ToolResult] = []
    for stored in said:
        entry = stored.entry
        if isinstance(entry, ToolAnswered):
            results.append(entry.result)
            continue
        if not isinstance(entry, UserSaid | AssistantSaid) or not _is_sound(entry):
            return None
        if not _take(messages, waiting, results):
            return None
        messages.append(entry.message)
        waiting = [call.id for call in entry.message.tool_calls] if isinstance(entry, AssistantSaid) else []
        results = []
    return messages if _take(messages, waiting, results) else None


def _take(messages: list[Message], waiting: Sequence[str], results: Sequence[ToolResult]) -> bool:
    """Add a turn's results as one message in the order of its calls; whether they answer them, each once."""
    by_call = {result.call_id: result for result in results if result.content}
    if len(waiting) != len(results) or by_call.keys() != set(waiting) or len(by_call) != len(results):
        return False
    if results:
        messages.append(UserMessage(tuple(by_call[call_id] for call_id in waiting)))
    return True


def _is_sound(entry: UserSaid | AssistantSaid) -> bool:
    if isinstance(entry, UserSaid):
        return bool(entry.message.content) and not entry.message.tool_results
    return not entry.message.interrupted and not entry.message.is_empty


def _shortened(said: Sequence[Stored]) -> list[Stored]:
    """The same entries, with summaries where there are any and they are shorter."""
    answers = {each.entry.result.call_id: each.entry for each in said if isinstance(each.entry, ToolAnswered)}
    found = []
    for stored in said:
        entry = stored.entry
        if isinstance(entry, AssistantSaid):
            found.append(structs.replace(stored, entry=_with_short_inputs(entry, answers)))
        elif isinstance(entry, ToolAnswered) and _is_shorter(entry):
            result = structs.replace(entry.result, content=(Text(entry.summary),))
            found.append(structs.replace(stored, entry=structs.replace(entry, result=result)))
        else:
            found.append(stored)
    return found


def _with_short_inputs(entry: AssistantSaid, answers: Mapping[str, ToolAnswered]) -> AssistantSaid:
    content = tuple(
        structs.replace(part, arguments_json=answers[part.id].arguments_json)
        if isinstance(part, ToolCall) and part.id in answers and _input_saved(part, answers[part.id])
        else part
        for part in entry.message.content
    )
    if all(map(is_, content, entry.message.content)):
        return entry
    return structs.replace(entry, message=structs.replace(entry.message, content=content))


def _saved(entry: ToolAnswered, tokens: int, call: ToolCall | None) -> int:
    """Estimated tokens that an answer's summary saves, in proportion to its length: texts are not counted anew."""
    saved = 0
    if _is_shorter(entry):
        chars = _chars(entry.result)
        saved = tokens - -(-tokens * len(entry.summary) // chars) if chars else 0
    return saved + (_input_saved(call, entry) if call is not None else 0)


def _is_shorter(entry: ToolAnswered) -> bool:
    if entry.result.name == PLAN_TOOL:
        return False  # the approved plan stands in it
    return bool(entry.summary) and len(entry.summary) < _chars(entry.result)


def _chars(result: ToolResult) -> int:
    if len(result.content) == 1 and isinstance(result.content[0], Text):
        return len(result.content[0].text)
    return len(result.text)


def _input_saved(call: ToolCall, entry: ToolAnswered) -> int:
    """Estimated tokens that a summarised input saves; 0 where it may not stand for the call's own.

    A provider that signed a call refuses another one, and no provider takes arguments that are no JSON object.
    """
    freed = len(call.arguments_json) - len(entry.arguments_json)
    is_told = entry.arguments_json != _NO_ARGUMENTS
    if not is_told or freed < _CHARS_A_TOKEN or call.signature is not None or call.extra is not None:
        return 0
    try:
        is_object = isinstance(msgspec.json.decode(entry.arguments_json), dict)
    except (msgspec.DecodeError, UnicodeError):
        return 0
    return freed // _CHARS_A_TOKEN if is_object else 0
