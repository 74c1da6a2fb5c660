"""Conditions on one argument of a call, as plain data: a glob, or an object of tests that must all hold.

    "docs/*"                                  a text that fits a glob; `*` also stands for `/`
    {"inside": "docs"}                        a path in a folder, `..` worked out
    {"host": ["*.python.org", "pypi.org"]}    an http(s) address of a host that fits a glob
    {"at_most": 100}                          a number
    {"every": {"inside": "docs"}}             a list, each of its items

A value that a test cannot judge (a number for a glob, an address that two programs may read in two ways) is neither: the
answer is None. A rule that allows needs a clear yes, one that asks or denies takes all but a clear no.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from agentlab.agent.approving.values import host_of, is_number, is_within, pattern_of, place_of
from agentlab.errors import UsageError

__all__ = ["ABSENT", "check_condition", "check_glob", "holds"]

ABSENT: Final = object()
"""The value of an argument that was not given and has no default."""

_MOST_DEEP: Final = 8


def holds(condition: Any, value: Any) -> bool | None:
    """Whether a condition holds for a value; None where it cannot be said.

    Args:
        condition: A condition that `check_condition` let pass.
        value: The argument as JSON has it, or `ABSENT`. Null counts as absent for every test but `equals` and `one_of`.
    """
    if isinstance(condition, str):
        condition = {"glob": condition}
    return _all(_TESTS[test](wanted, value) for test, wanted in condition.items())


def check_condition(condition: Any, where: str) -> None:
    """Refuse a condition that can never hold, or that nobody could read.

    Args:
        condition: The condition, as data.
        where: Of what it is, for the message.

    Raises:
        UsageError: It is none; the message says why.
        MissingExtra: It has a regular expression, and the engine for them is not installed.
    """
    _check(condition, where, 0)


def check_glob(glob: Any, where: str) -> None:
    """Refuse what is no glob.

    Raises:
        UsageError: It is no text, is empty, or has a `[` that is never closed.
    """
    if not isinstance(glob, str) or not glob:
        raise UsageError(f"{where} is a glob, a text that is not empty, not {glob!r}")
    rest = glob
    while "[" in rest:
        _, _, rest = rest.partition("[")
        inner = rest.removeprefix("!")
        end = inner.find("]", 1)
        if end < 0:
            raise UsageError(
                f"{where} is no glob: {glob!r} has a `[` that is never closed; write `[[]` for a bracket"
            )
        rest = inner[end + 1 :]


# ------------------------------------------------------------------- checking


def _check(condition: Any, where: str, depth: int) -> None:
    if depth > _MOST_DEEP:
        raise UsageError(f"{where} is nested deeper than {_MOST_DEEP}")
    if isinstance(condition, str):
        condition = {"glob": condition}
    if not isinstance(condition, Mapping) or not condition:
        raise UsageError(f"{where} is a glob or an object of tests ({', '.join(_TESTS)}), not {condition!r}")
    for test, wanted in condition.items():
        if test not in _TESTS:
            raise UsageError(
                f"{where} has the test {test!r}, which there is not; there are {', '.join(_TESTS)}"
            )
        _CHECKS[test](wanted, f"`{test}` of {where}", depth)
    least, most = condition.get("at_least", -math.inf), condition.get("at_most", math.inf)
    if least > most:
        raise UsageError(f"{where} can never hold: nothing is at least {least:g} and at most {most:g}")


def _check_regex(wanted: Any, where: str, _depth: int) -> None:
    if not isinstance(wanted, str):
        raise UsageError(f"{where} is a regular expression, a text, not {wanted!r}")
    pattern_of(wanted)


def _check_globs(wanted: Any, where: str, _depth: int) -> None:
    for glob in _listed(wanted, where):
        check_glob(glob, where)


def _check_folder(wanted: Any, where: str, _depth: int) -> None:
    for folder in _listed(wanted, where):
        if not isinstance(folder, str) or place_of(folder) is None:
            raise UsageError(f"{where} is a folder, a path with `/` that does not climb out, not {folder!r}")


def _check_number(wanted: Any, where: str, _depth: int) -> None:
    if not is_number(wanted):
        raise UsageError(f"{where} is a number, not {wanted!r}")


def _check_choices(wanted: Any, where: str, _depth: int) -> None:
    if not isinstance(wanted, Sequence) or isinstance(wanted, str) or not wanted:
        raise UsageError(f"{where} is a list that is not empty, not {wanted!r}")


def _check_present(wanted: Any, where: str, _depth: int) -> None:
    if not isinstance(wanted, bool):
        raise UsageError(f"{where} is true or false, not {wanted!r}")


def _check_inner(wanted: Any, where: str, depth: int) -> None:
    _check(wanted, where, depth + 1)


def _check_fields(wanted: Any, where: str, depth: int) -> None:
    if not isinstance(wanted, Mapping) or not wanted:
        raise UsageError(f"{where} is an object of names and conditions, not {wanted!r}")
    for name, condition in wanted.items():
        _check(condition, f"`{name}` in {where}", depth + 1)


def _check_nothing(_wanted: Any, _where: str, _depth: int) -> None:
    """Any JSON value will do."""


# -------------------------------------------------------------------- testing


def _glob(wanted: str | Sequence[str], value: Any) -> bool | None:
    return _of_text(value, lambda text: any(fnmatchcase(text, glob) for glob in _several(wanted)))


def _matches(wanted: str, value: Any) -> bool | None:
    return _of_text(value, lambda text: pattern_of(wanted).fullmatch(text) is not None)


def _equals(wanted: Any, value: Any) -> bool | None:
    if value is ABSENT:
        return False
    if is_number(wanted) and is_number(value):
        return bool(wanted == value)
    if type(wanted) is not type(value):
        # A tool may read "5" as 5, so the two are not surely different.
        return False if value is None or wanted is None else None
    return bool(wanted == value)


def _one_of(wanted: Sequence[Any], value: Any) -> bool | None:
    return _any(_equals(each, value) for each in wanted)


def _at_least(wanted: float, value: Any) -> bool | None:
    return _of_number(value, lambda number: number >= wanted)


def _at_most(wanted: float, value: Any) -> bool | None:
    return _of_number(value, lambda number: number <= wanted)


def _host(wanted: str | Sequence[str], value: Any) -> bool | None:
    def fits(url: str) -> bool | None:
        host = host_of(url)
        return None if host is None else any(fnmatchcase(host, glob.lower()) for glob in _several(wanted))

    return _of_text(value, fits)


def _inside(wanted: str | Sequence[str], value: Any) -> bool | None:
    def fits(path: str) -> bool | None:
        place = place_of(path)
        return None if place is None else _any(is_within(place, folder) for folder in _several(wanted))

    return _of_text(value, fits)


def _present(wanted: bool, value: Any) -> bool | None:
    return (value is not ABSENT and value is not None) is wanted


def _any_item(wanted: Any, value: Any) -> bool | None:
    return _of_list(value, lambda items: _any(holds(wanted, item) for item in items))


def _every_item(wanted: Any, value: Any) -> bool | None:
    return _of_list(value, lambda items: _all(holds(wanted, item) for item in items))


def _fields(wanted: Mapping[str, Any], value: Any) -> bool | None:
    if value is ABSENT or value is None:
        return False
    if not isinstance(value, Mapping):
        return None
    return _all(holds(condition, value.get(name, ABSENT)) for name, condition in wanted.items())


def _not(wanted: Any, value: Any) -> bool | None:
    held = holds(wanted, value)
    return None if held is None else not held


# -------------------------------------------------------------------- reading


def _of_text(value: Any, test: Callable[[str], bool | None]) -> bool | None:
    if value is ABSENT or value is None:
        return False
    return test(value) if isinstance(value, str) else None


def _of_number(value: Any, test: Callable[[float], bool]) -> bool | None:
    if value is ABSENT or value is None:
        return False
    return test(value) if is_number(value) else None


def _of_list(value: Any, test: Callable[[Sequence[Any]], bool | None]) -> bool | None:
    if value is ABSENT or value is None:
        return False
    return test(value) if isinstance(value, list | tuple) else None


def _several(wanted: str | Sequence[str]) -> Sequence[str]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _listed(wanted: Any, where: str) -> Sequence[Any]:
    if isinstance(wanted, str):
        return (wanted,)
    if not isinstance(wanted, list | tuple) or not wanted:
        raise UsageError(f"{where} is a text, or a list of texts that is not empty, not {wanted!r}")
    return wanted


def _all(answers: Any) -> bool | None:
    known = list(answers)
    return False if False in known else None if None in known else True


def _any(answers: Any) -> bool | None:
    known = list(answers)
    return True if True in known else None if None in known else False


_TESTS: Final[Mapping[str, Callable[[Any, Any], bool | None]]] = {
    "glob": _glob,
    "regex": _matches,
    "equals": _equals,
    "one_of": _one_of,
    "at_least": _at_least,
    "at_most": _at_most,
    "host": _host,
    "inside": _inside,
    "present": _present,
    "any": _any_item,
    "every": _every_item,
    "fields": _fields,
    "not": _not,
}
_CHECKS: Final[Mapping[str, Callable[[Any, str, int], None]]] = {
    "glob": _check_globs,
    "regex": _check_regex,
    "equals": _check_nothing,
    "one_of": _check_choices,
    "at_least": _check_number,
    "at_most": _check_number,
    "host": _check_globs,
    "inside": _check_folder,
    "present": _check_present,
    "any": _check_inner,
    "every": _check_inner,
    "fields": _check_fields,
    "not": _check_inner,
}
