"""Run Spark's tests, each release of Spark in the environment it bears: `hatch run test` calls this after the others.

Of the conformance kit a short part runs here, on Spark 4: windows, joins and expressions. The whole is `spark:kit`.

Where there is no Java they are left out, by name. Of the arguments those matter that say which tests are asked for:
with paths, only those below `packages/mlforge-spark` run here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TESTS = "packages/mlforge-spark/tests"
NO_JAVA = f"{TESTS}: left out, for there is no Java. Install it: apt-get install openjdk-17-jre-headless"
OLDER = ("spark35",) if sys.version_info < (3, 12) else ()
"""What runs Spark 3.5, which bears no newer Python."""
_WITH_VALUE = ("-k", "-m", "-n", "--dist", "--cov-report", "--tb", "--maxfail", "--junitxml")


def main(arguments: Sequence[str]) -> int:
    """The exit code of the first run that failed."""
    asked = paths(arguments)
    if asked and not any(TESTS.startswith(path) or path.startswith("packages/mlforge-spark") for path in asked):
        return 0
    if shutil.which("java") is None or sys.platform == "win32":
        print(NO_JAVA if sys.platform != "win32" else f"{TESTS}: left out, for Spark wants more of Windows than Java.")
        return 0
    here = [path for path in asked if path.startswith(TESTS)]  # without, what each environment runs by itself
    for environment in ("spark", *OLDER):
        done = subprocess.run(["hatch", "run", f"{environment}:test", *here], check=False)  # noqa: S607
        if done.returncode:
            return done.returncode
    if asked:
        return 0
    return subprocess.run(["hatch", "run", "spark:short"], check=False).returncode  # noqa: S607


def paths(arguments: Sequence[str]) -> list[str]:
    """What is neither an option nor an option's value, without a folder's last stroke."""
    found = []
    before = ""
    for argument in arguments:
        if not argument.startswith("-") and before not in _WITH_VALUE and Path(argument.partition("::")[0]).exists():
            found.append(argument.rstrip("/"))
        before = argument
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
