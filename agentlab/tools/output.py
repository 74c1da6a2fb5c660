"""What a tool returned, as content for the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pydantic
import pydantic_core
from msgspec import structs

from agentlab.errors import ToolError
from agentlab.messages import Image, Json, Text, ToolResultContent

__all__ = ["as_content", "sendable"]


def as_content(value: Any) -> tuple[ToolResultContent, ...]:
    """Turn any return value into content.

    Text stays text and is never parsed; parts stay what they are; everything else becomes JSON.

    Args:
        value: A string, a `Text`, `Json` or `Image`, a sequence of those, or anything with a JSON form.

    Raises:
        ToolError: The value has no JSON form.
    """
    if isinstance(value, str | Text | Json | Image):
        return (_part(value),)
    if isinstance(value, Sequence) and value and all(isinstance(item, Text | Json | Image) for item in value):
        return tuple(_part(item) for item in value)
    return (Json(_jsonable(value)),)


def sendable(text: str) -> str:
    """The text with lone surrogates replaced: they have no UTF-8 form, so no provider could be sent them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _part(value: str | Text | Json | Image) -> ToolResultContent:
    if isinstance(value, str):
        return Text(sendable(value))
    if isinstance(value, Json):
        return Json(_jsonable(value.value))
    return structs.replace(value, text=sendable(value.text)) if isinstance(value, Text) else value


def _jsonable(value: Any) -> Any:
    """The value as JSON gives it back, so that a history read from a file equals the one that was written."""
    try:
        return msgspec.json.decode(
            _encoded(msgspec.to_builtins(value, str_keys=True, enc_hook=_pydantics_form))
        )
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise ToolError(
            f"the tool returned a `{type(value).__name__}`, which has no JSON form: {error}"
        ) from None


def _pydantics_form(value: Any) -> Any:
    if isinstance(value, pydantic.BaseModel):
        return value.model_dump(mode="json")
    return pydantic_core.to_jsonable_python(value)


def _encoded(plain: Any) -> bytes:
    try:
        return msgspec.json.encode(plain)
    except UnicodeEncodeError:
        return msgspec.json.encode(_sendable(plain))


def _sendable(plain: Any) -> Any:
    if isinstance(plain, str):
        return sendable(plain)
    if isinstance(plain, list):
        return [_sendable(item) for item in plain]
    if isinstance(plain, dict):
        return {_sendable(key): _sendable(item) for key, item in plain.items()}
    return plain
