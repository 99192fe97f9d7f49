"""What others rely on stays: names, signatures, hooks, commands; and what goes is told of two minor versions before."""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlforge.__about__ import __version__
from mlforge.deprecation import deprecated
from mlforge.model.version import Version

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = ROOT / "tests" / "public_api.txt"


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_public_api_is_the_one_that_was_written_down() -> None:
    now = script("public_api").snapshot().splitlines()
    then = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    gone, new = [line for line in then if line not in now], [line for line in now if line not in then]
    how = "run `hatch run test:python scripts/public_api.py`, read what it changes, and tell of it in the changelog"
    assert (gone, new) == ([], []), how
    assert now == then


@pytest.mark.parametrize(
    "line",
    ["mlforge_engines()", "class Conflict(message: str, hint: str | None = None)", "engine polars", "[hooks]"],
)
def test_the_snapshot_has_what_it_should(line: str) -> None:
    assert line in SNAPSHOT.read_text(encoding="utf-8").splitlines()


def test_errors_are_written_down_with_their_ways_out() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    errors = script("errors_reference")
    assert errors.page() == page, "run `hatch run test:python scripts/errors_reference.py`"
    assert errors.unread() == [], "an error whose message cannot be told from the code"
    for kind in ("NotInstalled", "Unknown", "Unsupported", "Invalid", "CheckFailed", "NotFound", "Conflict"):
        assert f"\n## {kind}\n" in page


# What goes


def deprecations() -> Iterator[tuple[str, str, str]]:
    """Where something is deprecated, since when, and when it goes; and of which distribution."""
    for path in sorted(ROOT.glob("packages/*/src/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "deprecated":
                given = {k.arg: getattr(k.value, "value", "") for k in node.keywords}
                yield f"{path.relative_to(ROOT)}:{node.lineno}", str(given.get("since")), str(given.get("until"))


def test_what_was_to_go_is_gone() -> None:
    overdue = [place for place, _, until in deprecations() if Version.parse(f"{until}.0") <= Version.parse(__version__)]
    assert overdue == []


@pytest.mark.parametrize(("since", "until"), [("0.9", "0.11"), ("0.9", "1.0"), ("1.2", "1.4"), ("1.9", "2.0")])
def test_what_goes_is_told_of(since: str, until: str) -> None:
    @deprecated("new()", since=since, until=until)
    def old(n: int) -> int:
        """The old way."""
        return n + 1

    with pytest.warns(DeprecationWarning, match=re.escape(f"old is deprecated since {since}") + r".*Use new\(\)"):
        assert old(1) == 2
    assert old.__doc__ == "The old way."


@pytest.mark.parametrize(
    ("since", "until"), [("0.9", "0.10"), ("1.2", "1.3"), ("1.2", "1.2"), ("2.0", "1.9"), ("x", "1.0")]
)
def test_what_goes_too_soon_is_refused_where_it_is_written(since: str, until: str) -> None:
    with pytest.raises(ValueError, match="two minor versions|no version"):
        deprecated("new()", since=since, until=until)


def test_every_distribution_says_which_core_it_works_with() -> None:
    for pyproject in sorted(ROOT.glob("packages/mlforge-*/pyproject.toml")):
        project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
        needs = [d for d in project.get("dependencies", []) if d.startswith("mlforge-core")]
        assert project["name"] == "mlforge-core" or needs == [] or re.fullmatch(r"mlforge-core>=[\d.]+,<1", needs[0])
