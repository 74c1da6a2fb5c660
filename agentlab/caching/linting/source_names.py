"""What the names in a notebook's code stand for: imports, assignments, functions. Read in order, run never."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

__all__ = ["Function", "Scope", "is_own", "own_nodes"]

_GROWS: Final = frozenset(["append", "extend", "insert", "add", "update", "setdefault"])

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Scope:
    """The names known at a place in the code.

    Attributes:
        imports: What a name was imported as: `now` -> `datetime.datetime.now`.
        values: The expressions a name may hold.
        functions: Functions by name.
        seeded: Modules whose random numbers were seeded: `random`, `numpy.random`.
    """

    def __init__(self, outer: Scope | None = None) -> None:
        self.imports: dict[str, str] = dict(outer.imports) if outer else {}
        self.values: dict[str, tuple[ast.expr, ...]] = dict(outer.values) if outer else {}
        self.functions: dict[str, Function] = dict(outer.functions) if outer else {}
        self.seeded: set[str] = set(outer.seeded) if outer else set()

    def dotted(self, node: ast.expr) -> str:
        """The full name of what an expression refers to: `datetime.datetime.now`; empty where it is no plain name."""
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, node.id)
        return ""

    def take(self, statement: ast.stmt) -> None:
        """Learn what one statement binds; the statements inside it are not looked at."""
        for node in own_nodes(statement):
            if isinstance(node, ast.NamedExpr):
                self._bind([node.target], (node.value,))
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._import(statement)
        elif isinstance(statement, Function):
            self.functions[statement.name] = statement
            self.values.pop(statement.name, None)
        elif isinstance(statement, ast.With | ast.AsyncWith):
            for item in statement.items:
                if item.optional_vars is not None:
                    self._bind([item.optional_vars], (item.context_expr,))
        elif isinstance(statement, ast.AugAssign):
            self._grow(statement.target, (statement.value,))
        elif isinstance(statement, ast.Expr):
            self._mutate(statement.value)
        else:
            self._assign(statement)

    def join(self, branches: Sequence[Scope]) -> None:
        """Take over what a name may hold after one of several branches was run."""
        for name in {name for branch in branches for name in branch.values}:
            held = (value for branch in branches for value in branch.values.get(name, ()))
            self.values[name] = tuple({id(value): value for value in held}.values())
        for branch in branches:
            self.imports |= branch.imports
            self.functions |= branch.functions
            self.seeded |= branch.seeded

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for name in statement.names:
            if isinstance(statement, ast.ImportFrom):
                self.imports[name.asname or name.name] = f"{statement.module or ''}.{name.name}"
            else:
                first = name.name.partition(".")[0]
                self.imports[name.asname or first] = name.name if name.asname else first

    def _assign(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Assign):
            self._bind(statement.targets, (statement.value,))
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self._bind([statement.target], (statement.value,))
        elif isinstance(statement, ast.For | ast.AsyncFor):
            self._bind([statement.target], (statement.iter,))

    def _bind(self, targets: Iterable[ast.expr], values: tuple[ast.expr, ...]) -> None:
        for target in targets:
            if isinstance(target, ast.Name):
                self.values[target.id] = values
                self.functions.pop(target.id, None)
                self.imports.pop(target.id, None)
            elif isinstance(target, ast.Tuple | ast.List):
                self._bind(target.elts, values)
            elif isinstance(target, ast.Attribute) and is_own(target):
                self.values[self.dotted(target)] = values
            elif isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
                self._grow(target.value, values)

    def _grow(self, target: ast.expr, values: tuple[ast.expr, ...]) -> None:
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        if isinstance(target, ast.Name):
            self.values[target.id] = self.values.get(target.id, ()) + values

    def _mutate(self, node: ast.expr) -> None:
        """`parts.append(value)` puts the value into `parts`; `random.shuffle(parts)` puts chance into it."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return
        if node.func.attr == "seed" and node.args:
            self.seeded.add(self.dotted(node.func.value))
        elif node.func.attr == "shuffle" and node.args:
            self._grow(node.args[0], (node,))
        elif node.func.attr in _GROWS:
            values = (*node.args, *(keyword.value for keyword in node.keywords))
            self._grow(node.func.value, values)


def is_own(node: ast.Attribute) -> bool:
    """Whether it is an attribute of `self` or `cls`: known by its own name within a class."""
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}


def own_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """The expressions of a statement itself, not of statements inside it."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [
            inner
            for inner in ast.iter_child_nodes(node)
            if not isinstance(inner, ast.stmt | ast.ExceptHandler | ast.match_case)
        ]
