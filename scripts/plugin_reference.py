"""Write the last part of docs/reference.md: every name that a plugin may import, from the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference.md"
SOURCE = ROOT / "packages" / "mlforge-core" / "src" / "mlforge"
BEGIN = "<!-- From here on made by scripts/plugin_reference.py: a change below is lost. -->"
HEAD = """
## All that a plugin may import

`mlforge.plugin`, `mlforge.model` and `mlforge.errors`; in tests `mlforge.testing`, too. What is not in these tables is
not for plugins, and may change with any release; what is in them changes as the
[policy](plugins.md#api-versions) says. `mlforge.plugin` has the words that most plugins need; its modules the rest.
"""
OWN = ("claims", "hints", "live", "registry", "words")
"""Modules of `mlforge.plugin` that are the core's: how plugins are found, and their names."""


def names() -> dict[str, dict[str, str]]:
    """For each module that a plugin may import from, its names and a line about each."""
    found = {module: dict(_defined(path)) for module, path in _modules()}
    known = {name: line for told in found.values() for name, line in told.items()}
    for module, path in _modules():
        found[module] |= {name: known[name] for name in _exported(path) if name in known}
    found["mlforge.plugin"] = {name: known[name] for name in _exported(SOURCE / "plugin" / "__init__.py")}
    kit = _kit()
    found["mlforge.testing"] = {name: kit[name] for name in _exported(SOURCE / "testing" / "__init__.py")}
    return {module: told for module, told in found.items() if told}


def reference() -> str:
    """The part of the page."""
    return HEAD + "".join(_table(module, told) for module, told in sorted(names().items()))


def _table(module: str, told: dict[str, str]) -> str:
    rows = "".join(f"| `{name}` | {_cell(line)} |\n" for name, line in sorted(told.items()))
    return f"\n### {module}\n\n| name | is |\n|---|---|\n{rows}"


def _cell(line: str) -> str:
    return line.replace("|", r"\|")


def _modules() -> Iterator[tuple[str, Path]]:
    yield "mlforge.errors", SOURCE / "errors.py"
    for room in ("model", "plugin"):
        for path in sorted((SOURCE / room).rglob("*.py")):
            parts = path.relative_to(SOURCE).with_suffix("").parts
            if parts[-1] != "__init__" and not (room == "plugin" and parts[1] in OWN):
                yield ".".join(("mlforge", *parts)), path


def _defined(path: Path) -> Iterator[tuple[str, str]]:
    """The public names a module defines, and what it says of each; of a constant it may be its value."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found, text = [node.name], ast.get_docstring(node)
        else:
            found, text = _assigned(node), _text(after) or _value(node)
        yield from ((name, text.splitlines()[0]) for name in found if text and not name.startswith("_"))


def _assigned(node: ast.stmt) -> list[str]:
    """The names that a statement gives a value: one, or several at once."""
    if isinstance(node, ast.AnnAssign):
        targets: list[ast.expr] = [node.target]
    else:
        targets = node.targets if isinstance(node, ast.Assign) else []
    parts = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def _text(node: ast.stmt | None) -> str | None:
    value = node.value if isinstance(node, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _value(node: ast.stmt) -> str | None:
    """A constant as it is written; None for a type variable, which is nobody's."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    text = ast.unparse(value) if value else ""
    return None if text.startswith("TypeVar(") or not text else f"`{text}`"


def _exported(path: Path) -> list[str]:
    """The names in `__all__`, if there is one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    listed = [n.value for n in tree.body if isinstance(n, ast.Assign) and _assigned(n) == ["__all__"]]
    return [name for names in listed for name in ast.literal_eval(names)]


def _kit() -> dict[str, str]:
    """What the kit says of each of its words, where it first does."""
    told: dict[str, str] = {}
    for path in sorted((SOURCE / "testing").rglob("*.py")):
        told = dict(_defined(path)) | told
    return told


if __name__ == "__main__":
    text, _, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{text.rstrip()}\n\n{BEGIN}\n{reference()}", encoding="utf-8")
