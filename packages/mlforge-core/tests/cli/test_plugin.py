"""`mlforge plugin new`: what it makes, what it says to do next, and the names it refuses."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mlforge.cli import kit
from mlforge.cli.app import run
from mlforge.cli.commands.plugin import KINDS
from mlforge.cli.views import supported
from mlforge.plugin.registry import Plugin, Registry, registry

Mlforge = Callable[..., Any]


@pytest.mark.parametrize("kind", KINDS)
def test_it_makes_a_distribution_with_tests_and_a_readme(kind: str, mlforge: Mlforge, tmp_path: Path) -> None:
    answer = mlforge("plugin", "new", kind, "my_own-thing", cwd=tmp_path)
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[-3:] == ["  cd mlforge-my-own-thing", '  pip install -e ".[test]"', "  pytest"]
    folder = tmp_path / "mlforge-my-own-thing"
    made = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    package = "src/mlforge_my_own_thing"
    always = {"pyproject.toml", "README.md", ".gitignore", "tests/test_plugin.py", f"{package}/py.typed"}
    assert always | {f"{package}/__init__.py", f"{package}/plugin.py"} < made
    assert not any("{{" in (folder / path).read_text(encoding="utf-8") for path in made)
    for path in made:
        if path.endswith(".py"):
            ast.parse((folder / path).read_text(encoding="utf-8"))
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "mlforge-my-own-thing"
    assert project["entry-points"]["mlforge"] == {"my-own-thing": "mlforge_my_own_thing.plugin"}


@pytest.mark.parametrize(
    ("kind", "name", "known_as"),
    [
        ("validator", "isSlug", "is_slug"),
        ("validator", "mlforge-is-slug", "is_slug"),
        ("metric", "win_rate", "WinRate"),
        ("metric", "WinRate", "WinRate"),
        ("store", "TapeStore", "tape-store"),
        ("engine", "abacus", "abacus"),
    ],
)
def test_a_name_may_be_written_in_any_way(
    kind: str, name: str, known_as: str, mlforge: Mlforge, tmp_path: Path
) -> None:
    assert f" {known_as!r}, and its tests." in mlforge("plugin", "new", kind, name, cwd=tmp_path).out


@pytest.mark.parametrize(
    ("kind", "name", "by"),
    [
        ("engine", "duckdb", "mlforge-duckdb"),
        ("store", "local", "mlforge-core"),
        ("online-store", "redis", "mlforge-redis"),
        ("validator", "not_null", "mlforge-core"),
        ("metric", "sum", "mlforge-core"),
        ("metric", "local-store", "mlforge-core"),
    ],
)
def test_a_name_that_is_taken_is_refused_with_one_that_is_free(
    kind: str, name: str, by: str, mlforge: Mlforge, tmp_path: Path
) -> None:
    refused = mlforge("plugin", "new", kind, name, cwd=tmp_path)
    assert refused.code == 1
    assert refused.err.startswith(f"Error: {by} brings the ")
    assert list(tmp_path.iterdir()) == []
    hint = refused.err.split("mlforge plugin new ")[1].split()
    assert mlforge("plugin", "new", *hint, cwd=tmp_path).code == 0


@pytest.mark.parametrize("name", ["core", "Polars", "serve", "mlforge-ranges", "tables"])
def test_no_distribution_is_displaced(name: str, mlforge: Mlforge, tmp_path: Path) -> None:
    refused = mlforge("plugin", "new", "validator", name, cwd=tmp_path)
    assert refused.code == 1
    assert "is another distribution" in refused.err
    assert list(tmp_path.iterdir()) == []
    assert mlforge("plugin", *refused.err.split("mlforge plugin ")[1].split(), cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    "name", ["", "1st", "a/b", "..", "with space", "a--b", "ünique", "a" * 41, "lambda", "mlforge-"]
)
def test_a_bad_name_is_refused_and_nothing_made(name: str, mlforge: Mlforge, tmp_path: Path) -> None:
    refused = mlforge("plugin", "new", "validator", "--", name, cwd=tmp_path)
    assert refused.code == 1
    assert "mlforge plugin new validator my-" in refused.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_alone(mlforge: Mlforge, tmp_path: Path) -> None:
    (tmp_path / "mlforge-slug").mkdir()
    (tmp_path / "mlforge-slug" / "mine.txt").touch()
    assert mlforge("plugin", "new", "validator", "slug", cwd=tmp_path).code == 1
    assert [p.name for p in (tmp_path / "mlforge-slug").iterdir()] == ["mine.txt"]


def test_a_kind_that_is_none_is_answered_with_those_there_are(mlforge: Mlforge, tmp_path: Path) -> None:
    refused = mlforge("plugin", "new", "engin", "x", cwd=tmp_path)
    assert refused.code == 2
    assert "'online-store'" in refused.err


def test_plugin_alone_says_what_can_be_done(mlforge: Mlforge, tmp_path: Path) -> None:
    answer = mlforge("plugin", cwd=tmp_path)
    assert (answer.code, "new" in answer.out) == (0, True)


def test_what_is_installed_is_held_to_the_kit_and_shown_with_what_it_supports(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["plugin", "check", "local", "sqlite", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] and [one["name"] for one in found["plugins"]] == ["local", "sqlite"]
    assert all(one["passed"] > 5 and one["failed"] == [] for one in found["plugins"])
    assert found["plugins"][0]["brings"][0]["supports"] == {"formats": ["parquet"]}


def test_a_plugin_that_fails_is_told_with_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    case = ET.fromstring('<testcase name="test_x"><failure message="none of it is&#10;so">…</failure></testcase>')
    plugin = Plugin("mine", "mine", "1.0")
    found = supported.document([kit._fared(plugin, False, [case])])  # noqa: SLF001
    supported.shown(found)
    told = capsys.readouterr().out
    assert not found["ok"]
    assert "mine: test_x: none of it is\n" in told and "its settings are not tried" in told


def test_plugins_of_one_name_are_each_held(monkeypatch: pytest.MonkeyPatch) -> None:
    local = next(plugin for plugin in registry().plugins if plugin.name == "local")
    broken = Plugin("local", "mlforge-other", "1.0", error="RuntimeError: boo")
    for order in ([broken, local], [local, broken]):
        monkeypatch.setattr(kit, "registry", lambda order=order: Registry(order))
        assert [(one.plugin.distribution, one.ok) for one in kit.held(["local"])] == [
            (plugin.distribution, plugin is local) for plugin in order
        ]


def test_a_plugin_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugin", "check", "locl"]) == 1
    assert "Did you mean 'local'?" in capsys.readouterr().err
