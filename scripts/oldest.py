"""Run tests with the oldest releases that our packages ask others for: `hatch run oldest [PATH…]`.

The environment is made anew in a temporary folder: what is tested is what the requirements say. Warnings of old
releases are theirs. Spark's and MLflow's tests, which have environments of their own, are left out, and so are those
that need a tool which bears no such old neighbours.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
APART = ("mlforge-mlflow", "mlforge-spark")
NEWER = ("cyclonedx-bom", "fakesnow", "playwright", "schemathesis", "snowflake-connector-python", "towncrier")
"""Tools that want newer releases of what is tested here."""
UNTRIED = ("bigquery", "testing")
"""Extras that no test here needs."""
PATHS = [
    *(f"packages/mlforge-{name}" for name in ("csv", "ranges", "openlineage", "opentelemetry")),
    *(f"packages/mlforge-core/tests/{name}" for name in ("flow", "model", "project", "stores")),
    "packages/mlforge-serve/tests/test_refusals.py",
]  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """The exit code of pytest."""
    projects = [path for path in sorted(ROOT.glob("packages/*")) if path.name not in APART]
    asked = sorted({r for path in projects for r in requirements(path) if not r.startswith("mlforge")})
    with tempfile.TemporaryDirectory() as folder:
        python = str(Path(folder, "env", "bin", "python"))
        _run("uv", "venv", "--quiet", "--python", sys.executable, str(Path(folder, "env")))
        _run("uv", "pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct", *asked)
        frozen = Path(folder, "oldest.txt")
        frozen.write_text(_run("uv", "pip", "freeze", "--python", python))
        own = [*projects, *sorted((ROOT / "tests").glob("toy-*"))]
        places = [word for path in own for word in ("--editable", str(path))]
        _run("uv", "pip", "install", "--quiet", "--python", python, "--constraints", str(frozen), *places, *tools())
        print(frozen.read_text())
        words = ["-m", "pytest", "-q", "-n", "auto", "-W", "ignore", "-p", "no:cacheprovider", *(arguments or PATHS)]
        return subprocess.run([python, *words], cwd=ROOT, check=False).returncode


def requirements(project: Path) -> Iterator[str]:
    """What a distribution asks for, its extras too."""
    told = _toml(project / "pyproject.toml")["project"]
    yield from told["dependencies"]
    for extra, some in told.get("optional-dependencies", {}).items():
        if extra not in UNTRIED:
            yield from some


def tools() -> list[str]:
    """What the tests use, as their environment asks for it."""
    asked = _toml(ROOT / "hatch.toml")["envs"]["test"]["dependencies"]
    return [tool for tool in asked if not tool.startswith(NEWER)]


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
