"""Errors as values: what came of a step, for pipelines that go on where one failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar

__all__ = ["Err", "Ok", "Outcome"]

Value_co = TypeVar("Value_co", covariant=True)
Failure_co = TypeVar("Failure_co", covariant=True)


@dataclass(frozen=True)
class Ok(Generic[Value_co]):
    """A value that was come to."""

    value: Value_co

    def unwrap(self) -> Value_co:
        """The value."""
        return self.value


@dataclass(frozen=True)
class Err(Generic[Failure_co]):
    """What went wrong instead: an exception, or what `map_err` made of it."""

    error: Failure_co

    def unwrap(self) -> NoReturn:
        """Raise what went wrong.

        Raises:
            BaseException: The error, where it is one; else a `ValueError` that tells it.
        """
        error: Any = self.error
        raise error if isinstance(error, BaseException) else ValueError(error)


Outcome: TypeAlias = Ok[Value_co] | Err[Failure_co]
