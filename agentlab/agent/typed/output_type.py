"""A type as providers see it, and its values as JSON and back. Knows nothing of models."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
import pydantic
from msgspec import Struct

from agentlab.errors import UsageError

__all__ = ["WRAPPED", "OutputType", "Reading"]

WRAPPED: Final = "result"
"""The key under which a type that is no object stands: providers want an object at the top."""

_PROBLEMS: Final = 5
_SHOWN: Final = 60
_FENCED: Final = re.compile(r"```[ \t]*\w*[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


class Reading(Struct, frozen=True):
    """What a text is as a value of a type.

    Attributes:
        value: The value; None where there is a problem.
        problem: What does not fit, in words the model can mend it by; None where all does.
        is_missing: Whether the text holds no JSON at all.
    """

    value: Any = None
    problem: str | None = None
    is_missing: bool = False


class OutputType:
    """A type that a model is to answer with.

    Args:
        output: Anything pydantic can validate: a model, a dataclass, a TypedDict, a list, a number, ...

    Attributes:
        output: The type.
        name: What it is called in errors.
        title: What its schema is called: the schema's own title, else the type's name.
        schema: Its JSON Schema, with an object at the top.
        is_wrapped: Whether the value stands under the key `result` of that object.

    Raises:
        UsageError: The type has no JSON schema.
    """

    def __init__(self, output: Any) -> None:
        try:
            self._adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(output)
            schema = _without_reference(self._adapter.json_schema())
        except pydantic.PydanticUserError as error:
            raise UsageError(f"{output!r} has no JSON schema: {error}") from None
        self.output = output
        self.name: str = getattr(output, "__name__", None) or str(output)
        self.title: str = schema.get("title") or getattr(output, "__name__", None) or "response_schema"
        self.is_wrapped = schema.get("type") != "object"
        self.schema = _wrapped(schema) if self.is_wrapped else schema
        if self.is_wrapped:
            self._reader: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(
                pydantic.create_model("Wrapped", result=(output, ...))
            )
        else:
            self._reader = self._adapter

    def read(self, text: str) -> Reading:
        """A text as a value; a Markdown fence around the JSON is no fault."""
        bare = _bare_json(text)
        if not _is_json(bare):
            said = " ".join(text.split())
            shown = f": {said[:_SHOWN]!r}" if said else ""
            return Reading(problem=f"it is {'no JSON' if said else 'empty'}{shown}", is_missing=True)
        try:
            value = self._reader.validate_json(bare)
        except pydantic.ValidationError as error:
            return Reading(problem=_told(error))
        return Reading(getattr(value, WRAPPED) if self.is_wrapped else value)

    def write(self, value: Any) -> str:
        """A value as the JSON that `read` gives it back from.

        Raises:
            UsageError: It is no value of the type.
        """
        try:
            said = self._adapter.dump_json(self._adapter.validate_python(value), by_alias=True).decode()
        except (pydantic.ValidationError, ValueError) as error:
            raise UsageError(f"{value!r} is no `{self.name}`: {error}") from None
        return f'{{"{WRAPPED}":{said}}}' if self.is_wrapped else said


def _without_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """A recursive type's schema is a reference to its own definition; providers want the object itself at the top."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or "$defs" not in schema:
        return schema
    definition = schema["$defs"][reference.rpartition("/")[2]]
    return {**definition, "$defs": schema["$defs"]}


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    return {
        "type": "object",
        "properties": {WRAPPED: inner},
        "required": [WRAPPED],
        "additionalProperties": False,
        **({"$defs": schema["$defs"]} if "$defs" in schema else {}),
    }


def _bare_json(text: str) -> str:
    """The text without a Markdown fence around it, or without the words around a fence."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```"):
        return stripped[3:-3].removeprefix("json").strip()
    if not _is_json(stripped) and (fenced := _FENCED.search(stripped)):
        return fenced[1].strip()
    return stripped


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return False
    return True


def _told(error: pydantic.ValidationError) -> str:
    """The first few problems, each with the path to it."""
    problems = [
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        for problem in error.errors(include_url=False)[:_PROBLEMS]
    ]
    return "; ".join(problem.removeprefix(": ") for problem in problems)
