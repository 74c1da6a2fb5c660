"""Writes filters as SQL conditions that are never NULL, with every key and value as a parameter.

A dialect says how one key compares with one value; and, or and not are the same in every SQL.
"""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias

from agentlab.retrieval.filters import And, Comparison, Filter, In, Not, Or, Value

__all__ = ["SIGNS", "Condition", "Dialect", "sql_condition"]

Condition: TypeAlias = tuple[str, list[Value]]
"""SQL with placeholders, and their values in order."""

SIGNS: Final = {"gt": ">", "lt": "<", "ge": ">=", "le": "<="}


class Dialect(Protocol):
    """How an engine compares the value of a key in a column of JSON; conditions are true or false, never NULL."""

    def equals(self, key: str, value: Value) -> Condition:
        """True where the key's value is of the same kind and equal; None equals a missing key as well."""
        ...

    def ordered(self, key: str, sign: str, value: str | float) -> Condition:
        """True where the key's value is of the same kind and stands so to the value."""
        ...


def sql_condition(filter: Filter | None, dialect: Dialect) -> Condition:
    """A filter as a condition; `TRUE` for None."""
    match filter:
        case None:
            return "TRUE", []
        case Comparison(key=key, operator="eq", value=value):
            return dialect.equals(key, value)
        case Comparison(key=key, operator="ne", value=value):
            return _negated(dialect.equals(key, value))
        case Comparison(key=key, operator=operator, value=value):
            assert value is not None
            return dialect.ordered(key, SIGNS[operator], value)
        case In(key=key, values=values):
            return _joined("OR", [dialect.equals(key, value) for value in values])
        case And(filters=filters):
            return _joined("AND", [sql_condition(each, dialect) for each in filters])
        case Or(filters=filters):
            return _joined("OR", [sql_condition(each, dialect) for each in filters])
        case Not(filter=inner):
            return _negated(sql_condition(inner, dialect))
        case _:
            raise TypeError(f"{type(filter).__name__} is no filter of agentlab.retrieval.filters")


def _negated(condition: Condition) -> Condition:
    sql, values = condition
    return f"NOT ({sql})", values


def _joined(word: str, conditions: list[Condition]) -> Condition:
    if not conditions:
        return ("TRUE" if word == "AND" else "FALSE"), []
    # Pairwise, so that a long list nests no deeper than its logarithm: engines limit the depth of expressions.
    while len(conditions) > 1:
        pairs = [conditions[start : start + 2] for start in range(0, len(conditions), 2)]
        conditions = [
            (
                f"({f' {word} '.join(sql for sql, _ in pair)})",
                [value for _, values in pair for value in values],
            )
            for pair in pairs
        ]
    return conditions[0]
