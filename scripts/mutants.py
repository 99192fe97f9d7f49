"""Change the code in small ways, one at a time, and see whether the tests notice: `hatch run mutants`.

cosmic-ray makes the changes. Each is tried in a copy of the core, in a process that is forked from this one, which has
imported what tests need already, so that most take less than a second. Annotations, which are never evaluated, are left
out, what Python cannot read, and `is` for `==`, which tells equal values apart by chance alone. A change that no test
notices is printed, and is equivalent or a hole in the tests. Equivalent are, as a rule, those of `frozen=True` and
of a zip's `strict=True`, which forbid what nobody does; of how often something is tried; and of a comparison with what
was refused before. `--every 3` samples a module of which each change takes seconds.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parent.parent
CORE = Path("packages/mlforge-core")
SHARED = ("packages/mlforge-core", "pyproject.toml", "conftest.py", "tests/shared", "tests/reliability")
NEEDED = 85.0
PATIENCE = 60.0
LONGER = 5
"""How many times as long as without a change tests may take: a change may never end."""
BY_CHANCE = re.compile(r"ReplaceComparisonOperator_(Eq|NotEq)_(Is|IsNot)$")
IMPORTED = ("_pytest.assertion.rewrite", "click", "hypothesis", "msgspec", "pluggy", "pytest", "rich.console", "yaml")
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore::pytest.PytestAssertRewriteWarning")
PUBLISHED = tuple(f"flow/online/test_{name}.py" for name in ("publish", "interrupted", "withdraw"))
SERVED = tuple(f"flow/online/test_{name}.py" for name in ("reader", "requested", "refreshing"))

TESTS = {
    "model/duration.py": ("model/test_duration.py",),
    "model/version.py": ("flow/versions/test_number.py",),
    "model/span.py": ("model/test_span.py",),
    "model/window.py": ("model/test_duration.py", "model/test_metrics.py"),
    "model/timestamp.py": ("model/test_timestamp.py",),
    "model/keys.py": ("model/test_keys.py",),
    "flow/versions/number.py": ("flow/versions/test_number.py",),
    "flow/online/publish.py": PUBLISHED,
    "flow/online/publication.py": ("flow/online/test_note.py", *PUBLISHED),
    "flow/online/entries.py": PUBLISHED,
    "flow/online/withdraw.py": ("flow/online/test_withdraw.py",),
    "flow/online/lookup.py": (*SERVED, "flow/online/test_lookup.py"),
    "flow/online/reader.py": SERVED,
    "flow/online/vector.py": SERVED,
    "flow/online/requested.py": ("flow/online/test_requested.py",),
    "flow/versions/choose.py": ("flow/versions/test_older.py",),
    "flow/versions/prune.py": ("flow/versions/test_older.py",),
    "flow/building/commit.py": ("flow/building/test_commit.py",),
    "flow/building/increment.py": ("flow/building/test_increment.py", "flow/building/test_step.py"),
}
"""What is changed, and the tests that are to notice, below `src/mlforge` and `tests` of the core."""


class Mutant(NamedTuple):
    """A change: its operator, where it is, and the file's text with it."""

    operator: str
    line: int
    text: str


def main() -> int:
    """Try the changes of the modules that are named; 1 where fewer are noticed than are needed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(TESTS), help="below src/mlforge (default: all known)")
    parser.add_argument("--every", type=int, default=1, help="one change in so many, evenly spread")
    options = parser.parse_args()
    if unknown := [name for name in options.modules if name not in TESTS]:
        parser.error(f"no tests are known for {', '.join(unknown)} (there are {', '.join(TESTS)})")
    for name in IMPORTED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        for path in SHARED:
            _copy(ROOT / path, tree / path)
        compile_dir(tree / CORE / "src", quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        figures = [_try(tree, name, options.every) for name in options.modules]
    killed, tried = (sum(column) for column in zip(*figures, strict=True))
    percent = 100 * killed / max(1, tried)
    print(f"{killed} of {tried} changes were noticed: {percent:.1f} %, {NEEDED:g} % needed")
    return int(percent < NEEDED)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _try(tree: Path, name: str, every: int) -> tuple[int, int]:
    """How many changes of a module were noticed, of how many."""
    place = tree / CORE / "src" / "mlforge" / name
    original = place.read_text(encoding="utf-8")
    tests = [str(tree / CORE / "tests" / path) for path in TESTS[name]]
    begun = time.monotonic()
    if not _passes(tree, tests, PATIENCE, keeps_bytecode=True):
        sys.exit(f"{name}: its tests fail without any change: {', '.join(TESTS[name])}")
    patience = min(PATIENCE, 5 + LONGER * (time.monotonic() - begun))
    tried = list(mutants(original))[::every]
    survivors = []
    for mutant in tried:
        place.write_text(mutant.text, encoding="utf-8")
        if _passes(tree, tests, patience):
            survivors.append(mutant)
    place.write_text(original, encoding="utf-8")
    for one in survivors:
        print(f"{name}:{one.line} {one.operator}\n{_shown(original, one.text)}")
    killed = len(tried) - len(survivors)
    print(f"{name}: {killed} of {len(tried)}, in {time.monotonic() - begun:.0f} s", flush=True)
    return killed, len(tried)


def mutants(text: str) -> Iterator[Mutant]:
    """All changes of a file's text but those of annotations, and each text once."""
    unread, seen = _annotations(text), {text}
    for name in operator_names():
        made = get_operator(name)
        if made.arguments() or BY_CHANCE.search(name):
            continue
        operator = made()
        tree = get_ast(text)
        places = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, (line, column) in enumerate(places):
            changed = mutate_code(text, operator, occurrence)
            inside = any(begin <= (line, column) < end for begin, end in unread)
            if changed and changed not in seen and not inside and _is_code(text, changed):
                seen.add(changed)
                yield Mutant(name.removeprefix("core/"), line, changed)


def _is_code(before: str, after: str) -> bool:
    """Whether Python reads it, and not only the lone `*` among a function's parameters is another sign."""
    try:
        return ast.dump(ast.parse(before)) != ast.dump(ast.parse(after)) and before.count("*,") <= after.count("*,")
    except SyntaxError:
        return False


def _annotations(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations begin and end: `from __future__ import annotations` leaves them unevaluated."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
    return [((a.lineno, a.col_offset), (a.end_lineno or 0, a.end_col_offset or 0)) for a in found if a]


def _passes(tree: Path, tests: list[str], patience: float, *, keeps_bytecode: bool = False) -> bool:
    """Whether tests pass in a process that is forked from this one; one that takes too long does not."""
    child = os.fork()
    if not child:
        _run(tree, tests, keeps_bytecode)
    until = time.monotonic() + patience
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run(tree: Path, tests: list[str], keeps_bytecode: bool) -> None:
    """Run tests with the copy of the core, and end.

    The bytecode of tests may be kept while nothing is changed. That of the core is there already, and told by what it
    is of, for a change may leave a file's size and the second of its time as they were.
    """
    import pytest

    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    os.chdir(tree)
    sys.dont_write_bytecode = not keeps_bytecode
    sys.path.insert(0, str(tree / CORE / "src"))
    os.environ["PYTHONPATH"] = str(tree / CORE / "src")
    code = 1
    try:
        code = int(pytest.main([*OPTIONS, *tests]))
    finally:
        os._exit(code)


def _shown(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[3:]
    return "\n".join(f"    {line}" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
