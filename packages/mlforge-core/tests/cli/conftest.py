"""Projects to try the command line on, and a way to call it as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import forked
import pytest

collect_ignore = ["test_terminal.py"] if sys.platform == "win32" else []  # it imports pty
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("MLFORGE", "COLUMNS", "NO_COLOR", "FORCE_COLOR"))}


class Answer(NamedTuple):
    """What a call left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Stdout as the one JSON document it must be."""
        return json.loads(self.out)


Mlforge = Callable[..., Answer]


@pytest.fixture(scope="session")
def mlforge() -> Mlforge:
    """Call `mlforge` with words, in a folder; warnings are errors there too."""

    def call(*words: str, cwd: Path, **environment: str) -> Answer:
        env = {**CLEAN, "PYTHONUTF8": "1", **environment}
        done = forked.run(words, cwd, env)
        return Answer(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def fresh_shop(tmp_path_factory: pytest.TempPathFactory, mlforge: Mlforge) -> Path:
    """A project as `mlforge init` makes it; not to be changed."""
    folder = tmp_path_factory.mktemp("fresh")
    assert mlforge("init", "shop", cwd=folder).code == 0
    return folder / "shop"


@pytest.fixture(scope="session")
def built_shop(tmp_path_factory: pytest.TempPathFactory, mlforge: Mlforge, fresh_shop: Path) -> Path:
    """The same, built; not to be changed."""
    folder = shutil.copytree(fresh_shop, tmp_path_factory.mktemp("built") / "shop")
    assert mlforge("build", cwd=folder).code == 0
    return folder


@pytest.fixture
def shop(tmp_path: Path, fresh_shop: Path) -> Path:
    """A new project of one's own."""
    return shutil.copytree(fresh_shop, tmp_path / "shop")


@pytest.fixture
def grown_shop(tmp_path: Path, built_shop: Path, mlforge: Mlforge) -> Path:
    """A project of one's own in which `user_spend` has the versions 1.0.0 and 1.1.0."""
    folder = shutil.copytree(built_shop, tmp_path / "shop")
    add_a_window(folder)
    assert mlforge("build", "--features", "user_spend", cwd=folder).code == 0
    return folder


def add_a_window(folder: Path) -> None:
    """Let `user_spend` also count over 14 days."""
    replace(folder / "features.py", 'mlf.Count(windows=["7d", "28d"]', 'mlf.Count(windows=["7d", "14d", "28d"]')


def replace(path: Path, old: str, new: str) -> None:
    """Change a text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    return replace


@pytest.fixture
def spoil(shop: Path) -> Callable[..., None]:
    """Change fields of the project's data: `spoil(amount={5: "-1"})`, by column and row."""

    def change(**columns: dict[int, str]) -> None:
        path = shop / "data" / "purchases.csv"
        rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        for column, fields in columns.items():
            for number, value in fields.items():
                rows[number][rows[0].index(column)] = value
        path.write_text("".join(",".join(r) + "\n" for r in rows), encoding="utf-8")

    return change
