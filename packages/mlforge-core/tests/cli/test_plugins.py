"""Plugins on the command line: what is listed, what is broken, and the commands they bring.

Each environment here is a real one: a folder with nothing but what was put into it, and a Python that sees no other.
"""

import importlib.util
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest

import mlforge

pytestmark = pytest.mark.posix
NEEDED = ("click", "msgspec", "pluggy", "rich", "yaml", "pygments", "markdown_it", "mdurl")


class Environment(NamedTuple):
    """A folder of packages."""

    path: Path

    def add(self, distribution: str, code: str) -> None:
        """Install a plugin of one module."""
        module = distribution.replace("-", "_")
        (self.path / f"{module}.py").write_text(code, encoding="utf-8")
        info = self.path / f"{module}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2.3\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(f"[mlforge]\n{module} = {module}\n", encoding="utf-8")

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(self.path), "PYTHONUTF8": "1"}
        command = [sys.executable, "-S", "-m", "mlforge", *words]
        return subprocess.run(
            command, cwd=cwd or self.path, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False
        )


@pytest.fixture
def alone(tmp_path: Path) -> Environment:
    """mlforge-core, what it needs, and nothing else."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "mlforge").symlink_to(Path(mlforge.__file__).parent)
    for name in NEEDED:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (folder / name).symlink_to(Path(spec.origin).parent)
    record = next(f for f in metadata.distribution("mlforge-core").files or () if f.name == "METADATA")
    info = Path(str(record.locate())).parent
    (folder / info.name).symlink_to(info)
    return Environment(folder)


COMMAND = """
import click
from mlforge.errors import Invalid
from mlforge.plugin import API_VERSION, Command, hookimpl

@hookimpl
def mlforge_commands():
    return [Command(name="{name}", summary="Fly away.", api=API_VERSION, target="{target}")]

@click.command()
@click.option("--fail", is_flag=True)
@click.option("--count", is_flag=True)
@click.pass_obj
def fly(call, fail, count):
    if fail:
        raise Invalid("No wings.", hint="Grow some.")
    click.echo(len(call.definitions().features) if count else "up and away")
"""


VAULT = """
from typing import ClassVar
from mlforge.plugin import API_VERSION, OnlineStoreConfig, OnlineStoreDescriptor, Secret, hookimpl

class VaultStore(OnlineStoreConfig, frozen=True, tag="vault"):
    target: ClassVar[str] = "my_vault:gone"
    host: str = "localhost"
    password: Secret = ""

@hookimpl
def mlforge_online_stores():
    return [OnlineStoreDescriptor(name="vault", summary="Keeps secrets.", api=API_VERSION, config=VaultStore)]
"""


def test_a_secret_of_a_profile_is_never_shown(alone: Environment, tmp_path: Path) -> None:
    alone.add("my-vault", VAULT)
    alone.add("my-engine", ENGINE)
    alone.run("init", "shop", "--engine", "thought", cwd=tmp_path)
    with (tmp_path / "shop" / "mlforge.yaml").open("a", encoding="utf-8") as file:
        file.write("  live:\n    online_store: {KIND: vault, host: example.org, password: hunter2}\n")
    for words in (["profile"], ["profile", "--json"], ["profile", "--debug"]):
        shown = alone.run(*words, "--profile", "live", cwd=tmp_path / "shop")
        assert shown.returncode == 0, shown.stderr
        assert "example.org" in shown.stdout
        assert "***" in shown.stdout
        assert "hunter2" not in shown.stdout + shown.stderr


def test_an_engine_of_a_stranger_is_the_default_where_it_is_the_only_one(alone: Environment, tmp_path: Path) -> None:
    alone.add("my-engine", ENGINE)
    made = alone.run("init", "shop", cwd=tmp_path)
    assert made.stdout.splitlines()[4] == "  pip install polars"
    assert "engine: thought" in (tmp_path / "shop" / "mlforge.yaml").read_text(encoding="utf-8")


ENGINE = """
from mlforge.plugin import API_VERSION, EngineConfig, EngineDescriptor, hookimpl

class ThoughtEngine(EngineConfig, frozen=True, tag="thought"):
    pass

@hookimpl
def mlforge_engines():
    formats = frozenset({"parquet", "csv"})
    return [
        EngineDescriptor(
            name="thought", summary="Thinks.", api=API_VERSION, config=ThoughtEngine,
            frames=(), reads=formats, writes=formats,
        )
    ]
"""


def test_the_core_alone_lists_and_makes_projects_and_says_how_to_get_an_engine(
    alone: Environment, tmp_path: Path
) -> None:
    made = alone.run("init", "shop", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[4] == "  pip install mlforge-polars"
    shop = tmp_path / "shop"
    listed = alone.run("list", cwd=shop)
    assert (listed.returncode, listed.stdout.splitlines()[1].split()[0]) == (0, "user_spend")
    built = alone.run("build", cwd=shop)
    assert built.returncode == 1
    assert built.stderr == (
        "Error: The engine 'polars' is not installed.\nHint: Install it: pip install mlforge-polars\n"
        "Where: mlforge.yaml, line 6: engine: polars\n"
    )


def test_the_core_alone_without_a_profile_says_the_same_once_for_all_features(
    alone: Environment, tmp_path: Path
) -> None:
    alone.run("init", "shop", cwd=tmp_path)
    (tmp_path / "shop" / "mlforge.yaml").unlink()
    built = alone.run("build", cwd=tmp_path / "shop")
    assert built.returncode == 1
    assert built.stdout.count("pip install mlforge-polars") == 1
    assert "user_spend, last_purchase: No engine is installed." in built.stdout


def test_an_engine_that_is_known_but_missing_is_named_with_its_line(alone: Environment, tmp_path: Path) -> None:
    made = alone.run("init", "shop", "--engine", "duckdb", cwd=tmp_path)
    assert made.stdout.splitlines()[4:6] == ["  pip install mlforge-duckdb", "  pip install polars"]


def test_a_command_of_a_known_plugin_says_how_to_install_it(alone: Environment) -> None:
    answer = alone.run("serve")
    assert answer.returncode == 2
    assert answer.stderr == (
        "Error: The command 'serve' is not installed.\nHint: Install it: pip install mlforge-serve\n"
    )


def test_plugins_are_listed_with_what_they_bring(alone: Environment) -> None:
    alone.add("my-wings", COMMAND.format(name="fly", target="my_wings:fly"))
    text = alone.run("plugins").stdout
    assert "my_wings  my-wings 1.2.3\n  command  fly\n" in text
    assert "local  mlforge-core" in text


def test_a_plugins_command_is_in_the_help_and_runs(alone: Environment, tmp_path: Path) -> None:
    alone.add("my-wings", COMMAND.format(name="fly", target="my_wings:fly"))
    assert ["fly", "Fly", "away."] in [line.split() for line in alone.run("--help").stdout.splitlines()]
    assert alone.run("fly").stdout == "up and away\n"
    assert "Did you mean 'fly'?" in alone.run("flyy").stderr
    failed = alone.run("fly", "--fail")
    assert (failed.returncode, failed.stderr) == (1, "Error: No wings.\nHint: Grow some.\n")


def test_a_plugins_command_finds_the_users_definitions(alone: Environment, tmp_path: Path) -> None:
    alone.add("my-wings", COMMAND.format(name="fly", target="my_wings:fly"))
    alone.run("init", "shop", cwd=tmp_path)
    assert alone.run("fly", "--count", cwd=tmp_path / "shop").stdout == "2\n"


@pytest.mark.parametrize(
    ("target", "message"),
    [("my_wings:gone", "cannot be imported"), ("my_wings:API_VERSION", "no click command")],
)
def test_a_plugins_command_that_is_none_is_an_error_of_its_own(alone: Environment, target: str, message: str) -> None:
    alone.add("my-wings", COMMAND.format(name="fly", target=target))
    answer = alone.run("fly")
    assert answer.returncode == 1
    assert message in answer.stderr
    assert alone.run("--help").returncode == 0


def test_a_plugin_cannot_take_the_name_of_a_command_of_the_core(alone: Environment) -> None:
    alone.add("my-wings", COMMAND.format(name="list", target="my_wings:fly"))
    assert alone.run("list", "--help").stdout.startswith("Usage: mlforge list")


def test_a_broken_plugin_is_a_line_and_not_a_dead_command_line(alone: Environment) -> None:
    alone.add("my-ruin", "mlforge_commands = 1\nraise RuntimeError('it fell apart')\n")
    assert "my_ruin  my-ruin 1.2.3\n  broken: RuntimeError: it fell apart\n" in alone.run("plugins").stdout
    assert alone.run("--help").returncode == 0
    assert '"error": "RuntimeError: it fell apart"' in alone.run("plugins", "--json").stdout


def test_two_plugins_that_claim_one_name_are_told_apart(alone: Environment) -> None:
    alone.add("left-wing", COMMAND.format(name="fly", target="left_wing:fly"))
    alone.add("right-wing", COMMAND.format(name="fly", target="right_wing:fly"))
    text = alone.run("plugins").stdout
    assert "Conflict: the command 'fly' is claimed by left-wing and right-wing.\n" in text
    answer = alone.run("fly")
    assert answer.returncode == 2
    assert "2 plugins bring the command 'fly': left-wing and right-wing." in answer.stderr


VALIDATOR = """
from mlforge.model.check import Validator
from mlforge.model.expr import it
from mlforge.plugin import ValidatorDescriptor, hookimpl

def {name}():
    return Validator("{name}", it() <= 0)

@hookimpl
def mlforge_validators():
    return [ValidatorDescriptor(name="{name}", summary="A promise.", api={api}, target="{module}:{name}")]
"""


def uses(alone: Environment, code: str) -> subprocess.CompletedProcess[str]:
    """A program of the environment."""
    env = {**os.environ, "PYTHONPATH": str(alone.path)}
    line = [sys.executable, "-S", "-c", code]
    return subprocess.run(line, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)


IMPORTS = ("from mlforge.validators import is_odd", "from mlforge import is_odd", "import mlforge; mlforge.is_odd")


@pytest.mark.parametrize("code", IMPORTS)
def test_a_name_that_two_plugins_claim_is_explained_where_it_is_used(alone: Environment, code: str) -> None:
    for module in ("left", "right"):
        alone.add(module, VALIDATOR.format(name="is_odd", api=1, module=module))
    told = uses(alone, code).stderr
    assert "'is_odd': left and right." in told
    assert "pip uninstall left" in told


@pytest.mark.parametrize("code", IMPORTS)
def test_a_name_of_a_plugin_for_another_api_is_explained_where_it_is_used(alone: Environment, code: str) -> None:
    alone.add("left", VALIDATOR.format(name="is_odd", api=7, module="left"))
    told = uses(alone, code).stderr
    assert "'is_odd' was written for plugin API 7, this mlforge has 1." in told
    assert "pip install --upgrade mlforge-core" in told
    assert "Upgrade it: pip install --upgrade mlforge-core" in alone.run("plugins").stdout


def test_a_built_in_that_somebody_else_claims_is_used_all_the_same(alone: Environment) -> None:
    alone.add("a-stranger", VALIDATOR.format(name="not_null", api=1, module="a_stranger"))
    assert uses(alone, "from mlforge.validators import not_null; print(not_null().label)").stdout == "not_null()\n"
    text = alone.run("plugins").stdout
    assert "That of mlforge-core is used. Uninstall the other: pip uninstall a-stranger\n" in text
    assert "uninstall mlforge-core" not in text


def test_a_command_that_hides_behind_one_of_the_core_is_a_conflict(alone: Environment) -> None:
    alone.add("my-wings", COMMAND.format(name="list", target="my_wings:fly"))
    found = json.loads(alone.run("plugins", "--json").stdout)["conflicts"]
    assert [(r["role"], r["name"], r["used"]) for r in found] == [("command", "list", "mlforge-core")]


def test_a_check_fails_for_broken_plugins_and_for_conflicts_alone(alone: Environment) -> None:
    alone.add("my-wings", COMMAND.format(name="fly", target="my_wings:fly"))
    assert [alone.run("plugins", *words).returncode for words in ([], ["--check"])] == [0, 0]
    alone.add("your-wings", COMMAND.format(name="fly", target="your_wings:fly"))
    assert [alone.run("plugins", *words).returncode for words in ([], ["--check"])] == [0, 1]


@pytest.mark.parametrize("code", ["raise RuntimeError('it fell apart')", VALIDATOR.format(name="v", api=0, module="x")])
def test_a_check_fails_for_a_plugin_that_cannot_be_used(alone: Environment, code: str) -> None:
    alone.add("my-ruin", code)
    answer = alone.run("plugins", "--check", "--json")
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["plugins"][-1]["error"]
