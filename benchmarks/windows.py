"""A whole build of windowed features beside a hand-written query for the same rows."""

import re
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
        build = "build_windows.py" if options.engine == "polars" else "build_windows_duckdb.py"
        ours = [sys.executable, HERE / build, data, Path(folder, "store")]
        title = f"Windows: {events:,} events, {entities:,} entities, 365 d, interval 1 d"
        forget = partial(shutil.rmtree, Path(folder, "store"), ignore_errors=True)
        if options.more:
            sides = {"three windows": [*ours, "1d,7d,30d"], "four windows": [*ours, "1d,7d,14d,30d"]}
            report(title, alternate(sides, options.runs, forget), {"four windows": (1.33, None)})
            return
        floor = [sys.executable, FLOORS / f"windows_{options.engine}.py", data, out]
        found = alternate({"floor": floor, "mlforge": [*ours, "1d,7d,30d"]}, options.runs, forget)
        compare_rows(found)
        report(
            f"{title} ({options.engine})", found, {"mlforge": (1.1, 1.2) if options.engine == "polars" else (0.6, None)}
        )


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
