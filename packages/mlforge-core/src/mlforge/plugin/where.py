"""The user's own line: where in their files an error came from.

What is said is such as `definitions.py, line 7: return df.filter(pl.col("amuont") > 3)`.
"""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from mlforge.plugin.origin import is_ours, is_projects_file

_QUOTED = re.compile(r"""(['"])(.+?)\1""")


def line_of(error: BaseException) -> str | None:
    """The user's line that raised an error, or called what did; None where no line of theirs had part in it.

    Example:
        >>> def share(total):
        ...     return 1 / total
        >>> try:
        ...     share(0)
        ... except ZeroDivisionError as error:
        ...     print(line_of(error))
        <doctest ...>, line 2: return 1 / total
    """
    if isinstance(error, SyntaxError) and error.filename and is_projects_file(error.filename):
        return told(error.filename, error.lineno or 1, error.text)
    steps = [(f.f_code.co_filename, line) for f, line in _steps(error) if _is_theirs(f)]
    return told(*steps[-1]) if steps else None


def definition_of(function: Callable[..., Any], message: str) -> str | None:
    """The line of a function's definition, decorators and all, that says what a message quotes; else its first.

    Example:
        >>> def spend(df):
        ...     return df["amuont"]
        >>> print(definition_of(spend, "The frame has no column 'amuont'."))
        <doctest ...>, line 2: return df["amuont"]
    """
    code = getattr(_unwrapped(function), "__code__", None)
    if not isinstance(code, CodeType) or not is_projects_file(code.co_filename):
        return None
    lines = dict(_lines(code))
    said = (n for match in _QUOTED.finditer(message) for n, text in lines.items() if _says(text, match))
    return told(code.co_filename, next(said, code.co_firstlineno))


def _says(line: str, quoted: re.Match[str]) -> bool:
    """Whether a line says what a message quotes; what is called a source there stands where one is given."""
    if quoted.string[: quoted.start()].lower().endswith("source "):
        return "source=" in line
    return f'"{quoted[2]}"' in line or f"'{quoted[2]}'" in line


def told(file: str, line: int, text: str | None = None) -> str:
    """A line of a file, as people read it: from the current folder, where the file lies in it.

    Example:
        >>> told("definitions.py", 7, "return df")
        'definitions.py, line 7: return df'
    """
    if not text:
        linecache.checkcache(file)  # it may have been edited since a line of it was told
    code = (text or linecache.getline(file, line)).strip()
    return f"{shown(file)}, line {line}" + (f": {code}" if code else "")


def shown(file: str | Path) -> str:
    """A file's path from the current folder, where it lies in it.

    Example:
        >>> shown(Path.cwd() / "src" / "definitions.py")
        'src/definitions.py'
    """
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd())) if path.is_absolute() else str(path)
    except (OSError, ValueError):  # elsewhere, or the current folder is gone
        return str(path)


def _steps(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """The frames that an error passed, and those that its causes did, from the outside in."""
    chain: list[BaseException] = []
    while error not in chain:
        chain.append(error)
        error = error.__cause__ or error
    for one in chain:
        yield from traceback.walk_tb(one.__traceback__)


def _is_theirs(frame: FrameType) -> bool:
    """What was typed has no file, and is theirs whatever module it was typed in."""
    file = frame.f_code.co_filename
    is_typed = file.startswith("<")
    return (is_typed or not is_ours(str(frame.f_globals.get("__name__", "")))) and is_projects_file(file)


def _unwrapped(function: Callable[..., Any]) -> Any:
    import inspect

    try:
        return inspect.unwrap(function)
    except ValueError:
        return function


def _lines(code: CodeType) -> Iterator[tuple[int, str]]:
    """The lines of a function, from its first decorator on."""
    linecache.checkcache(code.co_filename)
    last = max((line for _, _, line in code.co_lines() if line), default=code.co_firstlineno)
    for number in range(code.co_firstlineno, last + 1):
        yield number, linecache.getline(code.co_filename, number)
