"""JSON Schema of a function's arguments, from its signature, type hints and docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import docstring_parser
from docstring_parser import Docstring, DocstringStyle, ParseError

from agentlab.errors import UsageError
from agentlab.tools.context import ToolContext
from agentlab.tools.plain_schema import plain_schema

if TYPE_CHECKING:
    from agentlab.tools.argument_model import ArgumentModel

__all__ = ["Arguments", "describe"]


_MARKS_OF_OTHER_STYLES: Final = ("--", "..", "@")


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
        self.schema: dict[str, Any] = plain_schema(self._parameters) or self._model.schema()

    @cached_property
    def _model(self) -> ArgumentModel:
        """Pydantic's model of the arguments; of plain ones it is only made when there is a call to be validated."""
        from agentlab.tools.argument_model import ArgumentModel  # noqa: PLC0415 - loads pydantic, a third of the import

        return ArgumentModel(self._name, self._parameters)

    def validated(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments converted to the parameters' types.

        Raises:
            InvalidToolArguments: They do not fit; the message is short and written for the model.
        """
        return self._model.validated(arguments)


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
