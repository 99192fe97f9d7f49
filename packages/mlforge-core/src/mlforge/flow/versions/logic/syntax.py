"""What a function's syntax says, told alike by every version of Python, and which names it takes from outside."""

from __future__ import annotations

import ast
import copy
import symtable
from collections.abc import Iterator

from mlforge.flow.versions.logic.text import Node

Chain = tuple[str, ...]
Import = tuple[str, int, str, str | None]
"""The name that is bound, the level, the module, and what is taken of it; None: all."""
_SILENT = {"ctx", "type_comment", "kind", "type_ignores", "type_params"}
"""Fields that say nothing about what is computed."""


def normalised(node: Node) -> Node:
    """The function without decorators, docstrings, annotations, and its defaults, which count as values."""
    bare = copy.copy(_Normaliser().visit(node))
    if not isinstance(bare, ast.Lambda):
        bare.decorator_list = []
    bare.args = copy.copy(bare.args)
    bare.args.defaults = [ast.Constant(None) for _ in bare.args.defaults]
    bare.args.kw_defaults = [d and ast.Constant(None) for d in bare.args.kw_defaults]
    return bare  # type: ignore[no-any-return]


class _Normaliser(ast.NodeTransformer):
    """Changes the tree in place, which copying would double the time of: a second time it finds nothing to do."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        self.generic_visit(node)
        node.body = _doing(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """What is annotated in a class may be its fields."""
        node.body = _doing([n if isinstance(n, ast.AnnAssign) else self.visit(n) for n in node.body])
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:
            return ast.Pass()
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """One piece of text where a version of Python makes several, and none where there is none."""
        self.generic_visit(node)
        pieces: list[ast.expr] = []
        for piece in node.values:
            last = pieces[-1] if pieces else None
            if isinstance(piece, ast.Constant) and isinstance(last, ast.Constant):
                pieces[-1] = ast.Constant(str(last.value) + str(piece.value))
            elif not (isinstance(piece, ast.Constant) and piece.value == ""):
                pieces.append(piece)
        node.values = pieces
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.format_spec, ast.JoinedStr) and not node.format_spec.values:
            node.format_spec = None
        return node


def _doing(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that do something: no docstring, no `pass`."""
    idle = [isinstance(n, ast.Pass) or (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in body]
    return [n for n, silent in zip(body, idle, strict=True) if not silent] or [ast.Pass()]


def spelled(node: object) -> Iterator[str]:
    """A tree as text: names of nodes and fields, and constants by their type."""
    if isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for name in sorted(set(node._fields) - _SILENT):
            value = getattr(node, name, None)
            if (value is None and not isinstance(node, ast.Constant | ast.MatchSingleton)) or value == []:
                continue
            yield f" {name}="
            yield from spelled(value)
        yield ")"
    elif isinstance(node, list):
        yield "["
        for item in node:
            yield from spelled(item)
            yield ","
        yield "]"
    else:
        yield f"{type(node).__name__}:{hex(node) if type(node) is int else repr(node)}"


def outer_names(node: Node) -> dict[str, list[Chain]]:
    """The names a function does not bind itself, each with the attributes that are taken of it: `[()]` for itself."""
    free, found = _free(node), dict[str, set[Chain]]()
    for name, chain in _chains(node):
        if name in free:
            found.setdefault(name, set()).add(chain)
    return {name: sorted(chains) for name, chains in sorted(found.items())}


def _free(node: Node) -> set[str]:
    text = ast.unparse(node)
    try:
        return set(_globals(symtable.symtable(text, "<function>", "exec"), top=True)) | _imported_names(node)
    except SyntaxError:  # it binds names of a function around it: `nonlocal`
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _globals(table: symtable.SymbolTable, *, top: bool = False) -> Iterator[str]:
    if not top:
        yield from (s.get_name() for s in table.get_symbols() if s.is_global())
    for child in table.get_children():
        yield from _globals(child)


def _chains(node: ast.AST) -> Iterator[tuple[str, Chain]]:
    stack = [node]
    while stack:
        here = stack.pop()
        base, chain = here, list[str]()
        while isinstance(base, ast.Attribute):
            chain.append(base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            yield base.id, tuple(reversed(chain))
        else:
            stack.extend(ast.iter_child_nodes(base))


def imports(node: Node) -> Iterator[Import]:
    """What it imports itself."""
    for n in ast.walk(node):
        if isinstance(n, ast.Import):
            for a in n.names:
                yield a.asname or a.name.partition(".")[0], 0, a.name if a.asname else a.name.partition(".")[0], None
                if "." in a.name:
                    yield "", 0, a.name, None
        elif isinstance(n, ast.ImportFrom):
            for a in n.names:
                yield a.asname or a.name, n.level, n.module or "", a.name


def _imported_names(node: Node) -> set[str]:
    return {name for name, *_ in imports(node)}
