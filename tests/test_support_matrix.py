"""What supports what is written from what plugins announce, and `mlforge plugin check` prints the same."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlforge.cli.views.supported import document

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "support.md"
spec = importlib.util.spec_from_file_location("support_matrix", ROOT / "scripts" / "support_matrix.py")
assert spec is not None
assert spec.loader is not None
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


def cells(title: str) -> dict[str, dict[str, str]]:
    """A table of the page: for each who stands across, what stands beside each row."""
    part = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    head, _, *body = rows
    return {name: {row[0]: row[place] for row in body} for place, name in enumerate(head) if name}


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == script.page(), (
        "bring it up to date: hatch run test:python scripts/support_matrix.py"
    )


def test_the_page_has_every_engine_and_store_of_the_house() -> None:
    assert {*cells("Engines")} == {"polars", "duckdb", "pyspark", "spark"}
    assert {"local", "s3", "gcs"} <= {*cells("Offline stores")}
    assert {"sqlite", "redis", "dynamodb"} <= {*cells("Online stores")}


@pytest.mark.parametrize("plugin", ["polars", "local"])
def test_plugin_check_prints_what_the_page_has(plugin: str) -> None:
    words = [sys.executable, "-m", "mlforge", "plugin", "check", plugin, "--json"]
    printed = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    (checked,) = printed["plugins"]
    for one in checked["brings"]:
        if one["role"] not in script.ROLES:
            continue
        column = cells(script.ROLES[one["role"]])[one["name"]]
        said = {script.ABILITIES[w].format(f"`{v}`") for w, values in one["supports"].items() for v in values}
        assert said == {row for row, cell in column.items() if cell == "yes"}
        assert column["lacks"] == str(len(one["lacks"]) or "nothing")


def test_what_is_lacking_is_there_with_its_reason() -> None:
    text = PAGE.read_text(encoding="utf-8")
    plugins: list[dict[str, Any]] = document([script.Held(p) for p in script.plugins()])["plugins"]
    reasons = [lack["reason"] for p in plugins for one in p["brings"] for lack in one["lacks"].values()]
    assert reasons
    assert all(reason in text for reason in reasons)
