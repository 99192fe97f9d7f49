"""A build of windowed features by mlforge-sdk 0.7.0 and by mlforge. Its values differ, so only cost is compared."""

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from harness import FLOORS, HERE, alternate, measure, report
from versus import PEERS, interpreter, say


def main(options):
    """1 M events of 50,000 entities over 365 days, interval 1 d, windows 1 d, 7 d, 30 d × 5 aggregates."""
    events, entities = int(1_000_000 * options.scale), int(50_000 * options.scale)
    python = interpreter(options, "peer-sdk", "Python 3.13: hatch python install 3.13")
    with tempfile.TemporaryDirectory() as folder:
        data, store = Path(folder, "events.parquet"), Path(folder, "store")
        measure([sys.executable, FLOORS / "windows_events.py", events, entities, data])
        theirs = {
            f"sdk {engine}": [python, PEERS / "windows_sdk.py", data, store, "1d,7d,30d", engine]
            for engine in (["duckdb", "polars"] if options.more else ["duckdb"])
        }
        ours = {
            "mlforge polars": [sys.executable, HERE / "build_windows.py", data, store, "1d,7d,30d"],
            "mlforge duckdb": [sys.executable, HERE / "build_windows_duckdb.py", data, store, "1d,7d,30d"],
        }
        forget = partial(shutil.rmtree, store, ignore_errors=True)
        found = alternate(theirs | ours, options.runs, forget, warm=options.runs > 1)
    goals = dict.fromkeys(ours, (0.05, None))
    report(f"Against mlforge-sdk 0.7.0: {events:,} events, {entities:,} entities, 365 d, interval 1 d", found, goals)
    say(found, theirs)
