"""Hold what the last run with `--cov` measured to what each room must reach: `hatch run gate`, after the tests."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from coverage import Coverage
from coverage.exceptions import CoverageException

CORE = "packages/mlforge-core/src/mlforge"
SHOWN = 5


class Room(NamedTuple):
    """A part of the house, and the share of its lines and branches that tests must run."""

    name: str
    path: str
    needed: float


ROOMS = [
    Room("the house", "packages/", 92),
    Room("core model", f"{CORE}/model/", 95),
    Room("core plugin", f"{CORE}/plugin/", 95),
    Room("core flow", f"{CORE}/flow/", 95),
]


class Share(NamedTuple):
    """How many lines and branches there are, and how many of them ran."""

    run: int
    there: int

    @property
    def percent(self) -> float:
        return 100 * self.run / self.there if self.there else 0.0


def main() -> int:
    """Print each room's share; 1 where one falls short."""
    try:
        files = measured()
    except CoverageException as error:
        print(f"Nothing is measured: {error} Run `hatch run cov`.", file=sys.stderr)
        return 1
    return max([judge(room, files) for room in ROOMS])


def measured() -> dict[str, dict[str, int]]:
    """The numbers of each file, by its path in the tree."""
    coverage = Coverage()
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        coverage.json_report(outfile=str(report))
        document: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return {Path(name).as_posix(): file["summary"] for name, file in document["files"].items()}


def judge(room: Room, files: dict[str, dict[str, int]]) -> int:
    """Say how a room does; 1 where it falls short, with the files that lack most."""
    own = {name: share([numbers]) for name, numbers in files.items() if name.startswith(room.path)}
    whole = share([files[name] for name in own])
    short = whole.percent < room.needed
    print(f"{room.name:12} {whole.percent:6.2f} % of lines and branches, {room.needed:g} % needed", end="")
    print(f": {room.needed - whole.percent:.2f} % short, {lacking(whole, room.needed)} to go" if short else "")
    for name, one in sorted(own.items(), key=lambda item: item[1].run - item[1].there)[: SHOWN * short]:
        print(f"    {one.there - one.run:5} not run in {name}")
    return int(short)


def share(numbers: list[dict[str, int]]) -> Share:
    run = sum(n["covered_lines"] + n["covered_branches"] for n in numbers)
    return Share(run, sum(n["num_statements"] + n["num_branches"] for n in numbers))


def lacking(whole: Share, needed: float) -> int:
    """How many more lines and branches must run."""
    return max(1, round(needed / 100 * whole.there) - whole.run)


if __name__ == "__main__":
    sys.exit(main())
