"""Write docs/errors.md: every error that the code raises, with its cause and the way out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mlforge import errors

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
KINDS = [
    name for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.MlforgeError) and value is not errors.MlforgeError
]  # fmt: skip
HEAD = """# Every error

<!-- Made by scripts/errors_reference.py: a change here is lost. -->

All that mlforge and its plugins raise on purpose, by kind, which is the error's class and its code: `kind` of a build's
failure and in `--json`. What differs from case to case is `…`. [Troubleshooting](troubleshooting.md) says what each
kind means, and shows the ones that people meet first.
"""
KIT = ("mlforge/testing/", "plugin_template")


class Raised(NamedTuple):
    """An error in the code: its kind, what it says, the way out, and where it stands."""

    kind: str
    message: str
    hint: str
    package: str
    place: str


def raised() -> Iterator[Raised]:
    """Every call of an error's class in the packages' sources, but those of the kit."""
    for path in sorted(ROOT.glob("packages/*/src/**/*.py")):
        where = path.relative_to(ROOT).as_posix()
        if any(part in where for part in KIT):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
                yield _read(node, node.func.id, where.split("/")[1], f"{where}:{node.lineno}")


def _read(node: ast.Call, kind: str, package: str, place: str) -> Raised:
    given = {k.arg: k.value for k in node.keywords}
    message = node.args[0] if node.args else given.get("message")
    hint = node.args[1] if len(node.args) > 1 else given.get("hint")
    return Raised(kind, _text(message), "–" if hint is None else _text(hint), package, place)


def _text(node: ast.expr | None) -> str:
    """A text with holes where something is filled in."""
    if isinstance(node, ast.Constant):
        return "–" if node.value is None else str(node.value)
    if isinstance(node, ast.JoinedStr):
        return re.sub("…+", "…", "".join(_text(v) if isinstance(v, ast.Constant) else "…" for v in node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.IfExp):
        return " / ".join(dict.fromkeys([_text(node.body), _text(node.orelse)]))
    return "…"


def unread() -> list[str]:
    """Errors that say nothing at all."""
    return [one.place for one in raised() if not one.message.strip() or one.message == "–"]


def page() -> str:
    """The whole page."""
    found = list(raised())
    return HEAD + "".join(_section(kind, [one for one in found if one.kind == kind]) for kind in KINDS)


def _section(kind: str, found: list[Raised]) -> str:
    about = (getattr(errors, kind).__doc__ or "").splitlines()[0]
    told = sorted({(one.message, one.hint, one.package) for one in found if one.message != "…"})
    rows = "".join(f"| {_cell(message)} | {_cell(hint)} | {package} |\n" for message, hint, package in told)
    passed = sum(one.message == "…" for one in found)
    note = f"\n{passed} more pass on what a library, a plugin or another error said.\n" if passed else ""
    table = f"\n| says | way out | of |\n|---|---|---|\n{rows}" if rows else ""
    return f"\n## {kind}\n\n{about}\n{table}{note}"


def _cell(text: str) -> str:
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "the case says it" if plain == "…" else re.sub(r"([|\\`*_{}\[\]$])", r"\\\1", plain)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
