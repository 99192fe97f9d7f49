"""Run the tests that have environments of their own, for what they need wants other releases of what others need, too.

`hatch run test` calls this after the others. Of the arguments those matter that say which tests are asked for.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from spark_tests import paths


class Apart(NamedTuple):
    """Tests, the environment they run in, and below which path they are asked for."""

    environment: str
    tests: str
    asked: str
    is_on_windows: bool = True


APART = [
    Apart("mlflow", "packages/mlforge-mlflow/tests", "packages/mlforge-mlflow"),
    Apart("unity", "packages/mlforge-databricks/clients", "packages/mlforge-databricks/clients", is_on_windows=False),
]


def main(arguments: Sequence[str]) -> int:
    """The exit code of the first run that failed."""
    asked = paths(arguments)
    for apart in APART:
        if asked and not any(apart.tests.startswith(path) or path.startswith(apart.asked) for path in asked):
            continue
        if sys.platform == "win32" and not apart.is_on_windows:
            print(f"{apart.tests}: left out, for there is no Sail for Windows.")
            continue
        here = [path for path in asked if path.startswith(apart.tests) and path != apart.tests]
        done = subprocess.run(["hatch", "run", f"{apart.environment}:test", *here], check=False)  # noqa: S607
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
