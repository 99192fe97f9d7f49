"""`mlforge search`: the manifest is enough."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlforge.cli.app import run


@pytest.fixture
def here(built_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built project whose definitions cannot be read: nothing here needs them."""
    folder = shutil.copytree(built_shop, tmp_path / "shop")
    (folder / "definitions.py").write_text("1 / 0\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def test_people_see_a_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "spend", "last", "week"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "feature"
    assert lines[1].split()[:2] == ["user_spend", "1.0.0"]


def test_programs_see_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "categroy", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["features"]
    assert (found["name"], found["matched"], found["entities"]) == ("last_purchase", ["category"], ["user"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Give words"),
        (["--tags", "dayly"], "Did you mean 'daily'?"),
        (["spend", "--stale", "soon"], "7d or 2w"),
        (["spend", "--limit", "0"], "See: mlforge search --help"),
        (["spend", "--profile", "dve"], "Did you mean 'dev'?"),
    ],
)
def test_bad_input_is_one_error(here: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    assert run(["search", *words]) > 0
    told = capsys.readouterr().err
    assert told.startswith("Error: ") and says in told and told.count("Error:") == 1


def test_nothing_found_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "zebra"]) == 0
    assert capsys.readouterr().out == "No feature fits 'zebra'.\n"


def test_definitions_are_read_where_they_are_named(fresh_shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "spend", "--target", str(fresh_shop)]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split()[:2] == ["user_spend", "–"]
