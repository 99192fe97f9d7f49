"""A whole build of windowed features beside a hand-written query for the same rows."""

import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from harness import FLOORS, HERE, alternate, last_json, measure, report

GOALS = {"polars": (1.0, 1.2), "duckdb": (0.6, None)}


class Work(NamedTuple):
    """Events, and what is made of them in a folder that goes away."""

    title: str
    events: Path
    store: Path
    out: Path
    forget: partial


@contextmanager
def work(options, events, entities):
    """So many events at a scale of 1, of so many entities."""
    rows, users = int(events * options.scale), int(entities * options.scale)
    with tempfile.TemporaryDirectory() as folder:
        data, store = Path(folder, "events.parquet"), Path(folder, "store")
        measure([sys.executable, FLOORS / "windows_events.py", rows, users, data])
        title = f"{rows:,} events, {users:,} entities, 365 d ({options.engine})"
        yield Work(title, data, store, Path(folder, "floor.parquet"), partial(shutil.rmtree, store, ignore_errors=True))


def build(options, made, windows="1d,7d,30d", interval="1d", metrics="sum,count,mean,min,max"):
    """The command that builds the feature."""
    script = HERE / ("build_windows.py" if options.engine == "polars" else "build_windows_duckdb.py")
    return [sys.executable, script, made.events, made.store, windows, interval, metrics]


def floor(name, made):
    """The command of a hand-written query."""
    return [sys.executable, FLOORS / name, made.events, made.out]


def main(options):
    """10 M events of 500,000 entities over 365 days, interval 1 d, windows 1 d, 7 d, 30 d × 5 aggregates."""
    with work(options, 10_000_000, 500_000) as made:
        sides = {"floor": floor(f"windows_{options.engine}.py", made), "mlforge": build(options, made)}
        found = alternate(sides, options.runs, made.forget)
        compare_rows(found)
        report(f"Windows: {made.title}, interval 1 d", found, {"mlforge": GOALS[options.engine]})


def compare_rows(found):
    """Exit where the two sides do not give the same number of rows and the same sum."""
    rows, checksum = rows_and_checksum(found["floor"][-1].output)
    mine = last_json(found["mlforge"][-1])
    if mine["rows"] != rows or abs(mine["checksum"] - checksum) > 1e-6 * abs(checksum):
        sys.exit(f"the rows differ: floor {rows} / {checksum}, mlforge {mine}")


def rows_and_checksum(output):
    """The two numbers at the end of what a floor prints, whichever words are between them."""
    numbers = re.findall(r"[-+]?[0-9]+(?:[.][0-9]+)?", output)
    return (int(numbers[-2]), float(numbers[-1]))
