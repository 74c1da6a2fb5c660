"""Values that change by themselves, on their way into an agent's prefix, found in the code of a notebook or a script.

Follows names, f-strings and calls of the notebook's own functions from `Agent(preamble=, context=, tools=)` back to
where their values come from. Nothing is run. What happens inside a tool is left alone: it never enters the prefix.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from agentlab.caching.linting.finding import Finding, Findings
from agentlab.caching.linting.notebook_cells import code_cells
from agentlab.caching.linting.source_names import Function, Scope, is_own, own_nodes
from agentlab.errors import UsageError

__all__ = ["lint_notebook", "lint_script"]

_PREFIX: Final = frozenset(["preamble", "context", "tools", "few_shots", "output_schema", "description"])
_CLOCK: Final = re.compile(
    r"(^|\.)(datetime|date)\.(now|utcnow|today)$|^(datetime|date)\.(now|utcnow|today)$"
    r"|^time\.(time|time_ns|ctime|asctime|localtime|gmtime|strftime|monotonic|perf_counter)(_ns)?$"
    r"|(^|\.)Timestamp\.(now|today|utcnow)$"
)
_RANDOM: Final = re.compile(
    r"^uuid\.uuid[14]$|^random\.(?!seed$|Random$)\w+$|^secrets\.\w+$|^os\.(urandom|getpid)$"
    r"|^(numpy|np)\.random\.(?!seed$|default_rng$|Generator$|PCG64$)\w+$|^(id|hash)$|^tempfile\.\w+$"
)
_GENERATOR: Final = re.compile(r"^random\.Random$|^(numpy|np)\.random\.default_rng$")
"""Makers of generators, which are the same every time only with a seed."""
_PARSES_TIME: Final = re.compile(r"(^|\.)(to_datetime|datetime64|Timestamp)$")
_UNORDERED: Final = re.compile(r"^(set|frozenset)$|^os\.(listdir|scandir|walk)$|^glob\.i?glob$")
_UNORDERED_METHODS: Final = frozenset(["iterdir", "glob", "rglob", "intersection", "symmetric_difference"])
_ORDERING: Final = frozenset(["sorted", "len", "min", "max", "sum", "any", "all", "bool"])
_ADVICE: Final = {
    "clock-in-prefix": "Put it in `volatile=`, or behind the history: everything after it is paid anew on every change.",
    "random-in-prefix": "Leave it out, or make it once and keep it: everything after it is paid anew every time.",
    "set-in-prefix": "Wrap it in `sorted(...)`: its order differs from one process to the next.",
}


class _Suspect(Struct, frozen=True):
    code: str
    shown: str


def lint_notebook(notebook: str | bytes) -> Findings:
    """Find clocks, random values and unordered collections that reach an agent's preamble, context or tools.

    Args:
        notebook: The text of an `.ipynb` file.

    Returns:
        The findings; their place is the cell, counted from 1 among all cells, and the line in it.

    Raises:
        UsageError: The text is no notebook.
    """
    scope = Scope()
    found: list[Finding] = []
    for cell in code_cells(notebook):
        if cell.tree is None:
            found.append(
                Finding(
                    "unreadable-cell",
                    "note",
                    f"cell {cell.number}",
                    "This cell is no Python.",
                    "It was not looked at.",
                )
            )
            continue
        found += _block(cell.tree.body, scope, f"cell {cell.number}, ")
    return Findings(found)


def lint_script(source: str | bytes) -> Findings:
    """The same as `lint_notebook` for the text of a `.py` file; the place is the line.

    Raises:
        UsageError: The text is no Python.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise UsageError(f"this is no Python: {error.msg} in line {error.lineno}") from None
    except (ValueError, UnicodeError) as error:
        raise UsageError(f"this is no Python: {error}") from None
    return Findings(_block(tree.body, Scope(), ""))


def _block(statements: Iterable[ast.stmt], scope: Scope, place: str) -> Iterator[Finding]:
    """The findings of some statements, read in order."""
    for statement in statements:
        for node in own_nodes(statement):
            if isinstance(node, ast.Call):
                yield from _of_agent(node, scope, place)
        scope.take(statement)
        if isinstance(statement, Function):
            yield from _block(statement.body, Scope(scope), place)
        elif isinstance(statement, ast.ClassDef):
            yield from _block(statement.body, _class_scope(statement, scope), place)
        elif isinstance(statement, ast.If | ast.Try | ast.TryStar | ast.Match):
            branches = [(Scope(scope), body) for body in _branches(statement)]
            for inner, body in branches:
                yield from _block(body, inner, place)
            scope.join([inner for inner, _ in branches])
            yield from _block(getattr(statement, "finalbody", ()), scope, place)
        else:
            for name in ("body", "orelse"):
                yield from _block(getattr(statement, name, ()), scope, place)


def _branches(statement: ast.If | ast.Try | ast.TryStar | ast.Match) -> list[list[ast.stmt]]:
    """The ways through a statement, the empty one among them where it may do nothing."""
    if isinstance(statement, ast.If):
        return [statement.body, statement.orelse]
    if isinstance(statement, ast.Try | ast.TryStar):
        return [[*statement.body, *statement.orelse], *(handler.body for handler in statement.handlers)]
    return [*(case.body for case in statement.cases), []]


def _class_scope(statement: ast.ClassDef, outer: Scope) -> Scope:
    """The names in a class, with the attributes that any of its methods sets."""
    inner = Scope(outer)
    for node in ast.walk(statement):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Attribute) and is_own(target) for target in targets):
                inner.take(node)
    return inner


def _of_agent(call: ast.Call, scope: Scope, place: str) -> Iterator[Finding]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else scope.dotted(call.func)
    short = name.rpartition(".")[2]
    if short == "append_preamble":
        arguments = [("preamble", value) for value in (*call.args, *(each.value for each in call.keywords))]
    elif short == "with_tools":
        arguments = [("tools", value) for value in call.args]
    elif short in {"Agent", "with_"}:
        arguments = [(name, value) for name, value in _named_values(call, scope) if name in _PREFIX]
    else:
        return
    for argument, value in arguments:
        for suspect in dict.fromkeys(_suspects(value, scope, frozenset())):
            yield Finding(
                suspect.code,
                "error" if suspect.code != "set-in-prefix" else "warning",
                f"{place}line {value.lineno}",
                f"`{argument}=` depends on `{suspect.shown}`.",
                _ADVICE[suspect.code],
            )


def _named_values(call: ast.Call, scope: Scope) -> Iterator[tuple[str, ast.expr]]:
    """The named arguments of a call, with those of a `**dictionary` that the code spells out."""
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg, keyword.value
            continue
        held = keyword.value
        for value in scope.values.get(held.id, ()) if isinstance(held, ast.Name) else (held,):
            if isinstance(value, ast.Dict):
                for key, inner in zip(value.keys, value.values, strict=True):
                    if isinstance(key, ast.Constant):
                        yield str(key.value), inner
            elif isinstance(value, ast.Call) and scope.dotted(value.func) == "dict":
                yield from _named_values(value, scope)


def _suspects(
    node: ast.AST, scope: Scope, seen: frozenset[str], *, ordered: bool = False
) -> Iterator[_Suspect]:
    """What changes by itself in the value of an expression; sets count only where their order shows."""
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.Set | ast.SetComp) and not ordered:
        yield _Suspect("set-in-prefix", _shown(node))
    elif isinstance(node, ast.Name):
        yield from _of_name(node.id, scope, seen, ordered=ordered)
        return
    elif isinstance(node, ast.Attribute) and is_own(node) and scope.dotted(node) in scope.values:
        yield from _of_name(scope.dotted(node), scope, seen, ordered=ordered)
        return
    elif isinstance(node, ast.Call):
        name = scope.dotted(node.func)
        suspect = _of_call(node, name, scope, ordered=ordered)
        if suspect is not None:
            yield suspect
            return
        ordered = name in _ORDERING
        if name in scope.functions:
            yield from _of_function(scope.functions[name], scope, seen)
    elif isinstance(node, ast.Compare):
        ordered = True  # membership and comparison do not show an order
    for inner in ast.iter_child_nodes(node):
        yield from _suspects(inner, scope, seen, ordered=ordered)


def _of_call(node: ast.Call, name: str, scope: Scope, *, ordered: bool) -> _Suspect | None:
    first = node.args[0] if node.args else None
    asks_now = isinstance(first, ast.Constant) and first.value in {"now", "today"}
    if _CLOCK.search(name) or (asks_now and _PARSES_TIME.search(name)):
        return _Suspect("clock-in-prefix", _shown(node))
    if _GENERATOR.search(name) and not node.args and not node.keywords:
        return _Suspect("random-in-prefix", _shown(node))
    if _RANDOM.search(name) and name.rpartition(".")[0] not in scope.seeded:
        return _Suspect("random-in-prefix", _shown(node))
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if not ordered and (_UNORDERED.search(name) or method in _UNORDERED_METHODS):
        return _Suspect("set-in-prefix", _shown(node))
    return None


def _of_name(name: str, scope: Scope, seen: frozenset[str], *, ordered: bool) -> Iterator[_Suspect]:
    if name in seen:
        return
    for value in scope.values.get(name, ()):
        yield from _suspects(value, scope, seen | {name}, ordered=ordered)
    function = scope.functions.get(name)
    if function is not None:  # a tool: its decorators and defaults are sent, its body is not
        defaults = [each for each in function.args.kw_defaults if each is not None]
        for sent in (*function.decorator_list, *function.args.defaults, *defaults):
            yield from _suspects(sent, scope, seen | {name})


def _of_function(function: Function, scope: Scope, seen: frozenset[str]) -> Iterator[_Suspect]:
    """What the value of a call of the notebook's own function depends on: everything in it, to be sure."""
    if function.name in seen:
        return
    inner = Scope(scope)
    for statement in ast.walk(function):
        if isinstance(statement, ast.stmt) and statement is not function:
            inner.take(statement)
    for statement in ast.walk(function):
        if isinstance(statement, ast.Return) and statement.value is not None:
            yield from _suspects(statement.value, inner, seen | {function.name})


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."
