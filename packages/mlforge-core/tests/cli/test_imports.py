"""What may be imported when. Every module that is loaded before it is needed is paid for at every call."""

import subprocess
import sys

import pytest

HEAVY = {"rich", "polars", "pyarrow", "pandas", "numpy", "duckdb", "yaml", "msgspec", "pluggy"}


def loaded_after(code: str) -> set[str]:
    code = f"{code}\nimport sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("words", [["--help"], ["--version"], []], ids=["help", "version", "nothing"])
def test_the_help_loads_click_and_nothing_heavy(words: list[str]) -> None:
    assert not loaded_after(f"from mlforge.cli.app import run; run({words!r})") & HEAVY


@pytest.mark.parametrize("name", ["init", "build", "list", "inspect", "profile"])
def test_the_help_of_a_command_loads_no_more(name: str) -> None:
    assert not loaded_after(f"from mlforge.cli.app import run; run([{name!r}, '--help'])") & HEAVY


def test_importing_mlforge_loads_neither_click_nor_anything_heavy() -> None:
    assert not loaded_after("import mlforge") & (HEAVY | {"click"})


def test_listing_features_loads_no_dataframe_library(fresh_shop: str) -> None:
    loaded = loaded_after(f"from mlforge.cli.app import run; run(['list', '--target', {str(fresh_shop)!r}])")
    assert not loaded & {"polars", "pyarrow", "pandas", "numpy", "duckdb"}


def test_json_loads_no_rich(fresh_shop: str) -> None:
    loaded = loaded_after(f"from mlforge.cli.app import run; run(['list', '--json', '--target', {str(fresh_shop)!r}])")
    assert "rich" not in loaded
