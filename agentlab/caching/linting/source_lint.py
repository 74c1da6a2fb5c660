"""Values that change by themselves, on their way into an agent's prefix, found in a notebook's code.

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
from agentlab.caching.linting.source_names import Function, Scope

__all__ = ["lint_notebook"]

_PREFIX: Final = frozenset(["preamble", "context", "tools", "few_shots", "output_schema", "description"])
_CLOCK: Final = re.compile(
    r"(^|\.)(datetime|date)\.(now|utcnow|today)$|^(datetime|date)\.(now|utcnow|today)$"
    r"|^time\.(time|time_ns|ctime|asctime|localtime|gmtime|strftime|monotonic|perf_counter)(_ns)?$"
    r"|(^|\.)Timestamp\.(now|today|utcnow)$"
)
_RANDOM: Final = re.compile(
    r"^uuid\.uuid[14]$|^random\.(?!seed$|Random$)\w+$|^secrets\.\w+$|^os\.(urandom|getpid)$"
    r"|^(numpy|np)\.random\.(?!seed$|default_rng$)\w+$|^(id|hash)$|^tempfile\.\w+$"
)
_UNORDERED: Final = re.compile(r"^(set|frozenset)$|^os\.(listdir|scandir)$|^glob\.i?glob$")
_UNORDERED_METHODS: Final = frozenset(["iterdir", "rglob", "intersection", "symmetric_difference"])
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
        found += _block(cell.tree.body, scope, cell.number)
    return Findings(found)


def _block(statements: Iterable[ast.stmt], scope: Scope, cell: int) -> Iterator[Finding]:
    """The findings of some statements, read in order."""
    for statement in statements:
        for call in _calls(statement):
            yield from _of_agent(call, scope, cell)
        scope.take(statement)
        if isinstance(statement, Function):
            yield from _block(statement.body, Scope(scope), cell)
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from _block(getattr(statement, name, ()), scope, cell)
        for handler in getattr(statement, "handlers", ()):
            yield from _block(handler.body, scope, cell)


def _calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """The calls of a statement itself, not of statements inside it."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            yield node
        waiting += [inner for inner in ast.iter_child_nodes(node) if not isinstance(inner, ast.stmt)]


def _of_agent(call: ast.Call, scope: Scope, cell: int) -> Iterator[Finding]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else scope.dotted(call.func)
    short = name.rpartition(".")[2]
    if short == "append_preamble":
        arguments = [("preamble", value) for value in (*call.args, *(each.value for each in call.keywords))]
    elif short == "with_tools":
        arguments = [("tools", value) for value in call.args]
    elif short in {"Agent", "with_"}:
        arguments = [(each.arg, each.value) for each in call.keywords if each.arg in _PREFIX]
    else:
        return
    for argument, value in arguments:
        for suspect in dict.fromkeys(_suspects(value, scope, frozenset())):
            yield Finding(
                suspect.code,
                "error" if suspect.code != "set-in-prefix" else "warning",
                f"cell {cell}, line {value.lineno}",
                f"`{argument}=` depends on `{suspect.shown}`.",
                _ADVICE[suspect.code],
            )


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
    elif isinstance(node, ast.Call):
        name = scope.dotted(node.func)
        suspect = _of_call(node, name, ordered=ordered)
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


def _of_call(node: ast.Call, name: str, *, ordered: bool) -> _Suspect | None:
    if _CLOCK.search(name):
        return _Suspect("clock-in-prefix", _shown(node))
    if _RANDOM.search(name):
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
