"""Input items of OpenAI's Responses as this library's messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Message,
    Refusal,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    ToolResultContent,
    UserMessage,
    UserPart,
)
from agentlab.serving.json_body import fitted
from agentlab.serving.media import file_document, image_of, sound_of
from agentlab.serving.refusals import invalid

__all__ = ["read_items"]


class InputText(Struct, frozen=True, tag="input_text", tag_field="type"):
    """What somebody wrote."""

    text: str


class OutputText(Struct, frozen=True, tag="output_text", tag_field="type"):
    """What the model wrote."""

    text: str


class OutputRefusal(Struct, frozen=True, tag="refusal", tag_field="type"):
    """What the model declined with."""

    refusal: str


class InputImage(Struct, frozen=True, tag="input_image", tag_field="type"):
    """An image."""

    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class InputFile(Struct, frozen=True, tag="input_file", tag_field="type"):
    """A file."""

    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None


class Sound(Struct, frozen=True):
    """Sound as base64; `format` is a suffix such as `wav`."""

    data: str
    format: str


class InputAudio(Struct, frozen=True, tag="input_audio", tag_field="type"):
    """Sound."""

    input_audio: Sound


Part = InputText | OutputText | OutputRefusal | InputImage | InputFile | InputAudio


class MessageItem(Struct, frozen=True, tag="message", tag_field="type"):
    """What somebody says."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]


class FunctionCall(Struct, frozen=True, tag="function_call", tag_field="type"):
    """A call of the client's tool."""

    call_id: str
    name: str
    arguments: str


class FunctionCallOutput(Struct, frozen=True, tag="function_call_output", tag_field="type"):
    """What the client's tool answered."""

    call_id: str
    output: str | list[Part]


class ReasoningItem(Struct, frozen=True, tag="reasoning", tag_field="type"):
    """Reasoning the client sends back. The server has the real one; see `ConversationMemory`."""


Item = MessageItem | FunctionCall | FunctionCallOutput | ReasoningItem
_KINDS: Final = frozenset({"message", "function_call", "function_call_output", "reasoning"})


def read_items(given: str | Sequence[dict[str, Any]], before: Sequence[Message] = ()) -> tuple[Message, ...]:
    """A conversation, and what a request adds to it.

    What the model said in one answer becomes one message, and so do the results of its calls.

    Args:
        given: The request's input.
        before: The conversation so far.

    Raises:
        Refused: An item is of a kind that is not offered, or stands where it cannot.
    """
    if isinstance(given, str):
        return (*before, UserMessage.of(given))
    read = list(before)
    for place, raw in enumerate(given):
        _add(read, raw, f"input[{place}]", fresh=place == 0)
    return tuple(read)


def _add(read: list[Message], raw: dict[str, Any], where: str, *, fresh: bool) -> None:
    """Append an item, to the message before it where the two are one; `fresh` says that a new turn may begin."""
    typed = {"type": "message", **raw}
    if typed["type"] not in _KINDS:
        raise invalid(f"items of the type `{typed['type']}` are not offered", f"{where}.type")
    item: Item = fitted(typed, Item, where)
    if isinstance(item, ReasoningItem):
        return
    last = read[-1] if read else None
    if isinstance(item, FunctionCallOutput):
        result = _result(item, read, where)
        if isinstance(last, UserMessage) and not fresh:
            read[-1] = UserMessage((*last.content, result))
        else:
            read.append(UserMessage((result,)))
        return
    if isinstance(item, FunctionCall):
        said: tuple[AssistantPart, ...] = (
            ToolCall(item.call_id, item.name, item.arguments, provider_id=item.call_id),
        )
    elif item.role == "assistant":
        said = _said(item.content, where)
    else:
        read.append(_heard(item, where))
        return
    if isinstance(last, AssistantMessage) and not fresh:
        read[-1] = AssistantMessage((*last.content, *said))
    elif said:
        read.append(AssistantMessage(said))


def _heard(item: MessageItem, where: str) -> Message:
    if item.role == "user":
        return UserMessage(tuple(_user_part(part, where) for part in _parts(item.content)))
    texts = [part.text if isinstance(part, InputText) else None for part in _parts(item.content)]
    if None in texts:
        raise invalid("a system message is text", where)
    return SystemMessage("\n".join(text for text in texts if text is not None))


def _parts(content: str | list[Part]) -> list[Part]:
    return [InputText(content)] if isinstance(content, str) else content


def _user_part(part: Part, where: str) -> UserPart:
    if isinstance(part, InputText):
        return Text(part.text)
    if isinstance(part, InputImage):
        return image_of(part.image_url, part.detail, where, file_id=part.file_id)
    if isinstance(part, InputFile):
        return file_document(part.file_data, part.file_id, part.filename, where, file_url=part.file_url)
    if isinstance(part, InputAudio):
        return sound_of(part.input_audio.data, part.input_audio.format, where)
    raise invalid("a user's message holds no output", where)


def _said(content: str | list[Part], where: str) -> tuple[AssistantPart, ...]:
    said: list[AssistantPart] = []
    for part in _parts(content):
        if isinstance(part, InputText | OutputText):
            if part.text:
                said.append(Text(part.text))
        elif isinstance(part, OutputRefusal):
            said.append(Refusal(part.refusal))
        else:
            raise invalid("an assistant's message holds text and refusals", where)
    return tuple(said)


def _result(item: FunctionCallOutput, read: Sequence[Message], where: str) -> ToolResult:
    turn = next((message for message in reversed(read) if isinstance(message, AssistantMessage)), None)
    names = {call.id: call.name for call in turn.tool_calls} if turn is not None else {}
    if item.call_id not in names:
        raise invalid(
            f"no function call before it has the id {item.call_id!r}", f"{where}.call_id", code="not_found"
        )
    content: list[ToolResultContent] = []
    for part in _parts(item.output):
        if isinstance(part, InputText):
            content.append(Text(part.text))
        elif isinstance(part, InputImage):
            content.append(image_of(part.image_url, part.detail, where, file_id=part.file_id))
        else:
            raise invalid("a function's output holds text and images", where)
    return ToolResult(
        item.call_id, names[item.call_id], tuple(content) or (Text(""),), provider_id=item.call_id
    )
