"""The arguments of a function as a model of pydantic, for what is not plain and for validation."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

from agentlab.errors import InvalidToolArguments, UsageError

__all__ = ["ArgumentModel"]


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


class ArgumentModel:
    """A model of pydantic with a field a parameter.

    Args:
        name: Of the tool.
        parameters: The parameters by name: annotation, default (`inspect.Parameter.empty` for none), description.

    Raises:
        UsageError: A parameter's type has no JSON schema.
    """

    def __init__(self, name: str, parameters: Mapping[str, tuple[Any, Any, str | None]]) -> None:
        self._name = name
        self._parameters = tuple(parameters)
        fields: dict[str, Any] = {}
        for parameter, (annotation, default, description) in parameters.items():
            given = ... if default is inspect.Parameter.empty else default
            # An alias lets a parameter have any name, also one that pydantic's own methods have.
            field = Field(given, alias=parameter, description=description)
            fields[f"argument_{len(fields)}"] = (annotation, field)
        with _no_schema_told(name):
            self._model = create_model(
                name, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields
            )

    def schema(self) -> dict[str, Any]:
        """The JSON Schema, without `title` keys that only repeat the name.

        Raises:
            UsageError: A parameter's type has none.
        """
        with _no_schema_told(self._name):
            schema = self._model.model_json_schema(schema_generator=_SchemaGenerator)
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


@contextmanager
def _no_schema_told(name: str) -> Iterator[None]:
    try:
        yield
    except (PydanticUserError, TypeError) as error:
        raise UsageError(f"tool `{name}`: a parameter's type has no JSON schema: {error}") from None


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
