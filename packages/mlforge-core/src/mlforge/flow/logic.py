"""Has a feature's function changed? Comments, formatting, docstrings, annotations and decorators do not count."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from types import CodeType
from typing import Any


def logic_hash(function: Callable[..., Any]) -> str | None:
    """128 bits over the function's normalised syntax tree; over its bytecode where its text is gone.

    None for something that has neither, such as a callable object of a C extension.
    """
    text = _text(function)
    return hashlib.sha256(text.encode()).hexdigest()[:32] if text else None


def _text(function: Callable[..., Any]) -> str | None:
    try:
        return _normalised(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        code = getattr(function, "__code__", None)
        return repr(_code_facts(code)) if code else None


def _normalised(source: str) -> str:
    tree = ast.parse(source)
    found = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)), None)
    if found is None:
        return ast.unparse(tree)
    return ast.unparse(_Normaliser().visit(found))


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
    constants = tuple(_code_facts(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.co_code.hex(), code.co_names, constants
