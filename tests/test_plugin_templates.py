"""`mlforge plugin new`: what it makes is installed into an environment of its own, and its tests are green at once."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from mlforge.cli.app import run

pytestmark = pytest.mark.posix
ROOT = Path(__file__).resolve().parent.parent
PLUGINS = {
    "validator": ("is_slug", "mlforge-is-slug", "validator  is_slug"),
    "metric": ("Spread", "mlforge-spread", "metric  Spread"),
    "online-store": ("shelf", "mlforge-shelf", "online store  shelf"),
    "store": ("cupboard", "mlforge-cupboard", "store  cupboard"),
    "engine": ("abacus", "mlforge-abacus", "engine  abacus"),
}
ENVIRONMENT = {
    k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV", "MLFORGE", "COV"))
}


def does(*line: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in line]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False)


def environment_of(plugin: Path) -> Path:
    """An environment that sees what this one does, and has the plugin installed: where its commands are."""
    place = plugin.parent / "venv"
    made = does(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, place, cwd=plugin)
    assert made.returncode == 0, made.stderr
    packages = next(place.glob("lib/python*/site-packages"))
    (packages / "all.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--offline", "--python", place / "bin/python")
    installed = does(sys.executable, "-m", "uv", "pip", "install", *options, "-e", ".", cwd=plugin)
    assert installed.returncode == 0, installed.stderr
    return place / "bin"


@pytest.mark.parametrize("kind", PLUGINS)
def test_a_new_plugin_is_green_at_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, distribution, brings = PLUGINS[kind]
    monkeypatch.chdir(tmp_path)
    assert run(["plugin", "new", kind, name]) == 0
    plugin = tmp_path / distribution
    commands = environment_of(plugin)
    tested = does(commands / "python", "-m", "pytest", "-q", "-W", "error", cwd=plugin, MLFORGE_CASES="60")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "skipped" not in tested.stdout
    listed = does(commands / "python", "-m", "mlforge", "plugins", cwd=plugin, COLUMNS="120").stdout
    assert f"{distribution} 0.1.0\n  {brings}\n" in listed


def test_the_toys_and_the_templates_are_the_same_files() -> None:
    spec = importlib.util.spec_from_file_location("plugin_template", ROOT / "scripts" / "plugin_template.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    stale = [path.name for path, text in script.templates() if path.read_text(encoding="utf-8") != text]
    assert not stale, "bring them up to date: hatch run test:python scripts/plugin_template.py"
