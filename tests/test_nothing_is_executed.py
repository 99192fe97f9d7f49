"""Nothing that is read is ever executed: no package can, because none has what would."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
SOURCES = sorted(HOUSE.glob("packages/*/src/**/*.py"))
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "__import__"}
ALLOWED = {
    "packages/mlforge-core/src/mlforge/testing/plugins/announcing.py": ["eval"]  # a plugin's own example, in its tests
}
YAML = {"load", "load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all"}


def executing(tree: ast.AST) -> list[str]:
    """What a module has that executes data."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [a.name for a in names if a.name.split(".")[0] in MODULES]
            case ast.ImportFrom(module=str(module), names=names):
                found += [module] if module.split(".")[0] in MODULES else []
                found += [f"yaml.{a.name}" for a in names if module == "yaml" and a.name in YAML]
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                found.append(name)
            case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in YAML:
                found.append(f"yaml.{name}")
            case ast.Attribute(value=ast.Name(id="builtins"), attr=name) if name in CALLS:
                found.append(name)
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                found.append("allow_pickle")
            case ast.Call(args=[ast.Constant(value=name), *_]) if name in MODULES:
                found.append(str(name))  # import_module("pickle")
    return found


def test_no_package_executes_what_it_reads():
    assert len(SOURCES) > 300
    found = {str(p.relative_to(HOUSE)): executing(ast.parse(p.read_bytes())) for p in SOURCES}
    assert {path: words for path, words in found.items() if words} == ALLOWED


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from dill import loads", "import yaml; yaml.load(x)", "from yaml import unsafe_load", "eval(x)",
     "import builtins; builtins.exec(x)", "import_module('marshal')", "np.load(x, allow_pickle=True)"],
)  # fmt: skip
def test_each_way_is_found(line):
    assert executing(ast.parse(line))
