"""A whole build of windowed features beside a hand-written query for the same rows."""

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from harness import FLOORS, HERE, alternate, last_json, measure, report


def main(options):
    """10 M events of 500,000 entities over 365 days, interval 1 d, windows 1 d, 7 d, 30 d × 5 aggregates."""
    events, entities = int(10_000_000 * options.scale), int(500_000 * options.scale)
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder, "events.parquet"), Path(folder, "floor.parquet")
        measure([sys.executable, FLOORS / "windows_events.py", events, entities, data])
        ours = [sys.executable, HERE / "build_windows.py", data, Path(folder, "store")]
        title = f"Windows: {events:,} events, {entities:,} entities, 365 d, interval 1 d"
        forget = partial(shutil.rmtree, Path(folder, "store"), ignore_errors=True)
        if options.more:
            sides = {"three windows": [*ours, "1d,7d,30d"], "four windows": [*ours, "1d,7d,14d,30d"]}
            report(title, alternate(sides, options.runs, forget), {"four windows": (1.33, None)})
            return
        floor = [sys.executable, FLOORS / "windows_polars.py", data, out]
        found = alternate({"floor (Polars)": floor, "mlforge (Polars)": [*ours, "1d,7d,30d"]}, options.runs, forget)
        compare_rows(found)
        report(title, found, {"mlforge (Polars)": (1.1, 1.2)})


def compare_rows(found):
    """Exit where the two sides do not give the same number of rows and the same sum."""
    words = found["floor (Polars)"][-1].output.replace(",", "").split()
    rows, checksum = int(words[words.index("rows") - 1]), float(words[-1])
    mine = last_json(found["mlforge (Polars)"][-1])
    if mine["rows"] != rows or abs(mine["checksum"] - checksum) > 1e-6 * abs(checksum):
        sys.exit(f"the rows differ: floor {rows} / {checksum}, mlforge {mine}")
