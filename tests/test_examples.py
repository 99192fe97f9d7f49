"""Every public name has an example in its docstring, and every example in a docstring is true.

Examples are about the project that `mlforge init shop` makes, built once, with an online store: `defs`.
"""

from __future__ import annotations

import asyncio
import doctest
import importlib
import importlib.util
import inspect
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mlforge as mlf
import mlforge.plugin
import mlforge.testing
from mlforge.cli.app import run
from mlforge.plugin.config import Config
from mlforge.plugin.registry import registry

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("mlforge", "mlforge.errors", "mlforge.metrics", "mlforge.validators", "mlforge.plugin", "mlforge.testing")
OURS = "mlforge"


def modules_with_examples() -> Iterator[str]:
    for source in sorted(ROOT.glob("packages/*/src")):
        if source.parent.name == "mlforge-spark":  # installed in environments of its own, whose tests run its examples
            continue
        for path in sorted(source.rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            if ">>> " in path.read_text(encoding="utf-8"):
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the examples, built; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("examples"))
        assert run(["init", "shop"]) == 0
        folder = Path("shop").resolve()
    profiles = folder / "mlforge.yaml"
    with_online = "      path: feature_store\n    online_store: {KIND: sqlite, path: online.db}\n"
    profiles.write_text(profiles.read_text().replace("      path: feature_store\n", with_online, 1))
    definitions_in(folder).build().raise_for_failure()
    return folder


def definitions_in(folder: Path) -> mlf.Definitions:
    spec = importlib.util.spec_from_file_location("examples_of_the_shop", folder / "features.py")
    assert spec is not None
    assert spec.loader is not None
    features = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(features)
    return mlf.Definitions("shop", features=[features], root=folder)


def words(folder: Path) -> dict[str, Any]:
    """What an example knows besides its own module's names."""
    doors = {name: getattr(mlforge.plugin, name) for name in mlforge.plugin.__all__}
    return doors | {
        "asyncio": asyncio, "datetime": datetime, "defs": definitions_in(folder), "mlf": mlf, "pl": pl, "UTC": UTC,
    }  # fmt: skip


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_the_examples_of_a_module_run(name: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(name)
    told = StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for number, example in enumerate(doctest.DocTestFinder(exclude_empty=True).find(module, name)):
        if example.examples:
            folder = shutil.copytree(shop, tmp_path / f"{number}")
            monkeypatch.chdir(folder)
            example.globs = words(folder) | example.globs
            runner.run(example, out=told.write)
    assert runner.failures == 0, told.getvalue()
    assert runner.tries > 0, f"{name} has examples that nothing finds"


def public() -> dict[str, Any]:
    """All that is exported and can be called, what plugins bring to `mlforge`, and the verbs of `Definitions`."""
    rooms = [importlib.import_module(name) for name in ROOMS]
    named = {f"{room.__name__}.{name}": getattr(room, name) for room in rooms for name in _exported(room)}
    configs = (getattr(d, "config", None) for p in registry().plugins for d in p.brings)
    brought = {f"mlforge.{c.__name__}": c for c in configs if isinstance(c, type) and issubclass(c, Config)}
    members = inspect.getmembers(mlf.Definitions, inspect.isfunction)
    verbs = {f"mlforge.Definitions.{name}": verb for name, verb in members if not name.startswith("_")}
    return {name: value for name, value in (named | brought | verbs).items() if _is_ours(value)}


def _exported(room: Any) -> list[str]:
    return list(getattr(room, "__all__", None) or [n for n in vars(room) if not n.startswith("_")])


def _is_ours(value: Any) -> bool:
    called = inspect.isclass(value) or inspect.isfunction(value)
    return called and value.__module__.split(".")[0].split("_")[0] == OURS


def test_every_public_name_has_an_example() -> None:
    lacking = [name for name, value in public().items() if ">>> " not in (value.__doc__ or "")]
    assert lacking == []


@pytest.mark.parametrize("name", ["Definitions", "feature", "RedisStore", "plugin.Engine", "errors.Conflict"])
def test_the_public_names_are_looked_at(name: str) -> None:
    assert f"mlforge.{name}" in public()
