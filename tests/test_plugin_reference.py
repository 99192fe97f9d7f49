"""The reference lists all that a plugin may import, and plugins import nothing else."""

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference.md"
PLUGINS = (
    *(
        f"packages/mlforge-{name}/src"
        for name in (
            "csv",
            "databricks",
            "duckdb",
            "dynamodb",
            "gcs",
            "mlflow",
            "openlineage",
            "opentelemetry",
            "polars",
            "redis",
            "s3",
            "serve",
            "tables",
        )
    ),
    *(
        "tests/toy-bucket",
        "tests/toy-engine",
        "tests/toy-plugin",
        "packages/mlforge-core/src/mlforge/cli/plugin_template",
    ),
)

spec = importlib.util.spec_from_file_location("plugin_reference", ROOT / "scripts" / "plugin_reference.py")
assert spec is not None
assert spec.loader is not None
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
NAMES = script.names()


def imported(folder: Path) -> Iterator[tuple[str, str, str]]:
    """What the modules of a plugin import of mlforge: where, from which module, and which name."""
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.py.txt")]):
        text = re.sub(r"\{\{(\w+)\}\}", r"\1", path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlforge":
                yield from ((path.name, node.module or "", alias.name) for alias in node.names)


def test_the_page_is_what_the_code_says() -> None:
    written = PAGE.read_text(encoding="utf-8").partition(script.BEGIN)[2]
    assert written == f"\n{script.reference()}", (
        "bring it up to date: hatch run test:python scripts/plugin_reference.py"
    )


@pytest.mark.parametrize("folder", PLUGINS)
def test_plugins_import_nothing_that_is_not_in_the_list(folder: str) -> None:
    listed = {(module, name) for module, told in NAMES.items() for name in told}
    modules = {module for module, _ in listed}
    found = list(imported(ROOT / folder))
    assert found
    unlisted = [
        (where, module, name)
        for where, module, name in found
        if (module, name) not in listed and f"{module}.{name}" not in modules
    ]
    assert unlisted == []


@pytest.mark.parametrize("module", NAMES)
def test_everything_in_the_list_can_be_imported(module: str) -> None:
    there = importlib.import_module(module)
    assert [name for name in NAMES[module] if not hasattr(there, name)] == []


def test_what_is_left_out_is_how_plugins_are_found() -> None:
    assert all((script.SOURCE / "plugin" / f"{name}.py").exists() for name in script.OWN)
