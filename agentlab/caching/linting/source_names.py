"""What the names in a notebook's code stand for: imports, assignments, functions. Read in order, run never."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final

__all__ = ["Scope"]

_GROWS: Final = frozenset(["append", "extend", "insert", "add", "update", "setdefault"])

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Scope:
    """The names known at a place in the code.

    Attributes:
        imports: What a name was imported as: `now` -> `datetime.datetime.now`.
        values: The expressions a name may hold.
        functions: Functions by name.
    """

    def __init__(self, outer: Scope | None = None) -> None:
        self.imports: dict[str, str] = dict(outer.imports) if outer else {}
        self.values: dict[str, tuple[ast.expr, ...]] = dict(outer.values) if outer else {}
        self.functions: dict[str, Function] = dict(outer.functions) if outer else {}

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
            elif isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
                self._grow(target.value, values)

    def _grow(self, target: ast.expr, values: tuple[ast.expr, ...]) -> None:
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        if isinstance(target, ast.Name):
            self.values[target.id] = self.values.get(target.id, ()) + values

    def _mutate(self, node: ast.expr) -> None:
        """`parts.append(value)` puts the value into `parts`."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GROWS:
            values = (*node.args, *(keyword.value for keyword in node.keywords))
            self._grow(node.func.value, values)
