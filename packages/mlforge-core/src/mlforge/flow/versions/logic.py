"""Has a feature's function changed? Comments, formatting, docstrings, annotations and decorators do not count."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from types import CodeType
from typing import Any


def logic_hash(function: Callable[..., Any]) -> str | None:
    """128 bits over the function's normalised syntax tree; over its bytecode where its text is gone.

    Values that it takes from outside count where they are plain: defaults, constants of its module, values of the
    function around it. None for something that has no code of its own, such as a `partial` or a callable object: that
    always counts as changed.
    """
    text = _text(function)
    if text is not None:
        text += repr(sorted(_outer_values(function)))
    return hashlib.sha256(text.encode()).hexdigest()[:32] if text else None


def _outer_values(function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    """The plain values behind the function's defaults and free names."""
    code = getattr(function, "__code__", None)
    names = code.co_names if code else ()
    space = getattr(function, "__globals__", {})
    cells = zip(code.co_freevars if code else (), getattr(function, "__closure__", None) or (), strict=False)
    outside = {n: space[n] for n in names if n in space} | {n: _content(c) for n, c in cells}
    defaults = enumerate(getattr(function, "__defaults__", None) or ())
    named = getattr(function, "__kwdefaults__", None) or {}
    outside |= {f"default {i}": v for i, v in defaults} | {f"default {n}": v for n, v in named.items()}
    return ((name, repr(value)) for name, value in outside.items() if _is_plain(value))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return None


def _is_plain(value: object) -> bool:
    """Whether a value is told by its text alone."""
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | bytes | date | timedelta)


def _text(function: Callable[..., Any]) -> str | None:
    try:
        return _normalised(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        code = getattr(function, "__code__", None)
        return repr(_code_facts(code)) if code else None


def _normalised(source: str) -> str:
    tree = ast.parse(source)
    found = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)), None)
    if found is not None:
        return ast.unparse(_Normaliser().visit(found))
    lambdas = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda)]
    if len(lambdas) != 1:
        raise OSError("which of several lambdas is meant cannot be told from their text")
    return ast.unparse(lambdas[0])


class _Normaliser(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.decorator_list, node.returns = [], None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node


def _code_facts(code: CodeType) -> tuple[object, ...]:
    return code.co_code.hex(), code.co_names, tuple(map(_constant, code.co_consts))


def _constant(value: object) -> object:
    if isinstance(value, CodeType):
        return _code_facts(value)
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)
