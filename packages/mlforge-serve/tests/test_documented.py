"""The page and the example say what the server does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlforge_serve.command import serve
from mlforge_serve.problems import CODES
from mlforge_serve.telemetry import Board, exposition
from mlforge_serve.ui.command import ui

Run = Callable[..., Any]
HOUSE = Path(__file__).resolve().parents[3]
PAGE = (HOUSE / "docs/serving.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", [p.opts[0] for p in serve.params])
def test_every_option_is_on_the_page(option: str) -> None:
    assert f"`{option}`" in PAGE


@pytest.mark.parametrize("option", [p.opts[0] for p in ui.params])
def test_every_option_of_the_live_catalog_is_on_its_page(option: str) -> None:
    assert f"`{option}`" in (HOUSE / "docs/discovering.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_a_problem_is_on_the_page(code: str) -> None:
    assert f"`{code}`" in PAGE


def test_every_metric_is_on_the_page() -> None:
    names = re.findall(r"# TYPE (\w+)", exposition(Board(["f"])).decode())
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_client_of_the_examples_prints_values_and_passes_hints_on(project: Path, serve: Run, mlforge: Run) -> None:
    key = mlforge(project, "serve-key", "me", "--api-key-file", "keys.yaml").stdout.strip()
    with serve(project, "--api-key-file", "keys.yaml") as server:
        command = [sys.executable, str(HOUSE / "examples/client/client.py"), f"http://127.0.0.1:{server.port}"]
        good = told([*command, "spend,places", "user_id=1", "city=Oslo", "day=2024-03-01"], key)
        assert re.search(r"^visits +4611686018427387904$", good.stdout, re.MULTILINE)
        assert re.search(r"^places +present$", good.stdout, re.MULTILINE)
        wrong = told([*command, "spend", 'user_id="1"'], key)
        assert (wrong.returncode, "Send an integer." in wrong.stderr) == (1, True)
        assert "API key" in told([*command, "spend", "user_id=1"], "").stderr


def told(command: list[str], key: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env={"MLFORGE_KEY": key}, capture_output=True, text=True, check=False)
