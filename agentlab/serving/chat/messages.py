"""Messages of OpenAI's chat interface as this library's, with nothing lost or refused in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

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
from agentlab.serving.media import file_document, image_of, sound_of
from agentlab.serving.refusals import invalid

__all__ = ["ChatMessage", "read_messages"]


class TextPart(Struct, frozen=True, tag="text", tag_field="type"):
    """A text."""

    text: str


class RefusalPart(Struct, frozen=True, tag="refusal", tag_field="type"):
    """What the model declined with."""

    refusal: str


class ImageUrl(Struct, frozen=True):
    """An image by URL; `data:` URLs hold it themselves."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Struct, frozen=True, tag="image_url", tag_field="type"):
    """An image."""

    image_url: ImageUrl


class InputAudio(Struct, frozen=True):
    """Sound as base64; `format` is a suffix such as `wav`."""

    data: str
    format: str


class AudioPart(Struct, frozen=True, tag="input_audio", tag_field="type"):
    """Sound."""

    input_audio: InputAudio


class FileData(Struct, frozen=True):
    """A file: its bytes as a `data:` URL, or an id the provider knows."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(Struct, frozen=True, tag="file", tag_field="type"):
    """A file."""

    file: FileData


Part = TextPart | RefusalPart | ImagePart | AudioPart | FilePart
Content = str | list[Part] | None


class Function(Struct, frozen=True):
    """A function that is called, and its arguments as JSON text."""

    name: str
    arguments: str = ""


class Call(Struct, frozen=True, tag="function", tag_field="type"):
    """A tool call."""

    id: str
    function: Function


class System(Struct, frozen=True, tag="system", tag_field="role"):
    """Instructions."""

    content: Content = None


class Developer(Struct, frozen=True, tag="developer", tag_field="role"):
    """Instructions, under their newer name."""

    content: Content = None


class User(Struct, frozen=True, tag="user", tag_field="role"):
    """What the user says."""

    content: Content = None


class Assistant(Struct, frozen=True, tag="assistant", tag_field="role"):
    """What the model said."""

    content: Content = None
    tool_calls: list[Call] | None = None
    refusal: str | None = None


class ToolAnswer(Struct, frozen=True, tag="tool", tag_field="role"):
    """What a tool answered."""

    tool_call_id: str
    content: Content = None


ChatMessage = System | Developer | User | Assistant | ToolAnswer


def read_messages(given: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """The messages in this library's terms; results of one turn's calls become one message.

    Raises:
        Refused: A part stands where it cannot, or a result answers no call.
    """
    read: list[Message] = []
    names: dict[str, str] = {}
    for place, message in enumerate(given):
        where = f"messages[{place}]"
        if isinstance(message, ToolAnswer):
            result = _result(message, names, where)
            before = read[-1]
            if isinstance(before, UserMessage):
                read[-1] = UserMessage((*before.content, result))
            else:
                read.append(UserMessage((result,)))
        elif isinstance(message, User):
            read.append(UserMessage(tuple(_user_part(part, where) for part in _parts(message.content))))
        elif isinstance(message, Assistant):
            turn = AssistantMessage(tuple(_said(message, where)))
            names = {call.id: call.name for call in turn.tool_calls}
            if turn.content:
                read.append(turn)
        else:
            read.append(SystemMessage(_text(message.content, where)))
    return tuple(read)


def _parts(content: Content) -> list[Part]:
    if content is None:
        return []
    return [TextPart(content)] if isinstance(content, str) else content


def _user_part(part: Part, where: str) -> UserPart:
    if isinstance(part, TextPart):
        return Text(part.text)
    if isinstance(part, ImagePart):
        return image_of(part.image_url.url, part.image_url.detail, where)
    if isinstance(part, AudioPart):
        return sound_of(part.input_audio.data, part.input_audio.format, where)
    if isinstance(part, FilePart):
        return file_document(part.file.file_data, part.file.file_id, part.file.filename, where)
    raise invalid("a user's message holds no refusal", where)


def _said(message: Assistant, where: str) -> list[AssistantPart]:
    said: list[AssistantPart] = []
    for part in _parts(message.content):
        if isinstance(part, TextPart):
            if part.text:
                said.append(Text(part.text))
        elif isinstance(part, RefusalPart):
            said.append(Refusal(part.refusal))
        else:
            raise invalid("an assistant's message holds text and refusals", where)
    if message.refusal:
        said.append(Refusal(message.refusal))
    said += [
        ToolCall(call.id, call.function.name, call.function.arguments, provider_id=call.id)
        for call in message.tool_calls or ()
    ]
    return said


def _result(message: ToolAnswer, names: dict[str, str], where: str) -> ToolResult:
    name = names.get(message.tool_call_id)
    if name is None:
        raise invalid(
            f"no call of the assistant's message before it has the id {message.tool_call_id!r}",
            f"{where}.tool_call_id",
        )
    content: list[ToolResultContent] = []
    for part in _parts(message.content):
        if isinstance(part, TextPart):
            content.append(Text(part.text))
        elif isinstance(part, ImagePart):
            content.append(image_of(part.image_url.url, part.image_url.detail, where))
        else:
            raise invalid("a tool's result holds text and images", where)
    return ToolResult(
        message.tool_call_id,
        name,
        tuple(content) or (Text(""),),
        provider_id=message.tool_call_id,
    )


def _text(content: Content, where: str) -> str:
    texts = [part.text if isinstance(part, TextPart) else None for part in _parts(content)]
    if None in texts:
        raise invalid("a system message is text", where)
    return "\n".join(text for text in texts if text is not None)
