"""Answers that should be JSON: of a shape, and with the right values in it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from agentlab.errors import UsageError
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring.normalising import Normal
from agentlab.experiments.scoring.scorer import Rule, Verdict, value_of

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

__all__ = ["JsonMatch", "json_in", "json_match"]

_OPENING: Final = re.compile(r"[{\[]")
_TRIES: Final = 200
"""Brackets tried as the start of the JSON; an answer of nothing but brackets must not take minutes."""
_MISSING: Final = object()


@dataclass(frozen=True, kw_only=True)
class JsonMatch(Rule):
    """Whether the answer is JSON of a shape and with the target's values; see `json_match`."""

    schema: Mapping[str, Any] | None = None
    compares: bool = True
    fields: tuple[str, ...] = ()
    partial: bool = True
    extra: bool = True
    absolute: float = 1e-9
    relative: float = 1e-9
    normal: Normal = field(default_factory=Normal)

    @property
    def needs(self) -> tuple[str, ...]:
        """The column of the right values; none where only the shape counts."""
        return (self.column,) if self.compares else ()

    def verdict(self, output: str, sample: Sample) -> Verdict:
        """1 or 0, or the share of the right fields."""
        wanted = self._target(sample) if self.compares else None
        answer = json_in(output)
        if answer is _MISSING:
            return Verdict(0.0, "the answer holds no JSON")
        if self.schema is not None:
            errors = sorted(self._validator.iter_errors(answer), key=lambda error: list(map(str, error.path)))
            if errors:
                return Verdict(
                    0.0, "; ".join(f"{_path(error.path)}: {error.message}" for error in errors[:3])
                )
        return self._compared(answer, wanted) if self.compares else Verdict(1.0)

    async def check(self, sample: Sample) -> None:
        """Score the target, as if it had been answered.

        Raises:
            UsageError: The target is no JSON, has not all fields that are compared, or does not fit the schema.
        """
        if not self.compares:
            return
        try:
            wanted = self._target(sample)
            verdict = self.verdict(msgspec.json.encode(wanted).decode(), sample)
        except (UsageError, TypeError, ValueError) as error:
            raise UsageError(
                f"scorer `{self.name}` cannot score sample {sample.sample_id!r}: {error}"
            ) from None
        if verdict.value < 1:
            raise UsageError(
                f"scorer `{self.name}` cannot score sample {sample.sample_id!r}: its own target would fail: "
                f"{verdict.reason}"
            )

    @cached_property
    def _validator(self) -> Validator:
        from jsonschema.validators import validator_for  # noqa: PLC0415 - only schemas need it

        validator: Validator = validator_for(self.schema)(self.schema)
        return validator

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_validator"}

    def _target(self, sample: Sample) -> Any:
        value = value_of(sample, self.column)
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise UsageError(f"`{self.column}` is no JSON: {error}") from None

    def _compared(self, answer: Any, wanted: Any) -> Verdict:
        leaves = dict(_leaves(wanted))
        compared = {path: leaf for path, leaf in leaves.items() if self._counts(path)}
        if not compared:
            raise UsageError(f"`{self.column}` has none of the fields {', '.join(self.fields)}")
        there = dict(_leaves(answer))
        wrong = [path for path, leaf in compared.items() if not self._equal(there.get(path, _MISSING), leaf)]
        added = [] if self.extra else [path for path in there if path not in leaves and self._counts(path)]
        if not wrong and not added:
            return Verdict(1.0)
        reason = f"wrong or missing: {_listed(wrong)}" if wrong else f"not asked for: {_listed(added)}"
        if not self.partial:
            return Verdict(0.0, reason)
        return Verdict(1 - (len(wrong) + len(added)) / (len(compared) + len(added)), reason)

    def _counts(self, path: str) -> bool:
        return not self.fields or any(
            path == name or path.startswith((f"{name}.", f"{name}[")) for name in self.fields
        )

    def _equal(self, said: Any, wanted: Any) -> bool:
        if isinstance(wanted, str) and isinstance(said, str):
            return self.normal(said) == self.normal(wanted)
        if _is_number(wanted) and _is_number(said):
            return math.isclose(said, wanted, rel_tol=self.relative, abs_tol=self.absolute)
        return type(said) is type(wanted) and bool(said == wanted)


def json_match(
    column: str | None = "target",
    *,
    schema: Mapping[str, Any] | type | None = None,
    fields: tuple[str, ...] | list[str] = (),
    partial: bool = True,
    extra: bool = True,
    absolute: float = 1e-9,
    relative: float = 1e-9,
    ignore_case: bool = False,
    name: str | None = None,
) -> JsonMatch:
    """The share of the target's fields that the answer has right; 0 where it is no JSON or does not fit the schema.

    The answer may stand in a Markdown fence or between words: the first JSON object or list in it counts.

    Args:
        column: The column of the dataset with the right values: an object, a list, or JSON text. None asks for the
            shape alone.
        schema: A JSON Schema, or a type, that the answer must fit.
        fields: Only these fields of the target count, with all below them: `"city"`, `"address.zip"`, `"items[0]"`.
        partial: Whether a part of the fields gives a part of the score; else it is 1 only where all are right.
        extra: Whether fields that the target has not are allowed; else each counts as a wrong one.
        absolute: How far off a number may be.
        relative: How far off a number may be, as a share of it; the larger of the two allowances counts.
        ignore_case: Whether case does not count in texts.
        name: Names the column of the score; `json_match` where None.

    Raises:
        UsageError: There is neither a column nor a schema, or the schema is not one.
    """
    if column is None and schema is None:
        raise UsageError("`json_match` needs a column with the right values, a schema, or both")
    return JsonMatch(
        column=column or "",
        compares=column is not None,
        schema=None if schema is None else _checked(schema),
        fields=tuple(fields),
        partial=partial,
        extra=extra,
        absolute=absolute,
        relative=relative,
        normal=Normal(ignore_case=ignore_case),
        name=name or "json_match",
    )


def json_in(text: str) -> Any:
    """The JSON of an answer: all of it, or the first object or list that stands in it; `_MISSING` without one."""
    stripped = text.strip()
    try:
        return msgspec.json.decode(stripped)
    except (msgspec.DecodeError, RecursionError):
        pass
    for opening in islice(_OPENING.finditer(stripped), _TRIES):
        try:
            return _DECODER.raw_decode(stripped, opening.start())[0]
        except (ValueError, RecursionError):
            continue
    return _MISSING


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values that hold no others, by path: `address.zip`, `items[0]`. An empty list or object is one."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value:
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        yield path, value


def _checked(schema: Mapping[str, Any] | type) -> Mapping[str, Any]:
    from jsonschema import SchemaError  # noqa: PLC0415 - only schemas need it
    from jsonschema.validators import validator_for  # noqa: PLC0415

    if isinstance(schema, Mapping):
        written = dict(schema)
    else:
        try:
            written = TypeAdapter(schema).json_schema()
        except PydanticUserError as error:
            raise UsageError(f"{schema!r} has no JSON schema: {error}") from None
    try:
        validator_for(written).check_schema(written)
    except SchemaError as error:
        raise UsageError(f"`schema` is no JSON Schema: {_path(error.path)}: {error.message}") from None
    return written


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _path(steps: Any) -> str:
    return (
        "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
        or "answer"
    )


def _listed(paths: list[str]) -> str:
    shown = ", ".join(path or "the value" for path in paths[:5])
    return f"{shown} and {len(paths) - 5} more" if len(paths) > 5 else shown
