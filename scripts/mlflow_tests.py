"""Run MLflow's tests in an environment of their own, for MLflow wants other releases of what others need, too.

`hatch run test` calls this after the others. Of the arguments those matter that say which tests are asked for.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from spark_tests import paths

TESTS = "packages/mlforge-mlflow/tests"


def main(arguments: Sequence[str]) -> int:
    """The exit code of the run."""
    asked = paths(arguments)
    if asked and not any(TESTS.startswith(path) or path.startswith("packages/mlforge-mlflow") for path in asked):
        return 0
    here = [path for path in asked if path.startswith(TESTS)]
    return subprocess.run(["hatch", "run", "mlflow:test", *here], check=False).returncode  # noqa: S607


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
