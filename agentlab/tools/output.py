"""What a tool returned, as content for the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from agentlab.errors import ToolError
from agentlab.messages import Image, Json, Text, ToolResultContent

__all__ = ["as_content"]


def as_content(value: Any) -> tuple[ToolResultContent, ...]:
    """Turn any return value into content.

    Text stays text and is never parsed; parts stay what they are; everything else becomes JSON.

    Args:
        value: A string, a `Text`, `Json` or `Image`, a sequence of those, or anything with a JSON form.

    Raises:
        ToolError: The value has no JSON form.
    """
    if isinstance(value, str):
        return (Text(value),)
    if isinstance(value, Text | Json | Image):
        return (value,)
    if isinstance(value, Sequence) and value and all(isinstance(item, Text | Json | Image) for item in value):
        return tuple(value)
    return (Json(_jsonable(value)),)


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=to_jsonable_python)
    except (TypeError, ValueError) as error:
        raise ToolError(
            f"the tool returned a `{type(value).__name__}`, which has no JSON form: {error}"
        ) from None
