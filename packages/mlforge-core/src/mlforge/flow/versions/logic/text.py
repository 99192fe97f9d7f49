"""Finding the syntax of code that runs: in its file, in what was typed, and never in a text that is not its own."""

from __future__ import annotations

import ast
import linecache
import os
import stat
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUTURE = 0x1FF0000
"""The bits of a code object that `from __future__ import …` sets."""
_MOST = 100_000_000


def node_of(code: CodeType, space: dict[str, Any]) -> Node | None:
    """The syntax that a function's code was compiled from; None where its text is not to be had.

    A text is only believed where compiling it gives this very code: a file may have changed since it was loaded.
    """
    for text in _texts(code.co_filename, space):
        indexed = _indexed(text, code.co_flags & _FUTURE)
        if indexed is not None and code in indexed.codes:
            return indexed.find(code)
    return None


class _Indexed:
    """A text's functions, by first line and name, and all the code it makes."""

    def __init__(self, tree: ast.Module, code: CodeType) -> None:
        self.codes = set(_within(code))
        self._nodes: dict[tuple[int, str], list[Node]] = {}
        for node in ast.walk(tree):
            if isinstance(node, Node):
                name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
                self._nodes.setdefault((_first_line(node), name), []).append(node)

    def find(self, code: CodeType) -> Node | None:
        found = self._nodes.get((code.co_firstlineno, code.co_name), [])
        if len(found) > 1:
            lambdas = [n for n in found if isinstance(n, ast.Lambda)]
            there: list[Node] = [n for n in lambdas if _extent(n.body) == _code_extent(code)]
            alone: list[Node] = [n for n in lambdas if not there and _alone(n) == _instructions(code)]
            found = there or alone or found
        alike = len(found) == 1 or len({ast.dump(node) for node in found}) == 1
        return found[0] if alike and found else None


@lru_cache(maxsize=64)
def _indexed(text: str, flags: int) -> _Indexed | None:
    try:
        tree = ast.parse(text)
        everywhere = flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        return _Indexed(tree, compile(text, "<text>", "exec", flags=everywhere, dont_inherit=True))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _within(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _within(constant)


def _first_line(node: Node) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min(node.lineno, *(d.lineno for d in decorators)) if decorators else node.lineno


def _extent(node: ast.expr) -> tuple[Any, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _code_extent(code: CodeType) -> tuple[Any, ...]:
    """From where to where the instructions of a lambda's body reach."""
    places = [p for p in code.co_positions() if None not in p and p[1:] != (p[0], 0, 0)]
    if not places:
        return ()
    start = min((line, column) for line, _, column, _ in places)
    end = max((line, column) for _, line, _, column in places)
    return start[0], end[0], start[1], end[1]


def _alone(node: ast.Lambda) -> tuple[Any, ...]:
    """What a lambda does, compiled by itself: one that gives a constant says nothing of its place on Python 3.12."""
    made = compile(ast.Expression(node), "<text>", "eval", dont_inherit=True).co_consts
    return _instructions([c for c in made if isinstance(c, CodeType)][-1])


def _instructions(code: CodeType) -> tuple[Any, ...]:
    return code.co_code, repr(code.co_consts), code.co_names, code.co_varnames


def _texts(name: str, space: dict[str, Any]) -> Iterator[str]:
    """Where the text may be: as read before, as it is now, or what the interpreter itself was started with."""
    yield "".join(linecache.getlines(name, space))
    linecache.checkcache(name)
    yield "".join(linecache.getlines(name, space))
    if special := _SPECIAL.get(name):
        yield from special()


def _command() -> Iterator[str]:
    """What stands behind `python -c`."""
    words = sys.orig_argv
    for place, word in enumerate(words[1:-1], 1):
        if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
            yield words[place + 1]
            yield words[place + 1] + "\n"


def _redirected() -> Iterator[str]:
    """What `python < file` is reading: a file that can be read again without disturbing who reads it."""
    try:
        size = os.fstat(0)
        if stat.S_ISREG(size.st_mode) and size.st_size <= _MOST:
            yield os.pread(0, size.st_size, 0).decode()
    except (OSError, AttributeError, UnicodeDecodeError):  # closed, or a system that has no pread
        return


_SPECIAL: dict[str, Callable[[], Iterator[str]]] = {"<string>": _command, "<stdin>": _redirected}
