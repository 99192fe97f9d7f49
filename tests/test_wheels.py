"""The wheels, as a user gets them: installed into empty environments, used through the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "MLFORGE", "HATCH"))}


def run(*command, cwd, check=True):
    return subprocess.run(
        [str(c) for c in command], cwd=cwd, env=CLEAN | {"COLUMNS": "100"}, capture_output=True, text=True, check=check
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The wheels of the core and the Polars engine, built from the source tree."""
    out = tmp_path_factory.mktemp("wheels")
    run(
        sys.executable,
        ROOT / "scripts/build.py",
        "mlforge-core",
        "mlforge-csv",
        "mlforge-ranges",
        "mlforge-polars",
        "--out",
        out,
        cwd=ROOT,
    )
    return {path.name.split("-")[0]: path for path in out.glob("*.whl")}


@pytest.fixture
def environment(tmp_path):
    """An empty environment; calling it installs wheels and gives the path of its commands."""

    def install(*wheels):
        run(sys.executable, "-m", "uv", "venv", "--quiet", tmp_path / "venv", cwd=tmp_path)
        python = tmp_path / "venv/bin/python"
        run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *wheels, cwd=tmp_path)
        return tmp_path / "venv/bin"

    return install


def test_core_and_polars_alone_build_a_new_project_from_the_command_line(wheels, environment, tmp_path):
    commands = environment(*wheels.values())
    installed = run(sys.executable, "-m", "uv", "pip", "list", "--python", commands / "python", cwd=tmp_path).stdout
    assert not {"numpy", "pandas", "pyarrow"} & set(installed.split())
    run(commands / "mlforge", "init", "shop", cwd=tmp_path)
    report = json.loads(run(commands / "mlforge", "build", "--json", cwd=tmp_path / "shop").stdout)
    assert {r["status"] for r in report["results"]} == {"built"}
    again = json.loads(run(commands / "mlforge", "build", "--json", cwd=tmp_path / "shop").stdout)
    assert {r["status"] for r in again["results"]} == {"unchanged"}
    plugins = run(commands / "mlforge", "plugins", cwd=tmp_path).stdout
    assert "mlforge-polars" in plugins


def test_the_core_alone_imports_prints_help_and_says_how_to_get_an_engine(wheels, environment, tmp_path):
    commands = environment(wheels["mlforge_core"])
    assert run(commands / "python", "-c", "import mlforge; print(mlforge.Sum)", cwd=tmp_path).returncode == 0
    assert "build" in run(commands / "mlforge", "--help", cwd=tmp_path).stdout
    run(commands / "mlforge", "init", "shop", cwd=tmp_path)
    failed = run(commands / "mlforge", "build", cwd=tmp_path / "shop", check=False)
    assert failed.returncode == 1
    assert "pip install mlforge-polars" in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr


def test_the_wheels_hold_the_package_its_types_and_its_licence_and_nothing_else(wheels):
    import zipfile

    for name, package in (
        ("mlforge_core", "mlforge"),
        ("mlforge_csv", "mlforge_csv"),
        ("mlforge_ranges", "mlforge_ranges"),
        ("mlforge_polars", "mlforge_polars"),
    ):
        names = zipfile.ZipFile(wheels[name]).namelist()
        assert f"{package}/py.typed" in names
        assert any(n.endswith("LICENSE") for n in names)
        assert {n.split("/")[0] for n in names} == {package, next(n for n in names if ".dist-info" in n).split("/")[0]}
