"""JSON Schema of a function's arguments, from its signature, type hints and docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, get_type_hints

import docstring_parser
from docstring_parser import Docstring, DocstringStyle, ParseError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

from agentlab.errors import InvalidToolArguments, UsageError
from agentlab.tools.context import ToolContext
from agentlab.tools.plain_schema import plain_schema

__all__ = ["Arguments", "describe"]


_MARKS_OF_OTHER_STYLES: Final = ("--", "..", "@")


class _MethodsByType(dict[str, Any]):
    """The generator's methods by type of schema, looked up when one is needed; few of the sixty are."""

    def __init__(self, generator: GenerateJsonSchema) -> None:
        self._generator = generator

    def __missing__(self, kind: str) -> Any:
        return getattr(self._generator, f"{kind.replace('-', '_')}_schema")


class _SchemaGenerator(GenerateJsonSchema):
    """Pydantic's own, without the table of all methods that it makes for each schema."""

    def build_schema_type_to_method(self) -> dict[Any, Any]:
        """A table that fills itself."""
        return _MethodsByType(self)


class Arguments:
    """The arguments of one function: their schema, and their validation.

    Attributes:
        schema: JSON Schema, an object with `properties`; `title` keys that only repeat the name are left out.
        context_parameter: Name of the parameter that receives the `ToolContext`, or None.
    """

    def __init__(self, function: Callable[..., Any], descriptions: Mapping[str, str], name: str) -> None:
        hints = _hints(function, name)
        self.context_parameter: str | None = None
        self._name = name
        self._parameters: dict[str, tuple[Any, Any, str | None]] = {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
                raise UsageError(
                    f"tool `{name}`: parameter `{parameter}` cannot be named in a call; use plain parameters"
                )
            annotation = hints.get(parameter.name, Any)
            if annotation is ToolContext:
                self.context_parameter = parameter.name
                continue
            self._parameters[parameter.name] = (
                annotation,
                parameter.default,
                descriptions.get(parameter.name),
            )
        self.schema: dict[str, Any] = plain_schema(self._parameters) or self._pydantic_schema()

    @cached_property
    def _model(self) -> type[BaseModel]:
        """Pydantic's model of the arguments; of plain ones it is only made when there is a call to be validated."""
        fields: dict[str, Any] = {}
        for name, (annotation, default, description) in self._parameters.items():
            given = ... if default is inspect.Parameter.empty else default
            # An alias lets a parameter have any name, also one that pydantic's own methods have.
            field = Field(given, alias=name, description=description)
            fields[f"argument_{len(fields)}"] = (annotation, field)
        return create_model(
            self._name, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields
        )

    def _pydantic_schema(self) -> dict[str, Any]:
        try:
            schema = self._model.model_json_schema(schema_generator=_SchemaGenerator)
        except (PydanticUserError, TypeError) as error:
            raise UsageError(f"tool `{self._name}`: a parameter's type has no JSON schema: {error}") from None
        told: dict[str, Any] = _without_titles(schema)
        told.setdefault("properties", {})
        return told

    def validated(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments converted to the parameters' types.

        Raises:
            InvalidToolArguments: They do not fit; the message is short and written for the model.
        """
        try:
            model = self._model.model_validate(dict(arguments))
        except ValidationError as error:
            problems = "; ".join(_problem(detail) for detail in error.errors(include_url=False)[:5])
            raise InvalidToolArguments(f"invalid arguments for `{self._name}`: {problems}") from None
        fields = zip(self._parameters, self._model.model_fields, strict=True)
        return {name: getattr(model, field) for name, field in fields}


def describe(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The description of a function and of its parameters, from its docstring (Google, NumPy or Sphinx style)."""
    parsed = _parsed(inspect.getdoc(function) or "")
    description = "\n\n".join(text for text in (parsed.short_description, parsed.long_description) if text)
    return description, {param.arg_name: param.description or "" for param in parsed.params}


def _parsed(text: str) -> Docstring:
    """As `docstring_parser.parse`, which tries every style, takes the first that finds most, and so is slow.

    NumPy's sections are underlined or begin with `..`, Epydoc's begin with `@`: without those the two find nothing, and come
    after the others.
    """
    if not any(mark in text for mark in _MARKS_OF_OTHER_STYLES):
        with suppress(ParseError):
            found = [
                docstring_parser.parse(text, style) for style in (DocstringStyle.REST, DocstringStyle.GOOGLE)
            ]
            return max(found, key=lambda each: len(each.meta))
    return docstring_parser.parse(text)


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise UsageError(f"tool `{name}`: a type hint cannot be resolved: {error}") from None


def _problem(detail: Mapping[str, Any]) -> str:
    place = ".".join(str(step) for step in detail["loc"])
    return f"{place}: {detail['msg']}" if place else str(detail["msg"])


def _without_titles(schema: Any) -> Any:
    """Drop pydantic's `title` annotations: they cost tokens in every request and say nothing new."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without_titles(each) for name, each in value.items()}
        if key == "properties"
        else _without_titles(value)
        for key, value in schema.items()
        if not _is_title(key, value)
    }


def _is_title(key: str, value: Any) -> bool:
    return key == "title" and isinstance(value, str)
