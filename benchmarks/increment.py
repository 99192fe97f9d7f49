"""Building one day more on top of a version, beside building everything anew."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from harness import FLOORS, HERE, alternate, last_json, measure, report
from windows import rows_and_checksum

LAST_DAY = "2025-12-31"
SPLIT = """
import sys
import polars as pl
events, day, old = sys.argv[1:]
rows = pl.scan_parquet(events)
rows.filter(pl.col("event_time") < pl.lit(day).str.to_datetime(time_zone="UTC")).sink_parquet(old)
"""


def main(options):
    """10 M events of 500,000 entities over 365 days, interval 1 d, windows 1 d, 7 d, 30 d × 5 aggregates."""
    events, entities = int(10_000_000 * options.scale), int(500_000 * options.scale)
    with tempfile.TemporaryDirectory() as folder:
        data, old = Path(folder, "events.parquet"), Path(folder, "until-yesterday.parquet")
        base, whole, grown = (Path(folder, name) for name in ("base", "whole", "grown"))
        measure([sys.executable, FLOORS / "windows_events.py", events, entities, data])
        measure([sys.executable, "-c", SPLIT, data, LAST_DAY, old])
        build = [sys.executable, HERE / "build_increment.py"]
        measure([*build, old, base, options.engine])

        def restore():
            for store in (whole, grown):
                shutil.rmtree(store, ignore_errors=True)
            shutil.copytree(base, grown, copy_function=os.link)

        sides = {"everything": [*build, data, whole, options.engine]}
        sides["one day more"] = [*build, data, grown, options.engine, LAST_DAY]
        sides["its rows by hand"] = [sys.executable, FLOORS / "windows_polars.py", data, Path(folder, "out"), LAST_DAY]
        found = alternate(sides, options.runs, restore)
        report(
            f"One day more: {events:,} events, {entities:,} entities, 365 d ({options.engine})",
            found,
            {"one day more": (0.03, None)},
        )
        compare(*(last_json(found[side][-1]) for side in ("everything", "one day more")))
        by_hand, _ = rows_and_checksum(found["its rows by hand"][-1].output)
        if by_hand != (written := last_json(found["one day more"][-1])["written"]):
            sys.exit(f"the rows differ: {written:,} written, {by_hand:,} by hand")


def compare(whole, step):
    """Print the share of rows and bytes that were written; exit where the versions differ in rows."""
    if whole["rows"] != step["rows"]:
        sys.exit(f"the rows differ: {whole['rows']:,} built anew, {step['rows']:,} built on")
    share = step["bytes"] / whole["bytes"]
    print(f"  wrote {step['written']:,} of {whole['rows']:,} rows; bytes × {share:.4f} (goal ≤ 0.03)")
