"""`mlforge init`, and what it tells people to do next."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from full import no_file_longer_than
from nobody import as_nobody

from mlforge.cli.app import run
from mlforge.cli.commands.init import purchases

Mlforge = Callable[..., Any]


def steps_of(text: str) -> list[str]:
    """The commands that `init` printed: its indented lines."""
    return [line[2:] for line in text.splitlines() if line.startswith("  ")]


@pytest.mark.posix
def test_the_steps_it_prints_work_exactly_as_printed(mlforge: Mlforge, tmp_path: Path) -> None:
    steps = steps_of(mlforge("init", "shop", cwd=tmp_path).out)
    assert steps[0] == "cd shop"
    assert steps[-1] == "python train.py"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = "\n".join(["set -e", *steps])
    env = {**os.environ, "PATH": path, "PYTHONUTF8": "1"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2 built in" in done.stdout
    assert "Rows: 4" in done.stdout


def test_its_files_are_there_and_name_the_project(fresh_shop: Path) -> None:
    made = {
        str(p.relative_to(fresh_shop)) for p in fresh_shop.rglob("*") if p.is_file() and "__pycache__" not in p.parts
    }
    assert made == {
        "mlforge.yaml", "definitions.py", "features.py", "train.py", "README.md", ".gitignore", "data/purchases.csv",
    }  # fmt: skip
    assert 'Definitions("shop"' in (fresh_shop / "definitions.py").read_text(encoding="utf-8")
    assert not any("{{" in (fresh_shop / name).read_text(encoding="utf-8") for name in made)


def test_its_data_is_the_same_every_time_and_a_few_hundred_rows() -> None:
    lines = purchases().splitlines()
    assert purchases() == purchases()
    assert lines[0] == "user_id,event_time,category,amount"
    assert 200 < len(lines) < 1000
    assert all(re.fullmatch(r"u\d\d,2026-0[1-3]-\d\dT\d\d:\d\d:\d\dZ,[a-z]+,\d+\.\d\d", line) for line in lines[1:])


@pytest.mark.posix
@pytest.mark.parametrize("words", ["init shop", "plugin new metric shop"])
def test_a_folder_that_nobody_may_write_to_is_said_and_nothing_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o555)
    try:
        with as_nobody():
            assert run(words.split()) == 1
    finally:
        tmp_path.chmod(0o755)
    said = capsys.readouterr().err
    assert "shop/ cannot be made here: Permission denied." in said
    assert "Hint: Call it in a folder of yours." in said
    assert not list(tmp_path.iterdir())


@pytest.mark.posix
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(("words", "folder"), [("init shop", "shop"), ("plugin new metric shop", "mlforge-shop")])
def test_where_no_room_is_left_nothing_stays_and_it_can_be_made_later(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    folder: str,
    there: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    if there:
        Path(folder).mkdir()
    with no_file_longer_than(400):
        assert run(words.split()) == 1
    assert "Hint: Make room there and try again." in capsys.readouterr().err
    assert list(tmp_path.rglob("*")) == ([tmp_path / folder] if there else [])
    assert run(words.split()) == 0


@pytest.mark.parametrize("name", ["", "1st", "a/b", "..", ".", "with space", "-x", "a" * 65, "ünique"])
def test_a_bad_name_is_refused_and_nothing_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--", name]) == 1
    assert "cannot be a project's name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_alone(mlforge: Mlforge, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").write_text("mine", encoding="utf-8")
    answer = mlforge("init", "shop", cwd=tmp_path)
    assert answer.code == 1
    assert answer.err.startswith("Error: There is a 'shop' here already, and it is not empty.")
    assert [p.name for p in (tmp_path / "shop").iterdir()] == ["mine.txt"]


def test_a_file_in_the_way_is_left_alone(mlforge: Mlforge, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine", encoding="utf-8")
    assert mlforge("init", "shop", cwd=tmp_path).code == 1
    assert (tmp_path / "shop").read_text(encoding="utf-8") == "mine"


def test_an_empty_folder_is_used(mlforge: Mlforge, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert mlforge("init", "shop", cwd=tmp_path).code == 0
    assert (tmp_path / "shop" / "definitions.py").is_file()


def test_an_engine_nobody_knows_is_refused_before_anything_is_made(mlforge: Mlforge, tmp_path: Path) -> None:
    answer = mlforge("init", "shop", "--engine", "abacus", cwd=tmp_path)
    assert answer.code == 1
    assert "There is no engine 'abacus'." in answer.err
    assert list(tmp_path.iterdir()) == []
